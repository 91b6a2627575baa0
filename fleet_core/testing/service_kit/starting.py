"""Up: once or again, it returns when the service answers, and everything is as it was left."""

from fleet_core.testing.service_kit.base import FirstStart, Probe, keep, kept_by, quiet


class StartingKit:
    """`up` and `restart`."""

    def test_the_first_up_returns_when_the_service_answers(self, first_start: FirstStart) -> None:
        assert first_start.refusal is None

    def test_up_twice_leaves_it_running_as_it_was(self, ready: Probe) -> None:
        before = ready.running()
        ready.make().up(quiet)
        assert ready.running() == before != []

    def test_a_later_up_returns_when_the_service_answers(self, stopped: Probe) -> None:
        stopped.make().up(quiet)
        kept_by(stopped)

    def test_up_says_that_it_is_ready(self, first_start: FirstStart, ready: Probe) -> None:
        assert first_start.status.state == "ready"
        assert ready.make().up(quiet).state == "ready"

    def test_up_tells_what_it_does_or_waits_for(self, first_start: FirstStart) -> None:
        assert first_start.reports
        assert all(report.strip() == report != "" for report in first_start.reports)

    def test_up_after_down_keeps_the_data_and_the_url(self, ready: Probe) -> None:
        keep(ready, "before down")
        before = ready.make().url()
        ready.make().down()
        ready.make().up(quiet)
        assert "before down" in kept_by(ready)
        assert ready.make().url() == before

    def test_restart_keeps_the_data_and_the_url(self, ready: Probe) -> None:
        keep(ready, "before restart")
        before = ready.make().url()
        ready.make().restart(quiet)
        assert "before restart" in kept_by(ready)
        assert ready.make().url() == before

    def test_restart_stops_it_and_starts_it(self, ready: Probe) -> None:
        before = ready.running()
        assert ready.make().restart(quiet).state == "ready"
        after = ready.running()
        assert len(after) == len(before)
        assert not set(after) & set(before)

    def test_restart_starts_a_stopped_service(self, stopped: Probe) -> None:
        stopped.make().restart(quiet)
        kept_by(stopped)
