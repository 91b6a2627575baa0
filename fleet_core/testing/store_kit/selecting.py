"""Selecting from read tables by a bound: the numbers up to it, and nothing else."""

from typing import Any

import msgspec
import pytest

from fleet_core.errors import Usage
from fleet_core.events import Recorded
from fleet_core.projections import AtMost, FoldedView, Projection, catch_up, fold
from fleet_core.stores import Batch, EventStore, Stream, Views
from fleet_core.testing.abilities import needs
from fleet_core.testing.store_kit.base import NOON, note

EXACT = 2**53
"""The first whole number whose successor is no decimal one."""


class Jar(msgspec.Struct, frozen=True, kw_only=True):
    """A state with numbers, some of them missing."""

    name: str
    due: int | None
    weight: float
    sweet: bool
    size: float | None = None


JARS: Projection[Jar] = Projection(
    name="kit_jars",
    state=Jar,
    types=("jarred",),
    key=lambda event: event.stream_id,
    evolve=lambda state, event: _jar(event),
)

DUE = [NOON, None, NOON - 1, NOON + 1, -5, 0, None, EXACT, EXACT + 1, 2**63 - 1, -(2**63)]
BOUNDS = [NOON, NOON - 1, NOON - 0.5, -5, -5.5, 0, -0.0, EXACT, float(EXACT), EXACT + 1, 2**63 - 1, -(2**63)]
WEIGHTS = [0.0, 0.5, -0.5, 1e300, -1e300, float(EXACT), float(EXACT + 2), 0.1]


def _jar(event: Recorded) -> Jar:
    said: dict[str, Any] = event.plain
    return Jar(name=event.stream_id, **said)


def fill(store: EventStore) -> FoldedView[Jar]:
    """Jars in a read table, and what it should say of them."""
    assert isinstance(store, Views), 'say lacks = {"views": "why"} when it keeps no read tables'
    store.define([JARS])
    for number, due in enumerate(DUE):
        weight = WEIGHTS[number % len(WEIGHTS)]
        data = {
            "due": due,
            "weight": weight,
            "sweet": number % 3 == 0,
            "size": None if number % 2 else weight,
        }
        store.append(Batch(Stream("jar", f"jar {number}"), [note(data, "jarred")]))
    if not store.inline:
        catch_up(store, store, JARS)
    return FoldedView(JARS, fold(JARS, store.read()))


def _found(store: EventStore, **where: Any) -> list[Jar]:
    assert isinstance(store, Views)
    return list(store.select("kit_jars", where).items)


class SelectingKit:
    """The reference is `FoldedView`."""

    @needs("views")
    def test_a_bound_takes_in_the_value_itself(self, store: EventStore) -> None:
        fill(store)
        for due in (NOON, -5, 0, EXACT, 2**63 - 1, -(2**63)):
            assert due in [jar.due for jar in _found(store, due=AtMost(due))], due
        for weight in WEIGHTS[:3]:
            assert weight in [jar.weight for jar in _found(store, weight=AtMost(weight))], weight

    @needs("views")
    def test_a_bound_takes_in_no_state_without_a_value(self, store: EventStore) -> None:
        fill(store)
        assert None not in [jar.due for jar in _found(store, due=AtMost(2**63 - 1))]
        assert None not in [jar.size for jar in _found(store, size=AtMost(2**62))]

    @needs("views")
    def test_a_bound_leaves_out_what_is_beyond_it(self, store: EventStore) -> None:
        fill(store)
        due = [jar.due for jar in _found(store, due=AtMost(NOON))]
        assert sorted(each for each in due if each is not None) == [-(2**63), -5, 0, NOON - 1, NOON]

    @needs("views")
    def test_a_bound_is_exact_beyond_what_decimals_tell_apart(self, store: EventStore) -> None:
        fill(store)
        assert EXACT + 1 not in [jar.due for jar in _found(store, due=AtMost(EXACT))]
        assert EXACT + 1 not in [jar.due for jar in _found(store, due=AtMost(float(EXACT)))]
        assert EXACT + 1 in [jar.due for jar in _found(store, due=AtMost(EXACT + 1))]
        assert EXACT + 2 not in [jar.weight for jar in _found(store, weight=AtMost(EXACT + 1))]

    @needs("views")
    @pytest.mark.parametrize("field", ["due", "weight", "size"])
    def test_a_selection_within_a_bound_is_that_of_the_folded_states(
        self, store: EventStore, field: str
    ) -> None:
        folded = fill(store)
        for bound in BOUNDS:
            where = {field: AtMost(bound)}
            assert _found(store, **where) == folded.select(where).items, where

    @needs("views")
    @pytest.mark.parametrize("backwards", [False, True], ids=["forwards", "backwards"])
    def test_pages_within_a_bound_are_those_of_the_folded_states(
        self, store: EventStore, backwards: bool
    ) -> None:
        folded = fill(store)
        assert isinstance(store, Views)
        where = {"due": AtMost(NOON), "weight": AtMost(0.5), "sweet": False}
        for limit in (1, 2, 3):
            cursor: str | None = None
            while True:
                bounds: dict[str, Any] = {"after": cursor, "limit": limit, "backwards": backwards}
                page = store.select("kit_jars", where, **bounds)
                assert page == folded.select(where, **bounds), (limit, cursor)
                cursor = page.next
                if cursor is None:
                    break

    @needs("views")
    @pytest.mark.parametrize("field", ["name", "sweet"])
    def test_a_bound_on_a_field_without_numbers_is_refused(self, store: EventStore, field: str) -> None:
        fill(store)
        with pytest.raises(Usage, match=field):
            _found(store, **{field: AtMost(1)})

    @needs("views")
    @pytest.mark.parametrize("value", ["7", None, True, float("nan"), float("inf"), 2**63])
    def test_a_bound_that_is_no_number_of_64_bits_is_refused(self, store: EventStore, value: Any) -> None:
        fill(store)
        with pytest.raises(Usage, match="AtMost"):
            _found(store, due=AtMost(value))
