"""Appends: all or nothing, over any number of streams, in the order given."""

import pytest

from fleet_core.errors import Invalid, VersionConflict
from fleet_core.stores import Batch, EventStore, Expected, Stream
from fleet_core.testing.store_kit.base import KIT, OTHER, in_stream, note, notes, said


class AppendingKit:
    """Positions, versions and atomicity."""

    def test_an_empty_log_has_head_0_and_no_events(self, store: EventStore) -> None:
        assert store.head() == 0
        assert list(store.read()) == []

    def test_versions_count_from_1_without_gaps(self, store: EventStore) -> None:
        store.append(Batch(KIT, notes(2)))
        store.append(Batch(OTHER, notes(3)))
        store.append(Batch(KIT, notes(3)))
        assert [event.version for event in in_stream(store, KIT)] == [1, 2, 3, 4, 5]

    def test_the_answer_names_the_positions_and_versions_that_are_read(self, store: EventStore) -> None:
        store.append(Batch(KIT, [note()]))
        answer = store.append(Batch(KIT, notes(2)), Batch(OTHER, notes(2)))
        events = list(store.read())[1:]
        assert list(answer.positions) == [event.position for event in events]
        assert list(answer.versions) == [event.version for event in events] == [2, 3, 1, 2]
        assert answer.ids == [event.id for event in events]
        assert answer.last == events[-1].position
        assert not answer.replayed

    def test_positions_only_rise(self, store: EventStore) -> None:
        positions: list[int] = []
        for _ in range(5):
            positions += store.append(Batch(KIT, notes(2)), Batch(OTHER, notes(1))).positions
        assert positions == sorted(set(positions))
        assert positions[0] > 0

    def test_the_head_is_the_last_position(self, store: EventStore) -> None:
        for _ in range(3):
            assert store.append(Batch(KIT, notes(2))).last == store.head()

    def test_events_stand_in_the_order_in_which_they_were_given(self, store: EventStore) -> None:
        store.append(
            Batch(OTHER, [note("a"), note("b")]),
            Batch(KIT, [note("c")]),
            Batch(Stream("z", "0"), [note("d")]),
        )
        assert said(store) == ["a", "b", "c", "d"]

    @pytest.mark.parametrize("place", [0, 1, 2])
    def test_one_refused_batch_refuses_all(self, store: EventStore, place: int) -> None:
        batches = [Batch(Stream("kit", str(number)), notes(2)) for number in range(3)]
        batches[place] = batches[place]._replace(expected=Expected.EXISTS)
        with pytest.raises(VersionConflict):
            store.append(*batches)
        assert list(store.read()) == []

    def test_a_refused_append_leaves_no_trace(self, store: EventStore) -> None:
        store.append(Batch(KIT, notes(2)))
        before = store.head(), [event.as_dict() for event in store.read()]
        with pytest.raises(VersionConflict):
            store.append(Batch(OTHER, [note(id="reusable")]), Batch(KIT, [note()], 1))
        assert (store.head(), [event.as_dict() for event in store.read()]) == before
        assert store.append(Batch(OTHER, [note(id="reusable")], Expected.NO_STREAM)).versions == [1]

    def test_the_head_never_falls_and_no_position_returns_after_a_refusal(self, store: EventStore) -> None:
        first = store.append(Batch(KIT, notes(2))).last
        with pytest.raises(VersionConflict):
            store.append(Batch(OTHER, notes(3)), Batch(KIT, [note()], 1))
        assert store.head() == first
        assert store.append(Batch(OTHER, [note()])).positions[0] > first

    @pytest.mark.parametrize("fault", ["event", "stream", "expected"])
    def test_an_invalid_part_refuses_the_whole(self, store: EventStore, fault: str) -> None:
        bad = {
            "event": Batch(OTHER, [note(), note(object())]),
            "stream": Batch(Stream("kit", ""), [note()]),
            "expected": Batch(OTHER, [note()], -5),
        }[fault]
        with pytest.raises(Invalid):
            store.append(Batch(KIT, notes(2)), bad)
        assert list(store.read()) == []

    def test_batches_of_one_append_may_take_turns(self, store: EventStore) -> None:
        before = store.append(Batch(KIT, notes(2))).last
        answer = store.append(Batch(KIT, notes(1), 2), Batch(OTHER, notes(2), 0), Batch(KIT, notes(1), 2))
        assert answer.versions == [3, 1, 2, 4]
        assert [event.stream_id for event in store.read(after=before)] == ["one", "two", "two", "one"]
        assert store.append(Batch(KIT, notes(1), 4)).versions == [5]

    def test_nothing_to_append_is_answered_with_nothing(self, store: EventStore) -> None:
        answer = store.append()
        assert (list(answer.positions), list(answer.versions), answer.last, answer.replayed) == (
            [],
            [],
            0,
            False,
        )
        assert store.head() == 0

    def test_a_batch_without_events_records_nothing(self, store: EventStore) -> None:
        answer = store.append(Batch(KIT, []))
        assert list(answer.positions) == []
        assert not answer.replayed
        assert store.head() == 0

    def test_a_thousand_events_fit_into_a_batch(self, store: EventStore) -> None:
        answer = store.append(Batch(KIT, notes(1000)))
        assert list(answer.versions) == list(range(1, 1001))
        assert said(store) == list(range(1, 1001))

    def test_a_hundred_streams_fit_into_an_append(self, store: EventStore) -> None:
        streams = [Stream("kit", f"s{number}") for number in range(100)]
        store.append(*(Batch(stream, notes(2), Expected.NO_STREAM) for stream in streams))
        assert [(event.stream_id, event.version) for event in store.read()] == [
            (stream.id, version) for stream in streams for version in (1, 2)
        ]

    def test_an_append_is_read_at_once(self, store: EventStore) -> None:
        for number in range(20):
            position = store.append(Batch(KIT, [note(number)])).last
            assert said(store, after=position - 1) == [number]
