"""Crowds of processes that write to and read from a PostgreSQL store while servers and processes are killed.

What a writer is about to say, and what it was told is recorded, goes into a file that outlives it; so does
what a reader has seen.
"""

import os
import signal
import time
from collections import Counter
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Final, NamedTuple

from fleet_core.api import Batch, Stream, Unavailable, system_clock
from fleet_postgres.store import PostgresStore
from forking import processes
from postgres_stores import event, execute, open_postgres

DEADLINE: Final = 60.0
"""Seconds after which something that should have happened never will."""

SCHEMA: Final = "crowded"

_OVER, _ALL_SAID = "over", "all-said"
"""Files whose presence tells writers, and then readers, to come to their end."""


class Words:
    """What one writer says: numbers in order, each twice, in a stream of its own and in one of all."""

    def __init__(self, file: Path, *, has_ids: bool) -> None:
        self._name = file.name
        self._has_ids = has_ids
        told = file.read_text().splitlines() if file.exists() else []
        self.number = sum(line[0] == "!" for line in told)
        self._file = file.open("ab", buffering=0)

    def say_next(self, store: PostgresStore) -> None:
        """Append the next words; again, with the same ids, where a predecessor was killed over it."""
        text = f"{self._name}-{self.number}"
        own, common = (f"{text}-own", f"{text}-common") if self._has_ids else (None, None)
        self._file.write(f"? {text}\n".encode())
        store.append(
            Batch(Stream("writer", self._name), [event(text, id=own)], self.number),
            Batch(Stream("all", str(self.number % 4)), [event(text, id=common)]),
        )
        self._file.write(f"! {text}\n".encode())
        self.number += 1


def write(dsn: str, folder: Path, name: str, has_ids: bool) -> None:
    """Append without end, until it is over; once at least: a predecessor may have died over its last word."""
    words = Words(folder / name, has_ids=has_ids)
    store = _open_patiently(dsn)
    words.say_next(store)
    while not (folder / _OVER).exists():
        words.say_next(store)
    store.close()


def read(dsn: str, folder: Path, name: str) -> None:
    """Follow the log as a consumer does, by the last position seen, until all is said."""
    store = _open_patiently(dsn)
    last, oldest = 0, 0
    with (folder / name).open("w") as seen:
        while True:
            is_last_look = (folder / _ALL_SAID).exists()
            for found in store.read(after=last):
                last = found.position
                oldest = max(oldest, system_clock() - found.recorded_us)
                print(last, file=seen)
            if is_last_look:
                break
            store.wait(last, 0.1)
    (folder / f"{name}-oldest").write_text(str(oldest))
    store.close()


def _open_patiently(dsn: str) -> PostgresStore:
    """Open the store, in spite of a server that is just being started again."""
    deadline = time.monotonic() + DEADLINE
    while True:
        try:
            return open_postgres(dsn, SCHEMA)
        except Unavailable:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


class Outcome(NamedTuple):
    """What came of it: texts and positions, and how old (seconds) an event was at most when it was seen."""

    acknowledged: list[str]
    recorded: list[str]
    positions: list[int]
    seen: list[list[int]]
    oldest: float

    def summary(self) -> str:
        """The figures, for people."""
        return (
            f"{len(self.acknowledged)} appends acknowledged, {len(self.positions)} events recorded,"
            f" {len(self.seen)} readers; an event was {self.oldest:.2f} s old at most when it was seen"
        )

    def check(self) -> None:
        """Nothing that was acknowledged is lost, nothing is there more often than it was said, and no reader
        has skipped anything."""
        times = Counter(self.recorded)
        lost = [text for text in self.acknowledged if text not in times]
        assert lost == [], f"{len(lost)} acknowledged appends are lost"
        assert set(times.values()) == {2}, "something is recorded twice, or by half"
        assert set(times) == set(self.acknowledged), "something is recorded that nobody was told of"
        for seen in self.seen:
            assert seen == self.positions


class Crowd:
    """Writers and readers, each a process of its own. Of the writers the even ones choose their events' ids,
    so that a successor of one that was killed can go on where it was."""

    def __init__(self, dsn: str, folder: Path, *, writers: int, readers: int) -> None:
        self._dsn = dsn
        self._folder = folder
        open_postgres(dsn, SCHEMA).close()
        self._writers = {f"writer{number}": self._start_writer(number) for number in range(writers)}
        self._readers = [self._start(read, f"reader{number}") for number in range(readers)]

    def _start_writer(self, number: int) -> BaseProcess:
        return self._start(write, f"writer{number}", number % 2 == 0)

    def _start(self, work: Callable[..., None], name: str, *arguments: object) -> BaseProcess:
        process = processes().Process(
            target=work, args=(self._dsn, self._folder, name, *arguments), daemon=True
        )
        process.start()
        return process

    def acknowledged(self) -> list[str]:
        """What writers were told is recorded."""
        files = (self._folder / name for name in self._writers)
        lines = [line for file in files if file.exists() for line in file.read_text().splitlines()]
        return [line[2:] for line in lines if line[0] == "!"]

    def await_progress(self, appends: int) -> None:
        """Return when so many more appends were acknowledged."""
        wanted = len(self.acknowledged()) + appends
        deadline = time.monotonic() + DEADLINE
        while len(self.acknowledged()) < wanted:
            dead = [name for name, process in self._writers.items() if process.exitcode is not None]
            assert not dead, f"{dead} came to an end"
            assert time.monotonic() < deadline, "nobody gets on"
            time.sleep(0.01)

    def kill_writer(self, number: int) -> None:
        """Kill an even writer in the middle of its work; another goes on where it was."""
        process = self._writers[f"writer{number}"]
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join(DEADLINE)
        assert process.exitcode == -signal.SIGKILL
        self._writers[f"writer{number}"] = self._start_writer(number)

    def finish(self) -> Outcome:
        """Have everybody come to their end, which must be a good one."""
        self._end(_OVER, list(self._writers.values()))
        self._end(_ALL_SAID, self._readers)
        names = [f"reader{number}" for number in range(len(self._readers))]
        seen = [[int(line) for line in (self._folder / name).read_text().split()] for name in names]
        oldest = max(int((self._folder / f"{name}-oldest").read_text()) for name in names)
        store = open_postgres(self._dsn, SCHEMA)
        recorded = [found.plain for found in store.read()]
        assert store.verify().findings == []
        store.close()
        positions = [row[0] for row in execute(self._dsn, f"SELECT position FROM {SCHEMA}.events ORDER BY 1")]
        return Outcome(self.acknowledged(), recorded, positions, seen, oldest / 1e6)

    def _end(self, mark: str, members: list[BaseProcess]) -> None:
        (self._folder / mark).touch()
        for process in members:
            process.join(DEADLINE)
        assert [process.exitcode for process in members] == [0] * len(members)

    def disperse(self) -> None:
        """End whoever is still there."""
        for process in [*self._writers.values(), *self._readers]:
            process.kill()
            process.join(DEADLINE)
