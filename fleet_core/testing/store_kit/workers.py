"""What other processes do to the store on trial: top-level functions, as they are called by name there."""

import multiprocessing
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from typing import TypeVar

from fleet_core.errors import FleetError
from fleet_core.stores import Appended, Batch, Condition, EventStore, Expected, Query, Stream
from fleet_core.testing.store_kit.base import DEADLINE, KIT, OpenStore, UnevenClock, kit_codec, note, said

T = TypeVar("T")

PROCESSES = 3

gate: Barrier
"""Where the workers of a pool wait for each other, in each of its processes."""


def _meet_at(barrier: Barrier) -> None:
    global gate
    gate = barrier


class Workers:
    """Processes that start work on the same store at the same moment."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(PROCESSES, context, _meet_at, (context.Barrier(PROCESSES),))

    def start(self, work: Callable[[EventStore, int], T], open_store: OpenStore) -> list["Future[T]"]:
        """Open the store in each process, then do this work in all at once; each is told its number."""
        return [self._pool.submit(_work, work, open_store, number) for number in range(PROCESSES)]

    def run(self, work: Callable[[EventStore, int], T], open_store: OpenStore) -> list[T]:
        """Start work and wait for what each process gives."""
        return [future.result(DEADLINE) for future in self.start(work, open_store)]

    def close(self) -> None:
        """End the processes."""
        self._pool.shutdown()


def _work(work: Callable[[EventStore, int], T], open_store: OpenStore, number: int) -> T:
    gate.wait(DEADLINE)
    store = open_store(kit_codec(), UnevenClock(number))
    try:
        gate.wait(DEADLINE)
        return work(store, number)
    finally:
        store.close()


def _wins(store: EventStore, *batches: Batch, condition: Condition | None = None) -> bool:
    gate.wait(DEADLINE)
    try:
        store.append(*batches, condition=condition)
    except FleetError:
        return False
    return True


def race_for_versions(store: EventStore, number: int) -> list[bool]:
    """Try to write each version of one stream; which of them were won."""
    return [_wins(store, Batch(KIT, [note(number)], version)) for version in range(8)]


def race_under_conditions(store: EventStore, number: int) -> list[bool]:
    """Try to claim each seat, in a stream of one's own; which of them were won."""
    won = []
    for seat in range(8):
        free = Condition(Query.of(tags=(f"seat:{seat}",)))
        claim = note(number, tags=(f"seat:{seat}",))
        won.append(
            _wins(
                store, Batch(Stream("kit", f"{seat}-{number}"), [claim], Expected.NO_STREAM), condition=free
            )
        )
    return won


def append_many(store: EventStore, number: int) -> list[tuple[int, int, str]]:
    """Append pairs to the same stream as everybody; the position, version and text of each event."""
    rows: list[tuple[int, int, str]] = []
    for count in range(15):
        text = f"{number}-{count}"
        answer = store.append(Batch(KIT, [note(text), note(text)]))
        rows += zip(answer.positions, answer.versions, (text, text), strict=True)
    return rows


def append_the_same(store: EventStore, number: int) -> list[tuple[int, bool]]:
    """Append events with the same ids as everybody; the position of each, and whether it was a retry."""
    rows = []
    for count in range(8):
        gate.wait(DEADLINE)
        answer = store.append(Batch(KIT, [note(count, id=f"id-{count}")], count))
        rows.append((answer.last, answer.replayed))
    return rows


def append_one(store: EventStore, number: int) -> Appended:
    """Append one event that says the worker's number."""
    return store.append(Batch(KIT, [note(number)]))


def look(store: EventStore, number: int) -> list[object]:
    """What the log says, seen from another process."""
    return said(store)


def append_until_killed(open_store: OpenStore, acknowledged: Connection) -> None:
    """Append for ever; tell the position of each event once it is acknowledged."""
    store = open_store(kit_codec(), UnevenClock())
    while True:
        acknowledged.send(store.append(Batch(KIT, [note("kept"), note("kept")])).last)


def append_and_leave(open_store: OpenStore) -> None:
    """Append one event, from a process of its own; a store that can't be opened there is left alone."""
    try:
        store = open_store(kit_codec(), UnevenClock())
        store.append(Batch(KIT, [note("from elsewhere")]))
        store.close()
    except FleetError:
        return
