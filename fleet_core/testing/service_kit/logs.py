"""Logs: the service's own lines, whether it runs or not, as many and as old as was asked."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from fleet_core.errors import NotFound
from fleet_core.testing.service_kit.base import Probe, patiently, started, until

HOUR = timedelta(hours=1)


class LogsKit:
    """`logs`."""

    def test_logs_hold_what_the_service_says(self, ready: Probe) -> None:
        _say(ready, "kit-said-this")
        assert _holds(_lines(ready), "kit-said-this")

    def test_logs_of_a_stopped_service_hold_what_it_said(self, ready: Probe) -> None:
        _say(ready, "kit-said-before-down")
        ready.make().down()
        assert _holds(_lines(ready), "kit-said-before-down")

    def test_logs_of_a_crashed_service_hold_what_it_said(self, ready: Probe) -> None:
        _say(ready, "kit-said-before-the-crash")
        ready.crash()
        assert _holds(_lines(ready), "kit-said-before-the-crash")

    def test_logs_are_lines_without_their_ends(self, stopped: Probe) -> None:
        lines = _lines(stopped)
        assert lines
        assert not [line for line in lines if line.endswith(("\n", "\r"))]

    def test_logs_are_oldest_first(self, ready: Probe) -> None:
        for text in ("kit-first", "kit-second"):
            _say(ready, text)
        told = [line for line in _lines(ready) if "kit-first" in line or "kit-second" in line]
        assert "kit-first" in told[0]
        assert "kit-second" in told[-1]

    def test_tail_gives_the_last_lines(self, stopped: Probe) -> None:
        lines = _lines(stopped)
        for count in (0, 1, 2, len(lines), len(lines) + 10):
            assert list(stopped.make().logs(tail=count)) == lines[len(lines) - min(count, len(lines)) :]

    def test_since_leaves_out_what_is_older(self, ready: Probe) -> None:
        _say(ready, "kit-said-now")
        ready.make().down()
        now = datetime.now(UTC)
        assert list(ready.make().logs(since=now + HOUR)) == []
        assert list(ready.make().logs(since=now - HOUR)) == _lines(ready)

    def test_a_time_of_any_zone_will_do(self, stopped: Probe) -> None:
        for zone in (timezone(9 * HOUR), timezone(-9 * HOUR)):
            now = datetime.now(zone)
            assert list(stopped.make().logs(since=now + HOUR)) == []
            assert list(stopped.make().logs(since=now - HOUR)) == _lines(stopped)

    def test_who_follows_is_told_what_is_new(self, ready: Probe) -> None:
        _say(ready, "kit-said-before")
        follower = _Follower(ready)
        follower.wait_for("kit-said-before")
        _say(ready, "kit-said-to-who-follows")
        follower.wait_for("kit-said-to-who-follows")
        ready.make().down()

    def test_who_follows_comes_to_an_end_when_the_service_stops(self, ready: Probe) -> None:
        _say(ready, "kit-said-last")
        follower = _Follower(ready)
        follower.wait_for("kit-said-last")
        ready.make().down()
        follower.ended()

    def test_who_follows_a_stopped_service_comes_to_an_end(self, stopped: Probe) -> None:
        assert patiently(lambda: list(stopped.make().logs(follow=True))) == _lines(stopped)

    def test_logs_of_an_absent_service_are_not_found(self, absent: Probe) -> None:
        for follow in (False, True):
            with pytest.raises(NotFound):
                list(absent.make().logs(follow=follow))


class _Follower:
    """Follows the logs in a thread."""

    def __init__(self, service: Probe) -> None:
        self._lines: list[str] = []
        self._provider = service.make()
        self.ended = started(self._follow)

    def _follow(self) -> None:
        for line in self._provider.logs(follow=True):
            self._lines.append(line)

    def wait_for(self, text: str) -> None:
        """Wait until it was told a line with a text."""
        until(lambda: _holds(list(self._lines), text), f"who follows is told {text!r}")


def _say(service: Probe, text: str) -> None:
    """Have the service say something, and wait until it has come to its logs."""
    service.log(service.make().url(), text)
    until(lambda: _holds(_lines(service), text), f"{text!r} comes to the logs")


def _lines(service: Probe) -> list[str]:
    return list(service.make().logs())


def _holds(lines: list[str], text: str) -> bool:
    return any(text in line for line in lines)
