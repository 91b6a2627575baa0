"""A small store in a file: the memory store's decisions, made under a file lock, written before answering.

It exists to be sound in plain view, so that its mutants (`kit.mutants`) have only one fault each.
"""

import fcntl
import os
import pickle
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from fleet_core.codecs import EventCodec
from fleet_core.events import Recorded, Row
from fleet_core.stores import ALL, Appended, Batch, Condition, Query
from fleet_core.times import Clock
from fleet_memory.store import MemoryStore

HEADER = 4
"""Bytes that say how long the frame after them is."""


class Memory(MemoryStore):
    """A memory store that can be told what was recorded elsewhere."""

    def learn(self, rows: list[Row]) -> None:
        """Take in events that another one recorded."""
        with self._changed:
            self._record([Recorded(row, self._codec) for row in rows])

    def recorded(self, since: int) -> list[Row]:
        """The rows beyond a position."""
        return [Row(*event.row) for event in self._log[since:]]


class FileStore:
    """One frame of the file for each append, so that an end cut off by a kill halves nothing."""

    memory: type[Memory] = Memory

    def __init__(self, path: Path, codec: EventCodec, clock: Clock) -> None:
        self._memory = self.memory(codec, clock)
        self._file: IO[bytes] = path.open("a+b", buffering=0)
        self._read_up_to = 0
        self._one_at_a_time = threading.RLock()
        self._catch_up()

    def append(self, *batches: Batch, condition: Condition | None = None) -> Appended:
        with self._alone():
            self._catch_up()
            before = self._memory.head()
            answer = self._memory.append(*batches, condition=condition)
            self._write(self._memory.recorded(before))
            return answer

    def _write(self, rows: list[Row]) -> None:
        if rows:
            frame = pickle.dumps(rows)
            os.ftruncate(self._file.fileno(), self._read_up_to)
            self._file.write(len(frame).to_bytes(HEADER, "big") + frame)
            self._read_up_to += HEADER + len(frame)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """No other thread and no other process decides anything meanwhile."""
        with self._one_at_a_time:
            if self._file.closed:
                self._memory.head()
            fcntl.flock(self._file, fcntl.LOCK_EX)
            try:
                yield
            finally:
                fcntl.flock(self._file, fcntl.LOCK_UN)

    def _catch_up(self) -> None:
        with self._one_at_a_time:
            while not self._file.closed and (frame := self._next_frame()) is not None:
                self._memory.learn(pickle.loads(frame))
                self._read_up_to += HEADER + len(frame)

    def _next_frame(self) -> bytes | None:
        start = self._read_up_to
        header = os.pread(self._file.fileno(), HEADER, start)
        if len(header) < HEADER:
            return None
        length = int.from_bytes(header, "big")
        frame = os.pread(self._file.fileno(), length, start + HEADER)
        return frame if len(frame) == length else None

    def read(self, query: Query = ALL, **bounds: Any) -> Iterator[Recorded]:
        self._catch_up()
        return self._memory.read(query, **bounds)

    def head(self) -> int:
        self._catch_up()
        return self._memory.head()

    def wait(self, after: int, timeout: float) -> bool:
        deadline = time.monotonic() + timeout
        while self.head() <= after and time.monotonic() < deadline:
            self._memory.wait(after, 0.005)
        return self.head() > after

    def close(self) -> None:
        self._memory.close()
        with self._one_at_a_time:
            self._file.close()
