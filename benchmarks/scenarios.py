"""Who is measured against whom, where, and with how much work.

Each scenario opens its subjects at equal size, lets them take turns, and gives figures named
`scenario workload contestant`. Speeds are events per second, waits and CPU times milliseconds."""

import gc
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple, Protocol

from benchmarks import clients, startup
from benchmarks.peer import ApplicationSubject, RecorderSubject, SaveSubject
from benchmarks.raw import STORE, PeeweeSubject, RawSubject, naive_bytes
from benchmarks.rounds import interleaved
from benchmarks.stores import StoreSubject
from benchmarks.workload import initial_streams

Figures = dict[str, list[float]]

DURABLE: Mapping[str, Any] = {}
"""The settings of a store that waits for the disk: its own defaults."""

NORMAL = {"unsafe_synchronous": "normal"}
"""The settings of one that does not wait for each append."""


class Scale(NamedTuple):
    """How much work: events there from the start, rounds, and the work of one round."""

    preload: int
    rounds: int
    singles: int
    batches: int
    streams: int
    seconds: float
    starts: int


FULL = Scale(preload=100_000, rounds=9, singles=1000, batches=10, streams=200, seconds=1.5, starts=25)
QUICK = Scale(preload=300, rounds=1, singles=20, batches=1, streams=3, seconds=0.05, starts=1)


class Places(NamedTuple):
    """An empty directory in memory, and one on the disk."""

    memory: Path
    disk: Path


class Subject(Protocol):
    """Whoever writes events. `prepare` makes work while no clock runs, `append` does it."""

    def prepare(self, size: int, count: int) -> Any:
        """The next `count` appends of `size` events."""
        ...

    def append(self, work: Any) -> None:
        """Do them; each is durable when it is done, as far as the place allows."""
        ...

    def close(self) -> None:
        """Give everything back."""
        ...


def append_rate(subject: Subject, size: int, count: int) -> float:
    """Events per second of the next `count` appends of `size` events."""
    work = subject.prepare(size, count)
    return size * count / seconds(lambda: subject.append(work))


def read_rate(read: Callable[[], int]) -> float:
    """Events per second of a read that says how many events it saw."""
    gc.collect()
    started = perf_counter()
    events = read()
    return events / (perf_counter() - started)


def seconds(act: Callable[[], None]) -> float:
    """How long it takes, after a garbage collection."""
    gc.collect()
    started = perf_counter()
    act()
    return perf_counter() - started


def in_memory(scale: Scale, places: Places) -> Figures:
    """Where fsync is free: what the code itself costs, appending and reading."""
    place = places.memory
    with ExitStack() as stack:
        enter = lambda subject: stack.enter_context(closing(subject))  # noqa: E731
        store = enter(StoreSubject(STORE, place / "store", scale.preload))
        raw = enter(RawSubject(place / "raw-source", place / "raw", scale.preload))
        orm = enter(PeeweeSubject(place / "orm-source", place / "orm", scale.preload))
        application = enter(ApplicationSubject(place / "application", scale.preload))
        save = enter(SaveSubject(place / "save", scale.preload))
        recorder = enter(RecorderSubject(place / "recorder", scale.preload))
        peers = {"application": application, "save": save, "recorder": recorder}
        reads = {"store": store, "raw": raw, "application": application, "recorder": recorder}
        logs = {
            "decoded store": store.read_decoded,
            "undecoded store": store.read_undecoded,
            "rows raw": raw.read_all,
        }
        return {
            **_appends("memory", {"store": store, "raw": raw, **peers}, 1, scale),
            **_appends("memory", {"store": store, "raw": raw, "peewee": orm, **peers}, 1000, scale),
            **_streams("memory", reads, scale),
            **interleaved({f"memory {name}": partial(read_rate, read) for name, read in logs.items()}, scale.rounds),
        }
