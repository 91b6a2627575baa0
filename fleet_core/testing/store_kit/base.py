"""What every part of the kit stands on: the fixtures, the abilities a store may lack, words for events."""

import random
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final, Protocol, TypeVar

import pytest

from fleet_core.codecs import EventCodec
from fleet_core.errors import FleetError
from fleet_core.events import EventType, NewEvent, Recorded
from fleet_core.stores import ALL, EventStore, Query, Stream
from fleet_core.testing.abilities import Kit
from fleet_core.testing.codecs import JsonCodec
from fleet_core.times import Clock

T = TypeVar("T")

ABILITIES: Final = {
    "durability": "what is acknowledged is there after close and reopen, and after the process was killed",
    "processes": "it is opened several times at once, by this process and by others, and all see one log",
    "views": "it keeps read tables (`Views`)",
    "searching": "it finds the states of read tables by the words of their text (`Searching`)",
    "ordering": "it finds the states with the least numbers (`Ordering`)",
    "maintenance": "it describes and checks itself (`Maintenance`)",
    "moving": "it takes in another store's log as it is, and can be sealed (`Movable`)",
    "pipelining": "one thread can have many appends under way (`Pipelining`)",
}
"""What a store may lack, when it says so with a reason."""

NOON: Final = 1_750_000_000_000_000
"""When the kit's clock starts: 15 June 2025."""

DEADLINE: float = 30.0
"""Seconds after which something that should have happened never will."""

KIT: Final = Stream("kit", "one")
OTHER: Final = Stream("kit", "two")


class OpenStore(Protocol):
    """Opens the store on trial, in the same place each time. Picklable: other processes call it too."""

    def __call__(self, codec: EventCodec, clock: Clock) -> EventStore:
        """Open it."""
        ...


class Noted(EventType, frozen=True, kw_only=True):
    """The event type that the kit knows; all its other events are of types that nobody knows."""

    type_name = "kit_noted"

    text: str
    number: int = 0


class HeldClock:
    """A clock that moves only when it is told to."""

    def __init__(self, now: int = NOON) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now


class UnevenClock:
    """A clock that takes its time, now more, now less.

    Stores read it inside an append, so it stretches the moments in which a careless store can be overtaken.
    """

    def __init__(self, seed: int = 0) -> None:
        self._random = random.Random(seed)
        self._never = threading.Event()

    def __call__(self) -> int:
        self._never.wait(self._random.choice((0.0, 0.0, 0.0005, 0.002)))
        return NOON


def kit_codec() -> EventCodec:
    """A codec that knows the kit's event type; each process makes its own."""
    return EventCodec(JsonCodec(), [Noted])


class StoreKit(Kit):
    """The fixtures."""

    abilities = ABILITIES

    @pytest.fixture
    def open_store(self) -> OpenStore:
        """The one thing to give."""
        raise NotImplementedError(
            "define the fixture `open_store` in your test class; see fleet_core.testing"
        )

    @pytest.fixture
    def clock(self) -> HeldClock:
        """The store's clock, held still."""
        return HeldClock()

    @pytest.fixture
    def codec(self) -> EventCodec:
        """The store's codec."""
        return kit_codec()

    @pytest.fixture
    def opened(
        self, open_store: OpenStore, codec: EventCodec, clock: HeldClock
    ) -> Iterator[Callable[[], EventStore]]:
        """Opens the store once more; whatever is open at the end is closed."""
        stores: list[EventStore] = []

        def open_another() -> EventStore:
            stores.append(open_store(codec, clock))
            return stores[-1]

        yield open_another
        for store in reversed(stores):
            store.close()

    @pytest.fixture
    def store(self, opened: Callable[[], EventStore]) -> EventStore:
        """The store, open and empty."""
        return opened()


def note(data: Any = "something", type: str = "noted", **fields: Any) -> NewEvent:
    """An event of a type nobody knows."""
    return NewEvent(data=data, type=type, **fields)


def notes(count: int) -> list[NewEvent]:
    """Events that say their number, from 1."""
    return [note(number) for number in range(1, count + 1)]


def said(store: EventStore, query: Query = ALL, **bounds: Any) -> list[Any]:
    """What the events say, in the order they are read."""
    return [event.plain for event in store.read(query, **bounds)]


def in_stream(store: EventStore, stream: Stream) -> list[Recorded]:
    """The events of one stream."""
    return list(store.read(Query.of(streams=(stream,))))


def in_thread(work: Callable[[], T]) -> Callable[[], T]:
    """Start work in a thread; what comes back waits for its result, and raises what it raised."""
    results: list[T] = []
    faults: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as fault:
            faults.append(fault)

    # A daemon: a store that hangs must not keep pytest from saying so.
    thread = threading.Thread(target=run, daemon=True)
    thread.start()

    def result() -> T:
        thread.join(DEADLINE)
        assert not thread.is_alive(), f"a thread still hangs in the store after {DEADLINE:.0f} seconds"
        if faults:
            raise faults[0]
        return results[0]

    return result


def race(*runners: Callable[[], T]) -> list[T | FleetError]:
    """Run all at the same moment, in a thread each: what each gave, or the refusal it met."""
    gate = threading.Barrier(len(runners))

    def start(runner: Callable[[], T]) -> T | FleetError:
        gate.wait(DEADLINE)
        try:
            return runner()
        except FleetError as refusal:
            return refusal

    results = [in_thread(partial(start, runner)) for runner in runners]
    return [result() for result in results]
