"""Reads: order, bounds, limits, and readers that stop half-way."""

import tracemalloc
from collections.abc import Callable
from itertools import islice
from typing import Any

import pytest

from fleet_core.stores import Batch, EventStore, Query
from fleet_core.testing.store_kit.base import KIT, OTHER, in_thread, note, notes, said


class ReadingKit:
    """Bounds are exclusive on both sides."""

    @pytest.fixture
    def positions(self, store: EventStore) -> list[int]:
        """Where six events stand, that say 1 to 6, in two streams."""
        answers = [store.append(Batch(KIT, [note(n)]), Batch(OTHER, [note(n + 1)])) for n in (1, 3, 5)]
        return [position for answer in answers for position in answer.positions]

    def test_a_read_is_in_order_of_position(self, store: EventStore, positions: list[int]) -> None:
        assert [event.position for event in store.read()] == positions == sorted(positions)
        assert said(store) == [1, 2, 3, 4, 5, 6]

    def test_backwards_starts_at_the_newest(self, store: EventStore, positions: list[int]) -> None:
        assert [event.position for event in store.read(backwards=True)] == positions[::-1]
        assert said(store, backwards=True) == [6, 5, 4, 3, 2, 1]

    def test_after_is_exclusive(self, store: EventStore, positions: list[int]) -> None:
        assert said(store, after=positions[2]) == [4, 5, 6]

    def test_before_is_exclusive(self, store: EventStore, positions: list[int]) -> None:
        assert said(store, before=positions[2]) == [1, 2]

    def test_after_and_before_bound_a_read_together(self, store: EventStore, positions: list[int]) -> None:
        assert said(store, after=positions[0], before=positions[4]) == [2, 3, 4]

    def test_bounds_mean_the_same_backwards(self, store: EventStore, positions: list[int]) -> None:
        assert said(store, after=positions[0], before=positions[4], backwards=True) == [4, 3, 2]

    def test_nothing_lies_between_neighbours(self, store: EventStore, positions: list[int]) -> None:
        assert said(store, after=positions[2], before=positions[3]) == []

    def test_bounds_that_have_crossed_enclose_nothing(self, store: EventStore, positions: list[int]) -> None:
        assert said(store, after=positions[4], before=positions[1]) == []

    def test_nothing_lies_after_the_head(self, store: EventStore, positions: list[int]) -> None:
        assert said(store, after=store.head()) == []
        assert said(store, after=store.head() + 1000) == []

    def test_before_may_lie_beyond_the_head(self, store: EventStore, positions: list[int]) -> None:
        assert said(store, before=store.head() + 1) == said(store, before=2**62) == [1, 2, 3, 4, 5, 6]

    def test_a_limit_gives_the_first_so_many(self, store: EventStore, positions: list[int]) -> None:
        for limit in range(7):
            assert said(store, limit=limit) == [1, 2, 3, 4, 5, 6][:limit]

    def test_a_limit_beyond_the_end_gives_all(self, store: EventStore, positions: list[int]) -> None:
        assert said(store, limit=1000) == [1, 2, 3, 4, 5, 6]

    def test_a_limit_backwards_gives_the_newest(self, store: EventStore, positions: list[int]) -> None:
        assert said(store, limit=2, backwards=True) == [6, 5]

    def test_a_limit_counts_matching_events_only(self, store: EventStore, positions: list[int]) -> None:
        assert said(store, Query.of(streams=(OTHER,)), limit=2) == [2, 4]

    def test_a_limit_and_bounds_work_together(self, store: EventStore, positions: list[int]) -> None:
        query = Query.of(streams=(KIT,))
        assert said(store, query, after=positions[0], limit=1) == [3]
        assert said(store, query, before=positions[4], limit=1, backwards=True) == [3]

    def test_pages_by_position_cover_the_log_once(self, store: EventStore, positions: list[int]) -> None:
        found: list[Any] = []
        last = 0
        while page := list(store.read(after=last, limit=4)):
            found += [event.plain for event in page]
            last = page[-1].position
        assert found == [1, 2, 3, 4, 5, 6]

    def test_a_read_may_be_repeated(self, store: EventStore, positions: list[int]) -> None:
        assert list(store.read()) == list(store.read())

    def test_what_was_recorded_before_the_call_is_seen(self, store: EventStore, positions: list[int]) -> None:
        reader = store.read()
        next(reader)
        store.append(Batch(KIT, notes(3)))
        assert [event.plain for event in reader][:5] == [2, 3, 4, 5, 6]

    def test_appends_while_reading_disturb_no_reader(self, store: EventStore, positions: list[int]) -> None:
        seen = []
        for event in islice(store.read(), 6):
            store.append(Batch(KIT, [note("meanwhile")]))
            seen.append(event.plain)
        assert seen == [1, 2, 3, 4, 5, 6]
        assert len(said(store)) == 12

    def test_a_reader_backwards_never_sees_what_comes_later(
        self, store: EventStore, positions: list[int]
    ) -> None:
        reader = store.read(backwards=True)
        next(reader)
        store.append(Batch(KIT, notes(3)))
        assert [event.plain for event in reader] == [5, 4, 3, 2, 1]

    def test_a_reader_that_stops_half_way_holds_nobody_up(
        self, store: EventStore, positions: list[int]
    ) -> None:
        readers = [store.read(), store.read(backwards=True), store.read(Query.of(streams=(KIT,)))]
        for reader in readers:
            next(reader)
        in_thread(lambda: store.append(Batch(KIT, [note("on")])))()
        assert in_thread(lambda: said(store))()[-1] == "on"

    def test_two_readers_go_their_own_ways(self, store: EventStore, positions: list[int]) -> None:
        one, two = store.read(), store.read(backwards=True)
        pairs = [(a.plain, b.plain) for a, b in zip(one, two, strict=True)]
        assert pairs == [(1, 6), (2, 5), (3, 4), (4, 3), (5, 2), (6, 1)]

    def test_memory_does_not_grow_with_the_log(self, store: EventStore) -> None:
        for _ in range(8):
            store.append(Batch(KIT, [note("x" * 2000) for _ in range(1000)]))
        assert _peak(lambda: next(store.read())) < 8_000_000


def _peak(work: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
