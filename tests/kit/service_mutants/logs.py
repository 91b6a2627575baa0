"""Mutants that keep lines back, or give others."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from fleet_core.errors import NotFound
from fleet_core.services import State
from kit.service_mutants.base import ProviderMutant


class DropsStderr(ProviderMutant):
    """Complaints go to stderr."""

    caught_by = "test_logs_hold_what_the_service_says"

    def logs(self, **limits: Any) -> Iterator[str]:
        return (line for line in super().logs(**limits) if "what is" not in line)


class HasLogsWhileItRuns(ProviderMutant):
    caught_by = "test_logs_of_a_stopped_service_hold_what_it_said"

    def logs(self, **limits: Any) -> Iterator[str]:
        return super().logs(**limits) if self._folder.pid() else iter(())


class RefusesLogsOfTheStopped(ProviderMutant):
    caught_by = "test_logs_of_a_stopped_service_hold_what_it_said"

    def logs(self, **limits: Any) -> Iterator[str]:
        if self._folder.path.exists() and self._folder.pid() is None:
            raise self.broken()
        return super().logs(**limits)


class LosesTheLogsInACrash(ProviderMutant):
    caught_by = "test_logs_of_a_crashed_service_hold_what_it_said"

    def logs(self, **limits: Any) -> Iterator[str]:
        crashed: State = "failing"
        return iter(()) if self.status().state == crashed else super().logs(**limits)


class KeepsTheEndsOfLines(ProviderMutant):
    caught_by = "test_logs_are_lines_without_their_ends"

    def logs(self, **limits: Any) -> Iterator[str]:
        return (f"{line}\n" for line in super().logs(**limits))


class GivesTheNewestFirst(ProviderMutant):
    caught_by = "test_logs_are_oldest_first"

    def logs(self, **limits: Any) -> Iterator[str]:
        return reversed(list(super().logs(**limits)))


class HasNoTail(ProviderMutant):
    caught_by = "test_tail_gives_the_last_lines"

    def logs(self, *, tail: int | None = None, **limits: Any) -> Iterator[str]:
        return super().logs(**limits)


class GivesTheHead(ProviderMutant):
    caught_by = "test_tail_gives_the_last_lines"

    def logs(self, *, tail: int | None = None, **limits: Any) -> Iterator[str]:
        return iter(list(super().logs(**limits))[:tail])


class TakesNothingForAll(ProviderMutant):
    """`if tail:`"""

    caught_by = "test_tail_gives_the_last_lines"

    def logs(self, *, tail: int | None = None, **limits: Any) -> Iterator[str]:
        return super().logs(tail=tail or None, **limits)


class RemembersForEver(ProviderMutant):
    caught_by = "test_since_leaves_out_what_is_older"

    def logs(self, *, since: datetime | None = None, **limits: Any) -> Iterator[str]:
        return super().logs(**limits)


class ForgetsAtOnce(ProviderMutant):
    """Takes since for until."""

    caught_by = "test_since_leaves_out_what_is_older"

    def logs(self, *, since: datetime | None = None, **limits: Any) -> Iterator[str]:
        return iter(()) if since else super().logs(**limits)


class KnowsOneZone(ProviderMutant):
    caught_by = "test_a_time_of_any_zone_will_do"

    def logs(self, *, since: datetime | None = None, **limits: Any) -> Iterator[str]:
        return super().logs(since=since and since.replace(tzinfo=UTC), **limits)


class FollowsNobody(ProviderMutant):
    caught_by = "test_who_follows_is_told_what_is_new"

    def logs(self, *, follow: bool = False, **limits: Any) -> Iterator[str]:
        return super().logs(**limits)


class FollowsForEver(ProviderMutant):
    caught_by = "test_who_follows_comes_to_an_end_when_the_service_stops"

    def logs(self, *, follow: bool = False, **limits: Any) -> Iterator[str]:
        yield from super().logs(follow=follow, **limits)
        while follow:
            time.sleep(0.1)


class FollowsTheStopped(FollowsForEver):
    """`tail -f`: waits for what will never come."""

    caught_by = "test_who_follows_a_stopped_service_comes_to_an_end"


class HasNoLogsOfTheAbsent(ProviderMutant):
    """Silently empty."""

    caught_by = "test_logs_of_an_absent_service_are_not_found"

    def logs(self, **limits: Any) -> Iterator[str]:
        try:
            yield from super().logs(**limits)
        except NotFound:
            return
