"""The ability `Ordering`: the states with the least numbers, without reading all of them."""

from typing import Any

import pytest

from fleet_core.errors import Usage
from fleet_core.projections import AtMost
from fleet_core.stores import EventStore, Ordering
from fleet_core.testing.abilities import needs, proves_lack_of
from fleet_core.testing.store_kit.base import NOON
from fleet_core.testing.store_kit.selecting import DUE, Jar, fill


def _first(store: EventStore, by: str, limit: int, **where: Any) -> list[Jar]:
    assert isinstance(store, Ordering), 'say lacks = {"ordering": "why"} when it reads all of them'
    return list(store.first("kit_jars", where, by=by, limit=limit))


class OrderingKit:
    """The reference is `FoldedView`."""

    @needs("views", "ordering")
    def test_the_first_are_those_with_the_least_numbers(self, store: EventStore) -> None:
        fill(store)
        due = sorted(each for each in DUE if each is not None)
        assert [jar.due for jar in _first(store, "due", 3)] == due[:3]
        assert [jar.due for jar in _first(store, "due", 100)] == due

    @needs("views", "ordering")
    def test_of_equal_numbers_that_of_the_lesser_key_is_first(self, store: EventStore) -> None:
        fill(store)
        jars = _first(store, "weight", 100)
        assert [(jar.weight, jar.name) for jar in jars] == sorted((jar.weight, jar.name) for jar in jars)
        assert len({jar.weight for jar in jars}) < len(jars)

    @needs("views", "ordering")
    def test_what_has_no_number_is_never_among_the_first(self, store: EventStore) -> None:
        fill(store)
        assert None not in [jar.due for jar in _first(store, "due", 100)]
        assert None not in [jar.size for jar in _first(store, "size", 100)]

    @needs("views", "ordering")
    def test_the_first_are_chosen_from_what_was_asked_for(self, store: EventStore) -> None:
        fill(store)
        jars = _first(store, "due", 2, sweet=True)
        assert [(jar.due, jar.sweet) for jar in jars] == [(NOON, True), (NOON + 1, True)]
        assert _first(store, "due", 2, sweet=True, due=AtMost(NOON)) == jars[:1]

    @needs("views", "ordering")
    @pytest.mark.parametrize("field", ["due", "weight", "size"])
    def test_the_first_are_those_of_the_folded_states(self, store: EventStore, field: str) -> None:
        folded = fill(store)
        for where in ({}, {"sweet": True}, {"due": None}, {"due": AtMost(NOON)}, {"name": "jar 3"}):
            for limit in (0, 1, 4, 100):
                expected = folded.first(where, by=field, limit=limit)
                assert _first(store, field, limit, **where) == expected, (where, limit)

    @needs("views", "ordering")
    @pytest.mark.parametrize("field", ["name", "sweet", "colour"])
    def test_the_first_by_a_field_without_numbers_are_refused(self, store: EventStore, field: str) -> None:
        fill(store)
        with pytest.raises(Usage, match=field):
            _first(store, field, 1)

    @proves_lack_of("ordering")
    def test_it_lacks_ordering_as_it_says(self, store: EventStore) -> None:
        assert not isinstance(store, Ordering), "it finds the least: take that out of `lacks`"
