"""The ability `Movable`: a store that takes in another's log as it is, and that can be sealed."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from fleet_core.codecs import EventCodec
from fleet_core.errors import ConditionFailed, IdReused, Invalid, Unavailable
from fleet_core.events import Row
from fleet_core.ids import stored_id
from fleet_core.moving import normal
from fleet_core.stores import Batch, Condition, EventStore, Movable, Query, Stream
from fleet_core.testing.abilities import needs, proves_lack_of
from fleet_core.testing.store_kit.base import KIT, NOON, OTHER, note


def movable(store: EventStore) -> Movable:
    """The store, as one that can be moved."""
    assert isinstance(store, Movable), 'say lacks = {"moving": "why"} when it can\'t take in a log'
    return store


def row(position: int, stream: Stream, version: int, **fields: Any) -> Row:
    """An event of some other store's log."""
    plain = Row(
        position=position,
        id=stored_id(f"event-{position}"),
        type="noted",
        schema_version=1,
        stream_type=stream.type,
        stream_id=stream.id,
        version=version,
        data=b'"something"',
        tags=None,
        metadata=None,
        causation_id=None,
        correlation_id=None,
        occurred_at=None,
        recorded_at=NOON - 1_000_000,
    )
    return plain._replace(**fields)


def foreign_log(codec: EventCodec) -> list[Row]:
    """A log with gaps, of two streams, in which every column is used."""
    return [
        row(3, KIT, 1),
        row(
            4, OTHER, 1, id=stored_id("0197f0b2-8a00-7000-8000-000000000001"), tags=codec.encode_tags(("a",))
        ),
        row(
            9,
            KIT,
            2,
            causation_id=stored_id("event-3"),
            correlation_id=stored_id("event-3"),
            occurred_at=NOON - 9_000_000,
            metadata=b'{"n":1}',
        ),
        row(10, KIT, 3, type="kit_noted", schema_version=1, data=b'{"text":"hello"}'),
    ]


def rows_of(store: EventStore, **bounds: Any) -> list[Row]:
    """What a store reads, nothing said twice."""
    return [normal(event) for event in store.read(**bounds)]


class MovingKit:
    """`load` takes a log in as it is, `seal` ends writing."""

    @needs("moving")
    def test_a_log_taken_in_reads_as_it_did_where_it_came_from(
        self, store: EventStore, codec: EventCodec
    ) -> None:
        log = foreign_log(codec)
        movable(store).load(log[:2])
        movable(store).load(log[2:])
        assert rows_of(store) == log
        assert store.head() == 10

    @needs("moving")
    def test_gaps_stay_gaps(self, store: EventStore, codec: EventCodec) -> None:
        log = foreign_log(codec)
        movable(store).load(log)
        assert rows_of(store, after=3, before=10) == log[1:3]
        assert rows_of(store, after=4, before=9) == []
        assert [event.position for event in store.read(after=4, backwards=True)] == [10, 9]

    @needs("moving")
    def test_appends_go_on_behind_what_was_taken_in(self, store: EventStore, codec: EventCodec) -> None:
        movable(store).load(foreign_log(codec))
        answer = store.append(Batch(KIT, [note()], 3), Batch(OTHER, [note()], 1))
        assert list(answer.versions) == [4, 2]
        assert 10 < answer.positions[0] < answer.positions[1] == store.head()

    @needs("moving")
    def test_what_was_taken_in_can_be_appended_again(self, store: EventStore, codec: EventCodec) -> None:
        movable(store).load(foreign_log(codec))
        again = store.append(Batch(KIT, [note("something", id="event-3", occurred_at=NOON - 1_000_000)]))
        assert again.replayed
        assert list(again.positions) == [3]

    @needs("moving")
    def test_conditions_see_what_was_taken_in(self, store: EventStore, codec: EventCodec) -> None:
        movable(store).load(foreign_log(codec))
        with pytest.raises(ConditionFailed):
            store.append(Batch(OTHER, [note()]), condition=Condition(Query.of(tags=("a",)), 3))
        store.append(Batch(OTHER, [note()]), condition=Condition(Query.of(tags=("a",)), 4))

    @needs("moving")
    def test_an_event_inherits_from_a_cause_that_was_taken_in(
        self, store: EventStore, codec: EventCodec
    ) -> None:
        movable(store).load(foreign_log(codec))
        store.append(Batch(OTHER, [note(causation_id="event-9")]))
        assert next(store.read(backwards=True, limit=1)).correlation_id == "event-3"

    @needs("moving")
    @pytest.mark.parametrize(
        ("bad", "refusal"),
        [
            pytest.param(row(10, KIT, 4, id="new"), Invalid, id="at-the-head"),
            pytest.param(row(2, KIT, 4, id="new"), Invalid, id="before-the-head"),
            pytest.param(row(12, KIT, 5, id="new"), Invalid, id="version-left-out"),
            pytest.param(row(12, KIT, 3, id="new"), Invalid, id="version-twice"),
            pytest.param(row(12, KIT, 4, id=stored_id("event-3")), IdReused, id="id-in-the-log"),
            pytest.param(row(12, OTHER, 2, id=stored_id("event-11")), IdReused, id="id-twice"),
        ],
    )
    def test_a_row_that_does_not_fit_refuses_all(
        self, store: EventStore, codec: EventCodec, bad: Row, refusal: type[Exception]
    ) -> None:
        movable(store).load(foreign_log(codec))
        before = rows_of(store)
        with pytest.raises(refusal):
            movable(store).load([row(11, Stream("kit", "new"), 1), bad])
        assert rows_of(store) == before
        assert store.head() == 10
        store.append(Batch(KIT, [note()], 3), Batch(Stream("kit", "new"), [note()], 0))

    @needs("moving", "durability")
    def test_what_was_taken_in_is_there_after_reopening(
        self, opened: Callable[[], EventStore], codec: EventCodec
    ) -> None:
        first = opened()
        movable(first).load(foreign_log(codec))
        first.close()
        assert rows_of(opened()) == foreign_log(codec)

    @needs("moving", "maintenance")
    def test_a_log_taken_in_is_sound(self, store: EventStore, codec: EventCodec) -> None:
        movable(store).load(foreign_log(codec))
        store.append(Batch(KIT, [note()]))
        verification = store.verify()  # type: ignore[attr-defined]
        assert (verification.events, verification.findings) == (5, [])

    @needs("moving")
    def test_a_sealed_store_takes_no_append_and_says_why(self, store: EventStore) -> None:
        store.append(Batch(KIT, [note(id="first")]))
        movable(store).seal("it lives elsewhere now")
        with pytest.raises(Unavailable, match="it lives elsewhere now"):
            store.append(Batch(KIT, [note()]))
        assert _positions(store) == [store.head()]

    @needs("moving")
    def test_a_sealed_store_still_answers_a_retry(self, store: EventStore) -> None:
        first = store.append(Batch(KIT, [note(id="first")]))
        movable(store).seal("it lives elsewhere now")
        again = store.append(Batch(KIT, [note(id="first")]))
        assert again.replayed
        assert list(again.positions) == list(first.positions)

    @needs("moving")
    def test_a_sealed_store_takes_a_log_in(self, store: EventStore, codec: EventCodec) -> None:
        movable(store).seal("it lives elsewhere now")
        movable(store).load(foreign_log(codec))
        assert rows_of(store) == foreign_log(codec)
        with pytest.raises(Unavailable):
            store.append(Batch(KIT, [note()]))

    @needs("moving")
    def test_an_unsealed_store_takes_appends_again(self, store: EventStore) -> None:
        movable(store).seal("by mistake")
        movable(store).seal("by another mistake")
        movable(store).unseal()
        movable(store).unseal()
        store.append(Batch(KIT, [note()]))
        assert len(_positions(store)) == 1

    @needs("moving", "processes")
    def test_a_seal_holds_for_every_opening(self, opened: Callable[[], EventStore]) -> None:
        here, there = opened(), opened()
        there.append(Batch(KIT, [note()]))
        movable(here).seal("it lives elsewhere now")
        with pytest.raises(Unavailable, match="elsewhere"):
            there.append(Batch(KIT, [note()]))
        movable(there).unseal()
        here.append(Batch(KIT, [note()]))

    @needs("moving", "durability")
    def test_a_seal_outlives_its_opening(self, opened: Callable[[], EventStore]) -> None:
        first = opened()
        movable(first).seal("it lives elsewhere now")
        first.close()
        with pytest.raises(Unavailable, match="elsewhere"):
            opened().append(Batch(KIT, [note()]))

    @proves_lack_of("moving")
    def test_it_lacks_moving_as_it_says(self, store: EventStore) -> None:
        assert not isinstance(store, Movable), "it takes in a log: take that out of `lacks`"


def _positions(store: EventStore) -> Sequence[int]:
    return [event.position for event in store.read()]
