"""Mutants whose readers and waiters see events too early, too late or never."""

import threading
from collections.abc import Iterator
from typing import Any

from fleet_core.errors import FleetError
from fleet_core.events import Recorded
from fleet_core.stores import Appended, Batch, Condition, Query
from kit.file_store import Memory
from kit.mutants.base import Mutant


class PublishesOutOfOrder(Mutant):
    """Positions are drawn first and become visible whenever each writer is done."""

    caught_by = "test_no_reader_skips"

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._published: set[int] = set()

    def append(self, *batches: Batch, condition: Condition | None = None) -> Appended:
        answer = super().append(*batches, condition=condition)
        self._clock()
        self._published.update(answer.positions)
        return answer

    def _matching(self, query: Query, events: Iterator[Recorded]) -> Iterator[Recorded]:
        return super()._matching(query, (event for event in events if event.position in self._published))


class PublishesLate(PublishesOutOfOrder):
    """Acknowledges, and lets a thread do the rest."""

    caught_by = "test_a_writer_reads_its_own_event_at_once"

    def append(self, *batches: Batch, condition: Condition | None = None) -> Appended:
        answer = Memory.append(self, *batches, condition=condition)
        publish = threading.Timer(0.002, self._published.update, (answer.positions,))
        publish.daemon = True
        publish.start()
        return answer


class PublishesEventByEvent(Mutant):
    """Readers see the first half of an append before the second."""

    caught_by = "test_no_reader_sees_half_of_an_append"

    def _record(self, events: list[Recorded]) -> None:
        for event in events:
            super()._record([event])
            self._clock()

    def head(self) -> int:
        self._check_open()
        return len(self._log)


class HeadRunsAhead(Mutant):
    """The head is the last position handed out, whether anybody can read it yet or not."""

    caught_by = "test_the_head_is_never_ahead_of_what_can_be_read"

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._reserved = 0

    def _rows(self, writes: Any) -> list[Recorded]:
        self._reserved = len(self._log) + len(writes)
        return super()._rows(writes)

    def head(self) -> int:
        self._check_open()
        return max(self._reserved, len(self._log))


class RefusedAppendsMoveTheHead(Mutant):
    caught_by = "test_a_refused_append_leaves_no_trace"
    _refused = 0

    def append(self, *batches: Batch, condition: Condition | None = None) -> Appended:
        try:
            return super().append(*batches, condition=condition)
        except FleetError:
            self._refused += 1
            raise

    def head(self) -> int:
        return super().head() + self._refused


class NeverWakes(Mutant):
    """Sleeps until time is up, then looks."""

    caught_by = "test_a_commit_of_another_thread_wakes_it"

    def wait(self, after: int, timeout: float) -> bool:
        if self.head() <= after:
            threading.Event().wait(timeout)
        return self.head() > after


class WakesOneWaiter(Mutant):
    """`notify` instead of `notify_all`."""

    caught_by = "test_every_waiter_is_woken"

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._changed.notify_all = self._changed.notify  # type: ignore[method-assign]


class WaitAlwaysSaysYes(Mutant):
    caught_by = "test_it_says_so_when_time_is_up"

    def wait(self, after: int, timeout: float) -> bool:
        super().wait(after, timeout)
        return True


class WaitIncludesThePosition(Mutant):
    caught_by = "test_it_says_so_when_time_is_up"

    def wait(self, after: int, timeout: float) -> bool:
        return super().wait(after - 1, timeout)


class CloseDoesNothing(Mutant):
    caught_by = "test_after_that_every_call_says_that_it_is_closed"

    def close(self) -> None:
        pass


class ClosesOnce(Mutant):
    caught_by = "test_it_may_be_closed_twice"

    def close(self) -> None:
        self._check_open()
        super().close()
