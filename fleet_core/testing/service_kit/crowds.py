"""Several processes at once, which all ask for the same: one service runs, or none."""

from collections.abc import Iterator

import pytest

from fleet_core.testing.service_kit import workers
from fleet_core.testing.service_kit.base import Probe, keep, kept_by, quiet
from fleet_core.testing.service_kit.workers import Crowd


class CrowdsKit:
    """Real processes, started afresh."""

    @pytest.fixture(scope="class")
    @classmethod
    def crowd(cls) -> Iterator[Crowd]:
        """Processes, the same for all these tests because starting them takes long."""
        crowd = Crowd()
        yield crowd
        crowd.close()

    def test_processes_that_start_it_first_start_one_service(self, service: Probe, crowd: Crowd) -> None:
        statuses = crowd.all(workers.up, service.make)
        assert [status.state for status in statuses] == ["ready"] * workers.PROCESSES
        keep(service, "after the crowd")
        together = service.running()
        service.make().down()
        assert service.running() == []
        service.make().up(quiet)
        assert len(together) == len(service.running())
        assert kept_by(service) == ["after the crowd"]

    def test_processes_that_start_it_later_start_one_service(self, ready: Probe, crowd: Crowd) -> None:
        alone = ready.running()
        ready.make().down()
        statuses = crowd.all(workers.up, ready.make)
        assert [status.state for status in statuses] == ["ready"] * workers.PROCESSES
        assert len(ready.running()) == len(alone)
        kept_by(ready)

    def test_processes_may_take_it_down_together(self, ready: Probe, crowd: Crowd) -> None:
        statuses = crowd.all(workers.down, ready.make)
        assert [status.state for status in statuses] == ["stopped"] * workers.PROCESSES
        assert ready.running() == []
