"""Many clients at once: threads and asyncio tasks, each making one append after another.

What counts is how many events became durable, how evenly the clients were served, and how long the unluckiest
append waited.
"""

import asyncio
import itertools
import threading
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from math import inf
from time import perf_counter
from typing import Any, NamedTuple, TypeVar

from fleet_bench.schedule import EVENTS, STREAM_TYPE
from fleet_core.api import Batch, EventStore, Pipelining, Stream

Client = Callable[[], object]
"""Appends one event; raises StopIteration when it has none left."""

Task = Callable[[], Awaitable[object]]
"""Begins to append one event, to be awaited; raises StopIteration when it has none left."""

Started = TypeVar("Started")


class Crowd(NamedTuple):
    """What clients saw: for each of them, the seconds that each of its appends took."""

    waits: list[list[float]]
    seconds: float

    @property
    def rate(self) -> float:
        """Events per second, of all together."""
        return sum(map(len, self.waits)) / self.seconds

    @property
    def fairness(self) -> float:
        """The events of the client served worst, divided by those of the one served best."""
        served = list(map(len, self.waits))
        return min(served) / max(max(served), 1)

    @property
    def longest(self) -> float:
        """The longest wait, in milliseconds."""
        return 1000 * max(wait for waits in self.waits for wait in waits)

    @property
    def p99(self) -> float:
        """The wait that 99 of 100 appends stay below, in milliseconds."""
        waits = sorted(wait for waits in self.waits for wait in waits)
        return 1000 * waits[int(len(waits) * 0.99)]


def store_clients(store: EventStore, count: int, name: str) -> list[Client]:
    """Clients of one store, each with a stream of its own and an exact expectation of it."""
    return [_store_client(store, Stream(STREAM_TYPE, f"{name}-client-{index}")) for index in range(count)]


def _store_client(store: EventStore, stream: Stream) -> Client:
    version = 0

    def append() -> None:
        nonlocal version
        store.append(Batch(stream, [EVENTS[version % len(EVENTS)]], version))
        version += 1

    return append


def store_tasks(store: EventStore, count: int, name: str) -> list[Task]:
    """Clients for an event loop, each with a stream of its own; a store that can't promise gets threads."""
    return [_store_task(store, Stream(STREAM_TYPE, f"{name} {index}")) for index in range(count)]


def _store_task(store: EventStore, stream: Stream) -> Task:
    if not isinstance(store, Pipelining):
        client = _store_client(store, stream)
        return lambda: asyncio.to_thread(client)
    versions = itertools.count()

    def append() -> Awaitable[object]:
        version = next(versions)
        batch = Batch(stream, [EVENTS[version % len(EVENTS)]], version)
        return asyncio.wrap_future(store.append_soon(batch))

    return append


def drained(append: Callable[[Any], object], calls: Sequence[Any]) -> Client:
    """A client that makes these calls."""
    turns = iter(calls)
    return lambda: append(next(turns))


def threads(clients: Sequence[Client], seconds: float = inf) -> Crowd:
    """Every client in a thread of its own."""
    barrier = threading.Barrier(len(clients) + 1)

    def work(client: Client) -> list[float]:
        barrier.wait()
        return busy(client, perf_counter() + seconds)

    with ThreadPoolExecutor(len(clients)) as pool:
        futures = [pool.submit(work, client) for client in clients]
        barrier.wait()
        started = perf_counter()
        waits = [future.result() for future in futures]
        return Crowd(waits, perf_counter() - started)


def busy(client: Client, deadline: float) -> list[float]:
    """Let a client append until the deadline or its end, at least once; gives the seconds of each append."""
    waits: list[float] = []
    while True:
        before = perf_counter()
        try:
            client()
        except StopIteration:
            return waits
        after = perf_counter()
        waits.append(after - before)
        if after >= deadline:
            return waits


def tasks(clients: Sequence[Task], seconds: float = inf) -> Crowd:
    """Every client a task of one event loop."""
    return asyncio.run(_tasks(clients, seconds))


async def _tasks(clients: Sequence[Task], seconds: float) -> Crowd:
    started = perf_counter()

    async def work(client: Task) -> list[float]:
        waits: list[float] = []
        while not waits or perf_counter() < started + seconds:
            before = perf_counter()
            try:
                promised = client()
            except StopIteration:
                break
            await promised
            waits.append(perf_counter() - before)
        return waits

    waits = await asyncio.gather(*(work(client) for client in clients))
    return Crowd(list(waits), perf_counter() - started)
