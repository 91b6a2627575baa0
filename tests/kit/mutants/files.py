"""Mutants that forget on closing, or do not see what other processes do."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

from fleet_core.codecs import EventCodec
from fleet_core.events import Recorded, Row
from fleet_core.stores import Appended, Batch, Condition
from fleet_core.times import Clock
from kit.file_store import FileStore, Memory

SMALL = {"views": "it is too small", "maintenance": "it is too small", "pipelining": "it is too small"}


class FileMutant(FileStore):
    """The small store in a file, about to be broken."""

    caught_by: ClassVar[str]
    lacks: ClassVar[dict[str, str]] = SMALL


class _CountsFromItsOpening(Memory):
    _learned = 0

    def learn(self, rows: list[Row]) -> None:
        super().learn(rows)
        self._learned += len(rows)

    def _rows(self, writes: Any) -> list[Recorded]:
        rows = [Row(*event.row) for event in super()._rows(writes)]
        return [Recorded(row._replace(position=row.position - self._learned), self._codec) for row in rows]


class ReusesPositions(FileMutant):
    """A sequence that begins again when the store is opened."""

    caught_by = "test_positions_go_on"
    memory = _CountsFromItsOpening


class _LearnsNoIds(Memory):
    def learn(self, rows: list[Row]) -> None:
        super().learn(rows)
        self._by_id.clear()


class ForgetsIdsWhenClosed(FileMutant):
    caught_by = "test_retries_are_known_again"
    memory = _LearnsNoIds


class _LearnsNoVersions(Memory):
    def learn(self, rows: list[Row]) -> None:
        super().learn(rows)
        self._versions.clear()


class ForgetsVersionsWhenClosed(FileMutant):
    caught_by = "test_versions_go_on"
    memory = _LearnsNoVersions


class StartsAnew(FileMutant):
    """CREATE OR REPLACE."""

    caught_by = "test_a_reopened_store_says_what_it_said_before"

    def __init__(self, path: Path, codec: EventCodec, clock: Clock) -> None:
        path.write_bytes(b"")
        super().__init__(path, codec, clock)


class AcknowledgesBeforeItWrites(FileMutant):
    """Writes when there is enough to write, and on closing."""

    caught_by = "test_a_killed_process_loses_nothing_acknowledged"

    def __init__(self, path: Path, codec: EventCodec, clock: Clock) -> None:
        self._waiting: list[list[Row]] = []
        super().__init__(path, codec, clock)

    def _write(self, rows: list[Row]) -> None:
        self._waiting.append(rows)
        if len(self._waiting) > 100:
            self._flush()

    def _flush(self) -> None:
        while self._waiting:
            super()._write(self._waiting.pop(0))

    def close(self) -> None:
        if not self._file.closed:
            self._flush()
        super().close()


class WritesEventByEvent(FileMutant):
    """A frame for each event: others see the first half of an append."""

    caught_by = "test_no_reader_sees_half_of_another_process_s_append"

    def _write(self, rows: list[Row]) -> None:
        for row in rows:
            super()._write([row])
            self._memory._clock()


class LocksThreadsOnly(FileMutant):
    """A lock that other processes know nothing of."""

    caught_by = "test_of_processes_racing_for_a_version_exactly_one_wins"

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with self._one_at_a_time:
            yield


class LooksBeforeItLocks(FileMutant):
    """BEGIN DEFERRED: decides on what the log said a moment ago."""

    caught_by = "test_of_processes_racing_for_a_version_exactly_one_wins"

    def append(self, *batches: Batch, condition: Condition | None = None) -> Appended:
        before = self.head()
        answer = self._memory.append(*batches, condition=condition)
        with self._alone():
            self._read_up_to = os.fstat(self._file.fileno()).st_size
            self._write(self._memory.recorded(before))
        return answer


class LooksOnlyWhenOpened(FileMutant):
    """Trusts its cache."""

    caught_by = "test_what_one_opening_appends_the_other_reads_at_once"
    _has_looked = False

    def _catch_up(self) -> None:
        if not self._has_looked:
            super()._catch_up()
        self._has_looked = True


class WakesForItselfOnly(FileMutant):
    """An event of this process, which no other sets."""

    caught_by = "test_a_commit_of_another_opening_wakes_who_waits"

    def wait(self, after: int, timeout: float) -> bool:
        self._catch_up()
        return self._memory.wait(after, timeout)


class CleansUpOnClosing(FileMutant):
    """Takes itself for the last one to leave."""

    caught_by = "test_closing_one_opening_leaves_the_other_open"

    def close(self) -> None:
        if not self._file.closed:
            os.ftruncate(self._file.fileno(), 0)
        super().close()


class DeniesItsDurability(FileMutant):
    """Says that it lacks what it has, to be spared the tests."""

    caught_by = "test_it_lacks_durability_as_it_says"
    lacks = {**SMALL, "durability": "no time"}


class DeniesItsProcesses(FileMutant):
    caught_by = "test_it_lacks_processes_as_it_says"
    lacks = {**SMALL, "processes": "no time"}
