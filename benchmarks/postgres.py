"""The PostgreSQL store beside the bare driver and the peer, each in a schema of its own on one server."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, Final, Protocol

from fleet_bench.arena import Figures, Measure, interleaved
from fleet_bench.contestants import Joinable, Writer
from fleet_bench.field import settings_in_force
from fleet_bench.limits.postgres import (
    STORE,
    PostgresDriver,
    PostgresDriverUnderOneLock,
    PostgresStore,
    dsn_of,
)
from fleet_bench.peers.eventsourcing_postgres import PeerApplicationOnPostgres, PeerRecorderOnPostgres
from fleet_bench.processes import Client, clients, race
from fleet_bench.workloads.appending import batches, many_streams, one_by_one
from fleet_bench.workloads.crowds import heartbeats, mixed
from fleet_bench.workloads.workload import Round, Scale
from fleet_core.errors import ProblemsFound

WRITERS: Final = 16
"""Writers that are a process each. In threads of one the interpreter's lock would be what is measured, and
the store's appends would share transactions where the others' can't.
"""

WARM_UP: Final = 20
"""Appends of each writer that are not counted: its connection and its statements are made with them."""

FOLLOWED: Final = 8
"""Writers whom as many readers follow."""


def measured(place: Path, preload: int, rounds: int, appends: int) -> Figures:
    """The figures of all of them.

    Raises:
        Unavailable: nothing says where the server is, or it can't be reached.
    """
    settings = settings_in_force().get(STORE, {})
    dsn_of(settings)
    scale = Scale(preload, rounds, appends, streams=1, clients=WRITERS, seconds=0.5)
    with ExitStack() as stack:

        def opened(made: Any) -> Any:
            return stack.enter_context(closing(made))

        store = opened(PostgresStore(STORE, place / "store", preload, settings))
        recorder = opened(PeerRecorderOnPostgres(place / "recorder", preload, settings))
        application = opened(PeerApplicationOnPostgres(place / "application", preload, settings))
        unordered = opened(PostgresDriver(place / "raw", preload, settings, source=place / "raw-source"))
        lock = opened(
            PostgresDriverUnderOneLock(place / "lock", preload, settings, source=place / "lock-source")
        )
        single = {"store": store, "recorder": recorder, "application": application, "unordered": unordered}
        writers = {"store": store, "unordered": unordered, "lock": lock, "recorder": recorder}
        crowd = stack.enter_context(clients(WRITERS))
        turns = [
            [_rate(f"append-1 {name}", _appending(1), each, scale) for name, each in single.items()],
            [_rate(f"append-100 {name}", _appending(100), each, scale) for name, each in single.items()],
            [_crowd_rate(f"writers-{WRITERS} {name}", crowd, each, scale) for name, each in writers.items()],
            [_rate(f"threads-{WRITERS} {name}", heartbeats, each, scale) for name, each in writers.items()],
            [_missed(store, scale._replace(clients=4 * FOLLOWED))],
        ]
        return {name: found for each in turns for name, found in interleaved(each, rounds).items()}


def _appending(size: int) -> Callable[[Any, Scale], Round]:
    following = many_streams if size == 1 else batches(size)
    return lambda writer, scale: one_by_one(following, size, writer, scale)


def _rate(name: str, work: Callable[[Any, Scale], Round], contestant: Any, scale: Scale) -> Measure:
    return lambda: {f"postgres {name}": work(contestant, scale).figures()["rate"]}


class Subject(Writer, Joinable, Protocol):
    """Whoever several processes write to."""


def _crowd_rate(name: str, crowd: Sequence[Client], subject: Subject, scale: Scale) -> Measure:
    """Appends per second of writers that are processes, each to a stream of its own."""
    count = WARM_UP + max(scale.appends // 4, 1)

    def measure() -> dict[str, float]:
        following = subject.schedule.following
        calls = [subject.ready(following(f"writer {number}", count)) for number in range(len(crowd))]
        return {f"postgres {name}": race(crowd, subject.door(), calls, warm_up=WARM_UP).rate}

    return measure


def _missed(store: PostgresStore, scale: Scale) -> Measure:
    def measure() -> dict[str, float]:
        try:
            mixed(store, scale)
        except ProblemsFound as problem:
            return {"postgres missed store": float(str(problem.details["missed"]))}
        return {"postgres missed store": 0.0}

    return measure
