"""Status: true in every state, soon, and never an error."""

import pytest

from fleet_core.services import ServiceStatus
from fleet_core.testing.abilities import needs, proves_lack_of
from fleet_core.testing.service_kit.base import (
    Probe,
    kept_by,
    left_of,
    promptly,
    state_of,
    until,
)


class StatusKit:
    """`status`, against what the probe sees."""

    def test_an_absent_service_is_absent(self, absent: Probe) -> None:
        assert state_of(absent) == "absent"

    def test_asking_makes_nothing(self, absent: Probe) -> None:
        promptly(absent.make().status)
        assert absent.make().belongings() == []
        assert left_of(absent) == absent.running() == []

    def test_a_service_that_answers_is_ready(self, ready: Probe) -> None:
        assert state_of(ready) == "ready"

    def test_a_status_says_whose_it_is(self, ready: Probe) -> None:
        status = ready.make().status()
        assert status.service == ready.service
        assert status.provider
        assert status.url

    def test_a_service_that_was_taken_down_is_stopped(self, stopped: Probe) -> None:
        assert state_of(stopped) == "stopped"

    def test_a_crashed_service_is_failing_or_runs_again(self, ready: Probe) -> None:
        ready.crash()
        status = _settled(ready)
        if status.state == "ready":
            kept_by(ready)
        else:
            assert status.state == "failing"
            assert status.detail
            assert status.remedy

    @needs("hanging")
    def test_a_hanging_service_is_failing(self, ready: Probe) -> None:
        ready.hang()
        try:
            status = promptly(ready.make().status)
        finally:
            ready.resume()
        assert status.state == "failing"
        assert status.detail
        assert status.remedy

    @needs("hanging")
    def test_a_service_that_hung_is_ready_when_it_goes_on(self, ready: Probe) -> None:
        ready.hang()
        try:
            state_of(ready)
        finally:
            ready.resume()
        until(lambda: state_of(ready) == "ready", "it goes on and is ready")

    @proves_lack_of("hanging")
    def test_it_lacks_hanging_as_it_says(self, shared: Probe) -> None:
        with pytest.raises(NotImplementedError):
            shared.hang()

    def test_every_fault_has_a_name_and_says_what_to_do(self, shared: Probe) -> None:
        faults = shared.make().faults
        assert [fault for fault in faults if not (fault.name and fault.message and fault.remedy)] == []
        assert len({fault.name for fault in faults}) == len(faults)


def _settled(service: Probe) -> ServiceStatus:
    """What it is when it no longer begins to be something else."""
    until(lambda: state_of(service) != "starting", "it starts by itself, or says that it failed")
    return promptly(service.make().status)
