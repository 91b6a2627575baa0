"""Queries: each criterion, all of them together, and items or-ed; in both directions."""

from typing import Any

import pytest

from fleet_core.stores import ALL, Batch, EventStore, Match, Query, Stream
from fleet_core.testing.store_kit.base import KIT, NOON, OTHER, note, said

TIK = Stream("tik", "one")

MIXED = [
    Batch(KIT, [note(1, "began", id="a", tags=("red",), occurred_at=NOON + 1)]),
    Batch(OTHER, [note(2, "began", id="b", causation_id="a", tags=("red", "big"), occurred_at=NOON + 2)]),
    Batch(TIK, [note(3, "ended", id="c", causation_id="b", tags=("blue", "big"), occurred_at=NOON + 3)]),
    Batch(
        KIT,
        [note(4, "ended", id="d", correlation_id="else", tags=("red", "blue", "big"), occurred_at=NOON + 4)],
    ),
    Batch(OTHER, [note(5, "noted", id="e", causation_id="a", occurred_at=NOON + 5)]),
    Batch(TIK, [note(6, "noted", id="f", metadata={"red": True}, occurred_at=NOON + 6)]),
]

CRITERIA: list[tuple[dict[str, Any], list[int]]] = [
    ({"streams": (KIT,)}, [1, 4]),
    ({"streams": (KIT, TIK)}, [1, 3, 4, 6]),
    ({"stream_types": ("kit",)}, [1, 2, 4, 5]),
    ({"stream_types": ("tik", "kit")}, [1, 2, 3, 4, 5, 6]),
    ({"types": ("began",)}, [1, 2]),
    ({"types": ("began", "noted")}, [1, 2, 5, 6]),
    ({"tags": ("red",)}, [1, 2, 4]),
    ({"tags": ("red", "big")}, [2, 4]),
    ({"tags": ("big", "blue", "red")}, [4]),
    ({"ids": ("c",)}, [3]),
    ({"ids": ("f", "a", "f")}, [1, 6]),
    ({"causation_id": "a"}, [2, 5]),
    ({"correlation_id": "a"}, [1, 2, 3, 5]),
    ({"correlation_id": "else"}, [4]),
    ({"since": NOON + 3}, [3, 4, 5, 6]),
    ({"until": NOON + 3}, [1, 2, 3]),
    ({"since": NOON + 2, "until": NOON + 4}, [2, 3, 4]),
    ({"since": NOON + 5, "until": NOON + 4}, []),
    ({}, [1, 2, 3, 4, 5, 6]),
    ({"stream_types": ("kit",), "types": ("ended",)}, [4]),
    ({"streams": (OTHER,), "types": ("began", "noted"), "tags": ("red",)}, [2]),
    ({"tags": ("big",), "types": ("ended",), "since": NOON + 4}, [4]),
    ({"correlation_id": "a", "types": ("noted",)}, [5]),
    ({"causation_id": "a", "tags": ("red",)}, [2]),
    ({"streams": (KIT, TIK), "stream_types": ("tik",), "until": NOON + 5}, [3]),
    ({"ids": ("a", "b", "c"), "tags": ("big",)}, [2, 3]),
]

UNKNOWN: list[dict[str, Any]] = [
    {"streams": (Stream("kit", "nowhere"),)},
    {"streams": (Stream("nowhere", "one"),)},
    {"stream_types": ("nowhere",)},
    {"types": ("unheard",)},
    {"tags": ("unseen",)},
    {"tags": ("red", "unseen")},
    {"ids": ("unknown",)},
    {"ids": ("01890a5d-ac96-774b-bcce-b302099a8057",)},
    {"causation_id": "unknown"},
    {"correlation_id": "unknown"},
    {"since": 2**62},
    {"until": -(2**62)},
]

QUERIES = {
    "one item": Query((Match(types=("began",)),)),
    "two items": Query((Match(types=("began",)), Match(tags=("blue",)))),
    "overlapping items": Query((Match(types=("began",)), Match(tags=("red",)), Match(streams=(KIT,)))),
    "the same item twice": Query((Match(tags=("big",)), Match(tags=("big",)))),
    "an empty item": Query((Match(types=("began",)), Match())),
    "an unknown name beside": Query((Match(types=("unheard",)), Match(tags=("blue",)))),
    "many items": Query(tuple(Match(ids=(id,)) for id in "fedcba")),
    "criteria and times": Query(
        (Match(types=("noted",), since=NOON + 6), Match(tags=("red",), until=NOON + 2))
    ),
}


class FiltersKit:
    """A store may decide a query in its own way, with the answer of `Match.accepts`."""

    @pytest.fixture
    def mixed(self, store: EventStore) -> EventStore:
        """Six events that differ in everything."""
        store.append(*MIXED[:3])
        store.append(*MIXED[3:])
        return store

    def test_a_criterion_gives_the_events_that_fulfil_it(self, mixed: EventStore) -> None:
        for criteria, expected in CRITERIA:
            assert said(mixed, Query.of(**criteria)) == expected, criteria

    def test_a_criterion_means_the_same_backwards(self, mixed: EventStore) -> None:
        for criteria, expected in CRITERIA:
            assert said(mixed, Query.of(**criteria), backwards=True) == expected[::-1], criteria

    def test_unknown_names_give_nothing(self, mixed: EventStore) -> None:
        for criteria in UNKNOWN:
            assert said(mixed, Query.of(**criteria)) == [], criteria

    def test_a_query_without_items_means_all_events(self, mixed: EventStore) -> None:
        assert said(mixed, ALL) == said(mixed, Query()) == [1, 2, 3, 4, 5, 6]

    def test_items_are_or_ed_and_each_event_comes_once(self, mixed: EventStore) -> None:
        for name, query in QUERIES.items():
            expected = [event.plain for event in mixed.read() if query.accepts(event)]
            assert said(mixed, query) == expected, name
            assert said(mixed, query, backwards=True) == expected[::-1], name

    def test_items_or_ed_respect_bounds_and_limit(self, mixed: EventStore) -> None:
        for name, query in QUERIES.items():
            events = [event for event in mixed.read() if query.accepts(event)]
            numbers = [event.plain for event in events]
            first, last = events[0].position, events[-1].position
            assert said(mixed, query, after=first, before=last) == numbers[1:-1], name
            assert said(mixed, query, limit=2) == numbers[:2], name
            assert said(mixed, query, limit=2, backwards=True) == numbers[:-3:-1], name

    def test_many_names_fit_into_a_criterion(self, mixed: EventStore) -> None:
        many = tuple(f"type-{number}" for number in range(1500))
        assert said(mixed, Query.of(types=(*many, "ended"))) == [3, 4]
        assert said(mixed, Query.of(streams=(*(Stream("kit", name) for name in many), KIT))) == [1, 4]
        assert said(mixed, Query.of(ids=(*many, "e"))) == [5]

    def test_many_items_fit_into_a_query(self, mixed: EventStore) -> None:
        items = tuple(Match(types=("ended",), tags=("red", f"tag-{number}")) for number in range(100))
        assert said(mixed, Query((*items, Match(types=("ended",), tags=("red", "big"))))) == [4]

    def test_times_are_compared_with_the_moment_of_recording_when_none_was_given(
        self, store: EventStore
    ) -> None:
        store.append(Batch(KIT, [note("now")]))
        assert said(store, Query.of(since=NOON, until=NOON)) == ["now"]
        assert said(store, Query.of(since=NOON + 1)) == []
        assert said(store, Query.of(until=NOON - 1)) == []

    def test_a_stream_is_named_by_type_and_id_together(self, mixed: EventStore) -> None:
        assert said(mixed, Query.of(streams=(Stream("tik", "two"),))) == []
        assert said(mixed, Query.of(streams=(KIT, Stream("tik", "two")))) == [1, 4]

    def test_a_root_correlates_with_itself(self, mixed: EventStore) -> None:
        assert said(mixed, Query.of(correlation_id="f")) == [6]
