"""The ability `durability`: what is acknowledged is there after reopening, and after a kill."""

import multiprocessing
from collections.abc import Callable
from contextlib import suppress

import pytest

from fleet_core.errors import ConditionFailed, IdReused, VersionConflict
from fleet_core.events import EventType, NewEvent
from fleet_core.stores import ALL, Batch, Condition, EventStore, Query
from fleet_core.testing.abilities import needs, proves_lack_of
from fleet_core.testing.store_kit.base import (
    DEADLINE,
    KIT,
    OTHER,
    HeldClock,
    Noted,
    OpenStore,
    note,
    notes,
    said,
)
from fleet_core.testing.store_kit.workers import append_until_killed

EVERYTHING: list[EventType | NewEvent] = [
    note(
        {"a": [1, None]},
        id="a",
        tags=("x", "y"),
        metadata={"by": "hand"},
        occurred_at=7,
        correlation_id="saga",
    ),
    note("b", "other_type", id="b", causation_id="a", schema_version=3),
    Noted(text="typed"),
]


class DurabilityKit:
    """Close and open again, in the same place."""

    @pytest.fixture
    def reopened(self, opened: Callable[[], EventStore]) -> EventStore:
        """A store with a little history, closed and opened again."""
        store = opened()
        store.append(Batch(KIT, EVERYTHING), Batch(OTHER, notes(2)))
        store.close()
        return opened()

    @needs("durability")
    def test_a_reopened_store_says_what_it_said_before(
        self, opened: Callable[[], EventStore], clock: HeldClock
    ) -> None:
        store = opened()
        store.append(Batch(KIT, EVERYTHING), Batch(OTHER, notes(2)))
        before = [event.as_dict() for event in store.read()]
        store.close()
        clock.now += 1_000_000
        assert [event.as_dict() for event in opened().read()] == before

    @needs("durability")
    def test_an_empty_store_stays_empty(self, opened: Callable[[], EventStore]) -> None:
        opened().close()
        assert opened().head() == 0

    @needs("durability")
    def test_the_head_is_where_it_was(self, reopened: EventStore) -> None:
        assert reopened.head() == [event.position for event in reopened.read()][-1]
        assert reopened.wait(0, 0) is True

    @needs("durability")
    def test_versions_go_on(self, reopened: EventStore) -> None:
        with pytest.raises(VersionConflict) as refusal:
            reopened.append(Batch(KIT, [note()], 0))
        assert refusal.value.actual == 3
        assert reopened.append(Batch(KIT, [note()], 3)).versions == [4]

    @needs("durability")
    def test_positions_go_on(self, opened: Callable[[], EventStore]) -> None:
        positions: list[int] = []
        for number in range(4):
            store = opened()
            positions += store.append(Batch(KIT, [note(number)])).positions
            with pytest.raises(VersionConflict):
                store.append(Batch(KIT, [note()], 0))
            store.close()
        assert positions == sorted(set(positions))
        assert said(opened()) == [0, 1, 2, 3]

    @needs("durability")
    def test_retries_are_known_again(self, reopened: EventStore) -> None:
        again = reopened.append(Batch(KIT, EVERYTHING[:2], 0))
        assert again.replayed
        assert list(again.versions) == [1, 2]
        with pytest.raises(IdReused):
            reopened.append(Batch(KIT, [note("something else", id="a")]))

    @needs("durability")
    def test_conditions_are_judged_by_the_whole_history(self, reopened: EventStore) -> None:
        with pytest.raises(ConditionFailed):
            reopened.append(Batch(OTHER, [note()]), condition=Condition(Query.of(tags=("x", "y"))))

    @needs("durability")
    def test_correlations_are_inherited_from_history(self, reopened: EventStore) -> None:
        reopened.append(Batch(OTHER, [note(causation_id="b")]))
        assert next(reopened.read(backwards=True)).correlation_id == "saga"

    @needs("durability")
    def test_a_refused_append_is_not_there_later_either(self, opened: Callable[[], EventStore]) -> None:
        store = opened()
        store.append(Batch(KIT, notes(2)))
        with pytest.raises(ConditionFailed):
            store.append(Batch(OTHER, notes(2)), condition=Condition(ALL))
        store.close()
        assert said(opened()) == [1, 2]

    @needs("durability")
    def test_a_killed_process_loses_nothing_acknowledged(
        self, open_store: OpenStore, opened: Callable[[], EventStore]
    ) -> None:
        acknowledged = _killed_after(20, open_store)
        positions = [event.position for event in opened().read()]
        assert set(acknowledged) <= set(positions)
        assert len(positions) % 2 == 0

    @proves_lack_of("durability")
    def test_it_lacks_durability_as_it_says(self, opened: Callable[[], EventStore]) -> None:
        store = opened()
        store.append(Batch(KIT, [note()]))
        store.close()
        assert opened().head() == 0, "its events are there after reopening: take `durability` out of `lacks`"


def _killed_after(count: int, open_store: OpenStore) -> list[int]:
    """The positions that a process was told before it was killed, in the middle of its work."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=append_until_killed, args=(open_store, there))
    process.start()
    there.close()
    acknowledged = []
    for _ in range(count):
        assert here.poll(DEADLINE), "the process that appends has come to a stop"
        acknowledged.append(here.recv())
    process.kill()
    process.join(DEADLINE)
    # What it sent in between was acknowledged too. A message cut in two by the kill ends the pipe as well.
    with here, suppress(EOFError, OSError):
        while True:
            acknowledged.append(here.recv())
    return acknowledged
