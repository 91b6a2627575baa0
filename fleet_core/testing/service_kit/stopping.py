"""Down: nothing runs any more, whatever it did before, and the data stays."""

from fleet_core.testing.abilities import needs
from fleet_core.testing.service_kit.base import Probe, left_of, patiently


class StoppingKit:
    """`down`."""

    def test_down_leaves_nothing_running(self, ready: Probe) -> None:
        ready.make().down()
        assert ready.running() == []

    def test_down_says_that_it_is_stopped(self, ready: Probe) -> None:
        assert ready.make().down().state == "stopped"

    def test_down_twice_is_down(self, stopped: Probe) -> None:
        assert stopped.make().down().state == "stopped"
        assert stopped.running() == []

    def test_down_removes_nothing_that_lasts(self, ready: Probe) -> None:
        before = ready.remains()
        ready.make().down()
        assert ready.remains() == before != []

    def test_down_of_an_absent_service_makes_nothing(self, absent: Probe) -> None:
        assert absent.make().down().state == "absent"
        assert left_of(absent) == absent.running() == []

    def test_a_crashed_service_is_taken_down(self, ready: Probe) -> None:
        ready.crash()
        assert patiently(ready.make().down).state == "stopped"
        assert ready.running() == []

    @needs("hanging")
    def test_a_hanging_service_is_taken_down(self, ready: Probe) -> None:
        ready.hang()
        try:
            assert patiently(ready.make().down).state == "stopped"
            assert ready.running() == []
        finally:
            ready.resume()
