"""Idempotency by event id: the same events again give the first answer; other content is refused."""

from typing import Any

import pytest

from fleet_core.errors import IdReused, VersionConflict
from fleet_core.events import NewEvent
from fleet_core.stores import Appended, Batch, Condition, EventStore, Expected, Query, Stream
from fleet_core.testing.store_kit.base import KIT, NOON, OTHER, Noted, note, said

FIRST = [
    note({"a": 1, "b": [2]}, id="first", tags=("red", "blue"), metadata={"by": "hand"}, occurred_at=NOON - 5),
    note({"c": 3}, id="second", causation_id="first"),
]


def _outcome(answer: Appended) -> tuple[list[int], list[int], list[str]]:
    return list(answer.positions), list(answer.versions), answer.ids


def _changed(**changes: Any) -> NewEvent:
    first = FIRST[0]
    fields = {name: getattr(first, name) for name in first.__struct_fields__}
    return NewEvent(**{**fields, **changes})


CHANGES: dict[str, dict[str, Any]] = {
    "data": {"data": {"a": 1, "b": [3]}},
    "type": {"type": "noticed"},
    "schema version": {"schema_version": 2},
    "tags": {"tags": ("red",)},
    "no tags": {"tags": ()},
    "metadata": {"metadata": {"by": "foot"}},
    "no metadata": {"metadata": None},
    "cause": {"causation_id": "elsewhere"},
    "time": {"occurred_at": NOON - 6},
}


class RepeatingKit:
    """Retries."""

    def test_the_same_events_again_give_the_first_answer(self, store: EventStore) -> None:
        first = store.append(Batch(KIT, FIRST))
        again = store.append(Batch(KIT, FIRST))
        assert again.replayed
        assert _outcome(again) == _outcome(first)
        assert store.head() == first.last

    def test_a_retry_is_answered_whatever_version_it_expects(self, store: EventStore) -> None:
        first = store.append(Batch(KIT, FIRST))
        for expected in (Expected.NO_STREAM, 0, 1, 7):
            again = store.append(Batch(KIT, FIRST, expected))
            assert again.replayed
            assert _outcome(again) == _outcome(first)

    def test_a_retry_is_answered_whatever_its_condition_says(self, store: EventStore) -> None:
        condition = Condition(Query.of(types=("noted",)))
        first = store.append(Batch(KIT, FIRST), condition=condition)
        again = store.append(Batch(KIT, FIRST), condition=condition)
        assert again.replayed
        assert _outcome(again) == _outcome(first)

    def test_a_retry_is_answered_after_later_events_too(self, store: EventStore) -> None:
        first = store.append(Batch(KIT, FIRST, 0))
        store.append(Batch(KIT, [note("later")]), Batch(OTHER, [note("other")]))
        again = store.append(Batch(KIT, FIRST, 0))
        assert again.replayed
        assert _outcome(again) == _outcome(first)
        assert said(store)[2:] == ["later", "other"]

    def test_a_retry_over_several_streams_gives_the_first_answer(self, store: EventStore) -> None:
        batches = [Batch(KIT, FIRST), Batch(OTHER, [note("other", id="third")])]
        first = store.append(*batches)
        again = store.append(*batches)
        assert again.replayed
        assert _outcome(again) == _outcome(first)

    def test_the_order_of_keys_and_tags_makes_no_difference(self, store: EventStore) -> None:
        first = store.append(Batch(KIT, FIRST[:1]))
        again = store.append(Batch(KIT, [_changed(data={"b": [2], "a": 1}, tags=("blue", "red", "blue"))]))
        assert again.replayed
        assert _outcome(again) == _outcome(first)

    def test_typed_events_can_be_sent_again(self, store: EventStore) -> None:
        event = NewEvent(data=Noted(text="typed"), id="typed")
        first = store.append(Batch(KIT, [event]))
        assert _outcome(store.append(Batch(KIT, [event]))) == _outcome(first)

    def test_some_of_the_events_again_give_their_part_of_the_answer(self, store: EventStore) -> None:
        first = store.append(Batch(KIT, FIRST))
        again = store.append(Batch(KIT, FIRST[1:]))
        assert again.replayed
        assert _outcome(again) == (list(first.positions[1:]), [2], ["second"])

    def test_an_id_with_other_content_is_refused(self, store: EventStore) -> None:
        head = store.append(Batch(KIT, FIRST[:1])).last
        for what, change in CHANGES.items():
            with pytest.raises(IdReused):
                store.append(Batch(KIT, [_changed(**change)]))
            assert store.head() == head, what

    @pytest.mark.parametrize("stream", [OTHER, Stream("tik", KIT.id)], ids=str)
    def test_an_id_in_another_stream_is_refused(self, store: EventStore, stream: Stream) -> None:
        store.append(Batch(KIT, FIRST[:1]))
        with pytest.raises(IdReused):
            store.append(Batch(stream, FIRST[:1]))
        assert len(said(store)) == 1

    @pytest.mark.parametrize("place", [0, 1, 2])
    def test_recorded_and_new_events_in_one_append_are_refused(self, store: EventStore, place: int) -> None:
        store.append(Batch(KIT, FIRST))
        events = list(FIRST)
        events.insert(place, note("new", id="new"))
        with pytest.raises(IdReused):
            store.append(Batch(KIT, events))
        assert len(said(store)) == 2

    def test_a_recorded_event_beside_one_without_an_id_is_refused(self, store: EventStore) -> None:
        store.append(Batch(KIT, FIRST))
        with pytest.raises(IdReused):
            store.append(Batch(KIT, FIRST), Batch(OTHER, [note("new")]))
        assert len(said(store)) == 2

    def test_an_id_given_twice_in_one_batch_is_refused(self, store: EventStore) -> None:
        with pytest.raises(IdReused):
            store.append(Batch(KIT, [FIRST[0], FIRST[0]]))
        assert store.head() == 0

    def test_an_id_given_twice_in_two_batches_is_refused(self, store: EventStore) -> None:
        with pytest.raises(IdReused):
            store.append(Batch(KIT, FIRST[:1]), Batch(OTHER, FIRST[:1]))
        assert store.head() == 0

    def test_a_refused_append_uses_no_id_up(self, store: EventStore) -> None:
        with pytest.raises(VersionConflict):
            store.append(Batch(KIT, FIRST, 3))
        answer = store.append(Batch(KIT, FIRST, 0))
        assert not answer.replayed
        assert list(answer.versions) == [1, 2]

    def test_a_refused_id_can_be_used_where_it_belongs(self, store: EventStore) -> None:
        store.append(Batch(KIT, FIRST[:1]))
        with pytest.raises(IdReused):
            store.append(Batch(KIT, [note("fresh", id="fresh"), *FIRST[:1]]))
        assert not store.append(Batch(OTHER, [note("fresh", id="fresh")])).replayed

    def test_events_without_ids_are_new_each_time(self, store: EventStore) -> None:
        ids = [store.append(Batch(KIT, [note("same")])).ids[0] for _ in range(3)]
        assert len(set(ids)) == 3
        assert said(store) == ["same"] * 3
