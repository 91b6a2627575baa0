"""Kills: of fleet in the middle of a start, of the service at any time, of both."""

from fleet_core.testing.service_kit.base import FirstStart, Probe, keep, kept_by, left_of, quiet, state_of
from fleet_core.testing.service_kit.workers import Starter


class CrashesKit:
    """Whatever is killed, the next `up` gives a service that answers, with all that it ever confirmed."""

    def test_a_service_that_was_killed_comes_up_with_all_that_it_confirmed(self, ready: Probe) -> None:
        texts = [f"before the kill {number}" for number in range(20)]
        for text in texts:
            keep(ready, text)
        ready.crash()
        ready.make().up(quiet)
        assert set(texts) <= set(kept_by(ready))

    def test_a_first_start_that_was_killed_at_any_report_is_repaired(
        self, service: Probe, first_start: FirstStart
    ) -> None:
        for number, report in enumerate(first_start.reports, 1):
            with Starter(service.make) as starter:
                starter.reach(number)
            service.crash()
            _check_repair(service, f"All was killed at report {number}, {report!r}.")

    def test_a_first_start_that_was_killed_while_it_waited_is_repaired(
        self, service: Probe, first_start: FirstStart
    ) -> None:
        with Starter(service.make) as starter:
            starter.reach(len(first_start.reports))
            starter.run_on(first_start.seconds_after_last / 2)
        service.crash()
        _check_repair(service, "All was killed half-way between the last report and the end.")

    def test_a_first_start_that_fleet_did_not_see_to_its_end_is_taken_on(
        self, service: Probe, first_start: FirstStart
    ) -> None:
        """Here fleet alone is killed, and what it had started goes on."""
        with Starter(service.make) as starter:
            starter.reach(len(first_start.reports))
        _check_repair(service, "Fleet was killed at the last report, and nothing else.")

    def test_a_later_start_that_was_killed_at_any_report_keeps_the_data(self, ready: Probe) -> None:
        keep(ready, "before the later start")
        number = 1
        while _killed_at(number, ready):
            number += 1
        ready.make().up(quiet)
        assert "before the later start" in kept_by(ready)


def _killed_at(number: int, service: Probe) -> bool:
    """Take a service down, and up again as far as a report, and kill all; whether there was that report."""
    service.make().down()
    with Starter(service.make) as starter:
        reached = starter.reach(number)
    service.crash()
    return reached


def _check_repair(service: Probe, accident: str) -> None:
    """Up after an accident, and then destroy all for the next one. One that left nothing is none."""
    try:
        if left_of(service):
            _check_start(service)
        service.make().destroy()
        assert left_of(service) == []
    except BaseException as error:
        error.add_note(accident)
        raise


def _check_start(service: Probe) -> None:
    if state_of(service) == "ready":
        kept_by(service)
    service.make().up(quiet)
    keep(service, "after the repair")
    assert kept_by(service) == ["after the repair"]
