"""Who is measured against whom, where, and with how much work.

Each scenario opens its subjects at equal size, lets them take turns, and gives figures named
`scenario workload contestant`. Speeds are events per second, waits and CPU times milliseconds.
"""

import gc
from collections import ChainMap
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from time import perf_counter, process_time
from typing import Final, NamedTuple, Protocol, TypeVar

from benchmarks import startup
from benchmarks.clients import processes
from benchmarks.peer import PeerSave
from benchmarks.places import Places
from benchmarks.raw import PeeweeModel, TunedDriver, naive_bytes, read_table
from fleet_bench.arena import Figures, Measure, interleaved
from fleet_bench.contestants import Writer
from fleet_bench.crowd import Crowd, drained, store_clients, store_tasks, tasks, threads
from fleet_bench.limits.sqlite import STORE, SqliteDriver
from fleet_bench.peers.eventsourcing import PeerApplication, PeerRecorder
from fleet_bench.schedule import initial_streams
from fleet_bench.stores import StoreContestant

NORMAL: Final = {"unsafe_synchronous": "normal"}
"""The settings of a store that does not wait for the disk at each append."""

FASTEST_DISK: Final = 10_000
"""Appends per second that no disk does one by one: as many rows are kept ready for the driver's threads."""

CLOCKS: Final[Mapping[str, Callable[[], float]]] = {
    "memory": process_time,
    "normal": perf_counter,
    "disk": perf_counter,
}
"""In memory nobody waits, so time is the process's CPU time, which other processes disturb least."""

T = TypeVar("T")
C = TypeVar("C", bound="Closing")


class Scale(NamedTuple):
    """How much work: events there from the start, rounds, and the work of one round."""

    preload: int
    rounds: int
    singles: int
    batches: int
    streams: int
    seconds: float
    starts: int


FULL: Final = Scale(100_000, rounds=11, singles=1000, batches=10, streams=200, seconds=1.5, starts=25)
QUICK: Final = Scale(300, rounds=1, singles=20, batches=1, streams=3, seconds=0.05, starts=1)


class Closing(Protocol):
    """Whatever must be closed."""

    def close(self) -> object:
        """Give everything back."""
        ...


class Reader(Protocol):
    """Whoever reads a stream."""

    def read_stream(self, stream_id: str) -> int:
        """Read one stream; says how many events there were."""
        ...


def sizes(scale: Scale, places: Places) -> Figures:
    """Bytes per event, once everything is in the database file."""
    directory = places.memory / "sizes"
    store = StoreContestant(STORE, directory, scale.preload)
    naive = naive_bytes(store, places.memory / "naive.db")
    store.close()
    ours = sum(path.stat().st_size for path in directory.iterdir())
    return {"size store": [ours / scale.preload], "size naive": [naive / scale.preload]}


def cold_starts(scale: Scale, places: Places) -> Figures:
    """Command lines, each in a new process: CPU milliseconds beyond those of `python -c pass`."""
    environ = startup.make_project(places.disk)
    measures = [
        _beyond_bare("cpu help", [startup.FLEET, "--help"], environ),
        _beyond_bare("cpu verb", [startup.FLEET, "mission", "list"], environ),
        _beyond_bare("cpu floor", startup.FLOOR, environ),
    ]
    interleaved(measures, 1)  # the first time also compiles and fills caches
    return interleaved(measures, scale.starts)


def in_memory(scale: Scale, places: Places) -> Figures:
    """What the code itself costs, appending and reading."""
    place, size = places.memory, scale.preload
    with ExitStack() as stack:
        store = _enter(stack, StoreContestant(STORE, place / "store", size))
        raw = _enter(stack, SqliteDriver(place / "raw", size, source=place / "raw-source"))
        tuned = _enter(stack, TunedDriver(place / "tuned", size, source=place / "tuned-source"))
        orm = _enter(stack, PeeweeModel(place / "orm", size, source=place / "orm-source"))
        application = _enter(stack, PeerApplication(place / "application", size))
        save = _enter(stack, PeerSave(place / "save", size))
        recorder = _enter(stack, PeerRecorder(place / "recorder", size))
        peers: dict[str, Writer] = {"application": application, "save": save, "recorder": recorder}
        writers: dict[str, Writer] = {"store": store, "raw": raw, "tuned": tuned, **peers}
        readers: dict[str, Reader] = {"store": store, "raw": raw, "application": application}
        readers["recorder"] = recorder
        logs = [
            _read("memory decoded store", store.read_log),
            _read("memory undecoded store", store.read_undecoded),
            _read("memory rows raw", raw.read_log),
            _read("memory table raw", partial(read_table, raw)),
        ]
        turns = [
            _appends("memory", writers, 1, scale),
            _appends("memory", {**writers, "peewee": orm}, 1000, scale),
            _streams("memory", readers, scale),
            logs,
        ]
        return dict(ChainMap(*(interleaved(measures, scale.rounds) for measures in turns)))


def on_disk_normal(scale: Scale, places: Places) -> Figures:
    """Single appends that a power cut may take: the disk is not waited for."""
    place, source = places.disk, places.memory / "source"
    with ExitStack() as stack:
        store = _enter(stack, StoreContestant(STORE, place / "store", scale.preload, NORMAL))
        raw = _enter(stack, SqliteDriver(place / "raw", scale.preload, NORMAL, source=source))
        return interleaved(_appends("normal", {"store": store, "raw": raw}, 1, scale), scale.rounds)


def on_disk(scale: Scale, places: Places) -> Figures:
    """Single appends, each on the disk before the next begins."""
    place, source = places.disk, places.memory / "source"
    with ExitStack() as stack:
        store = _enter(stack, StoreContestant(STORE, place / "store", scale.preload))
        raw = _enter(stack, SqliteDriver(place / "raw", scale.preload, source=source))
        peer = _enter(stack, PeerApplication(place / "application", scale.preload))
        writers: dict[str, Writer] = {"store": store, "raw": raw, "application": peer}
        return interleaved(_appends("disk", writers, 1, scale), scale.rounds)


def many_clients(scale: Scale, places: Places) -> Figures:
    """Threads and tasks that append at once, each append durable, in one process."""
    place, source = places.disk, places.memory / "source"
    with ExitStack() as stack:
        store = _enter(stack, StoreContestant(STORE, place / "store", scale.preload))
        raw = _enter(stack, SqliteDriver(place / "raw", scale.preload, source=source))
        measures = []
        for count in (1, 4, 16, 64):
            ours = store_clients(store.store, count, f"threads-{count}")
            measures.append(_crowd(f"clients threads-{count} store", partial(threads, ours, scale.seconds)))
        for count in (1, 64):
            measures.append(_crowd(f"clients threads-{count} raw", partial(_raw_threads, raw, count, scale)))
        promised = store_tasks(store.store, 64, "tasks-64")
        measures.append(_crowd("clients tasks-64 store", partial(tasks, promised, scale.seconds)))
        return interleaved(measures, scale.rounds)


def _raw_threads(raw: SqliteDriver, count: int, scale: Scale) -> Crowd:
    rows = raw.ready(raw.schedule.calls(1, int(scale.seconds * FASTEST_DISK) + count))
    client = drained(
        raw.append_beside_others, rows
    )  # whose turns are one after another's, whoever takes them
    return threads([client] * count, scale.seconds)


def many_processes(scale: Scale, places: Places) -> Figures:
    """Four processes that append to one store at once."""
    directory = places.disk / "processes"
    StoreContestant(STORE, directory, scale.preload).close()
    turns = iter(range(scale.rounds))

    def gather() -> Crowd:
        return processes(STORE, directory, 4, scale.seconds, f"round-{next(turns)}")

    return interleaved([_crowd("processes 4 store", gather)], scale.rounds)


def on_postgres(scale: Scale, places: Places) -> Figures:
    """The PostgreSQL store beside the bare driver and the peer, on the server that the environment names.

    Raises:
        Unavailable: it names none, or the server can't be reached.
    """
    from benchmarks import postgres

    return postgres.measured(places.memory, scale.preload, scale.rounds, scale.singles // 2)


SCENARIOS: Final[dict[str, Callable[[Scale, Places], Figures]]] = {
    "size": sizes,
    "cpu": cold_starts,
    "memory": in_memory,
    "normal": on_disk_normal,
    "disk": on_disk,
    "clients": many_clients,
    "processes": many_processes,
    "postgres": on_postgres,
}


def _enter(stack: ExitStack, subject: C) -> C:
    return stack.enter_context(closing(subject))


def timed(act: Callable[[], T], clock: Callable[[], float]) -> tuple[T, float]:
    """What it gives, and the seconds it takes once the garbage of those before is gone."""
    gc.collect()
    started = clock()
    answer = act()
    return answer, clock() - started


def _appends(place: str, writers: Mapping[str, Writer], size: int, scale: Scale) -> list[Measure]:
    count = scale.singles if size == 1 else scale.batches
    return [_append(place, name, each, size, count) for name, each in writers.items()]


def _append(place: str, name: str, writer: Writer, size: int, count: int) -> Measure:
    def measure() -> dict[str, float]:
        calls = writer.ready(writer.schedule.calls(size, count))

        def append_all() -> None:
            append = writer.append
            for call in calls:
                append(call)

        _, taken = timed(append_all, CLOCKS[place])
        return {f"{place} append-{size} {name}": size * count / taken}

    return measure


def _streams(place: str, readers: Mapping[str, Reader], scale: Scale) -> list[Measure]:
    streams = initial_streams(scale.preload)[: scale.streams]

    def all_of(reader: Reader) -> Callable[[], int]:
        return lambda: sum(map(reader.read_stream, streams))

    return [_read(f"{place} stream {name}", all_of(each)) for name, each in readers.items()]


def _read(name: str, read: Callable[[], int]) -> Measure:
    def measure() -> dict[str, float]:
        events, taken = timed(read, process_time)
        return {name: events / taken}

    return measure


def _crowd(name: str, gather: Callable[[], Crowd]) -> Measure:
    def measure() -> dict[str, float]:
        crowd = gather()
        return {
            name: crowd.rate,
            f"{name} fairness": crowd.fairness,
            f"{name} p99": crowd.p99,
            f"{name} longest": crowd.longest,
        }

    return measure


def _beyond_bare(name: str, command: Sequence[str | Path], environ: Mapping[str, str]) -> Measure:
    def measure() -> dict[str, float]:
        bare = startup.cpu_ms(startup.BARE, environ)
        return {name: startup.cpu_ms(command, environ) - bare}

    return measure
