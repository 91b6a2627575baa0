"""Projections: folding, pages of states, catching up, rebuilding and comparing."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet_core.api import AtMost, Batch, Invalid, Page, Recorded, Stream, Usage, Views
from fleet_core.fleet import Fleet
from fleet_core.projections import FoldedView, TableView, catch_up, differences, fold, rebuild
from toys import BOXES, LABELS, Box, BoxFilled, BoxMade, Label, toy_fleet


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    """Read tables stand beside this store, so that they can be behind."""
    with toy_fleet(tmp_path, "bare") as fleet:
        yield fleet


def boxes(fleet: Fleet, *names: str, label: str = "x") -> None:
    for name in names:
        fleet.append(Batch(Stream("box", name), [BoxMade(label=label)]))


def filled(fleet: Fleet, name: str, *amounts: int) -> None:
    fleet.append(Batch(Stream("box", name), [BoxFilled(amount=amount) for amount in amounts]))


def test_folding_gives_each_key_its_state(fleet: Fleet) -> None:
    boxes(fleet, "a", "b")
    filled(fleet, "b", 1, 2)
    assert fold(BOXES, fleet.store.read()) == {"a": Box("a", "x"), "b": Box("b", "x", "filled", 3)}


def test_folding_goes_on_from_the_states_given(fleet: Fleet) -> None:
    boxes(fleet, "a")
    states = fold(BOXES, fleet.store.read())
    filled(fleet, "a", 5)
    assert fold(BOXES, fleet.store.read(after=1), states)["a"].amount == 5


def test_events_of_other_types_are_passed_over(fleet: Fleet) -> None:
    boxes(fleet, "a")
    filled(fleet, "a", 1)
    assert fold(LABELS, fleet.store.read()) == {"x": Label("x", 1)}


def test_an_event_that_concerns_nobody_is_passed_over(fleet: Fleet) -> None:
    boxes(fleet, "a")
    assert fold(nobodys, fleet.store.read()) == {}


def test_a_state_that_ends_is_gone(fleet: Fleet) -> None:
    boxes(fleet, "a")
    filled(fleet, "a", 1)
    assert fold(short_lived, fleet.store.read()) == {}


def test_a_projection_of_no_named_types_takes_in_all(fleet: Fleet) -> None:
    boxes(fleet, "a", "b")
    filled(fleet, "a", 1)
    assert fold(counting, fleet.store.read(counting.query())) == {"all": Label("all", 3)}


def changed(**changes: object):  # type: ignore[no-untyped-def]
    from msgspec.structs import replace

    return replace(BOXES, **changes)


def count(label: Label | None, event: Recorded) -> Label:
    return Label("all", label.boxes + 1 if label else 1)


nobodys = changed(key=lambda event: None)
short_lived = changed(evolve=lambda box, event: Box("a", "x") if event.type == "box_made" else None)
counting = changed(name="counting", state=Label, types=(), key=lambda event: "all", evolve=count)


# Reading states: whatever keeps them, pages look alike.

STATES = {name: Box(name, "x", "filled" if name in "bd" else "empty") for name in "abcde"}


def test_a_page_holds_at_most_what_was_asked_for_and_says_where_to_go_on() -> None:
    assert FoldedView(BOXES, STATES).select(limit=2) == Page([STATES["a"], STATES["b"]], "b")


def test_a_cursor_goes_on_after_its_page() -> None:
    assert FoldedView(BOXES, STATES).select(after="d", limit=2) == Page([STATES["e"]], None)


def test_a_page_that_is_exactly_full_and_the_last_has_no_cursor() -> None:
    assert FoldedView(BOXES, STATES).select(after="c", limit=2).next is None


def test_pages_can_be_read_from_the_end() -> None:
    view = FoldedView(BOXES, STATES)
    first = view.select(limit=2, backwards=True)
    assert first == Page([STATES["e"], STATES["d"]], "d")
    assert view.select(after=first.next, backwards=True).items == [STATES["c"], STATES["b"], STATES["a"]]


def test_states_are_chosen_by_their_fields() -> None:
    assert FoldedView(BOXES, STATES).select({"status": "filled", "label": "x"}).items == [
        STATES["b"],
        STATES["d"],
    ]


def test_states_are_chosen_by_a_bound_on_a_number() -> None:
    states = {name: Box(name, "x", amount=amount) for name, amount in {"a": 1, "b": 2, "c": 3}.items()}
    assert FoldedView(BOXES, states).select({"amount": AtMost(2)}).items == [states["a"], states["b"]]
    assert FoldedView(BOXES, states).select({"amount": AtMost(0.5)}).items == []


def test_a_bound_on_text_is_refused_and_the_field_named() -> None:
    with pytest.raises(Usage, match="'label'"):
        FoldedView(BOXES, STATES).select({"label": AtMost(2)})


def test_a_projection_whose_text_is_no_field_is_refused() -> None:
    with pytest.raises(Invalid, match="'colour'"):
        changed(text=("label", "colour"))


def test_states_are_found_by_words() -> None:
    states = {"a": Box("a", "Lamp oil"), "b": Box("b", "lamp"), "c": Box("lamp", "oil")}
    view = FoldedView(changed(text=("label",)), states)
    assert view.search("LAMP").items == [states["a"], states["b"]]
    assert view.search("oil la").items == [states["a"]]
    assert view.search("lamp", limit=1) == Page([states["a"]], "a")


def test_states_without_text_are_not_searched() -> None:
    with pytest.raises(Usage, match="no text"):
        FoldedView(BOXES, STATES).search("x")


def test_states_are_counted_by_a_field() -> None:
    assert FoldedView(BOXES, STATES).count_by("status") == {"empty": 3, "filled": 2}


def test_states_come_in_the_order_of_their_keys_as_bytes() -> None:
    names = ["Z", "a", "z", "é", "€", "\U0001f600"]
    states = {name: Box(name, "x") for name in reversed(names)}
    assert [box.id for box in FoldedView(BOXES, states).select().items] == names


def test_choosing_by_a_field_that_is_none_is_refused_and_the_fields_named() -> None:
    with pytest.raises(Usage, match="'colour'") as caught:
        FoldedView(BOXES, STATES).select({"colour": "red"})
    assert "id, label, status, amount" in caught.value.remedy


def test_counting_by_a_field_that_is_none_is_refused() -> None:
    with pytest.raises(Usage, match="'colour'"):
        FoldedView(BOXES, STATES).count_by("colour")


@given(st.dictionaries(st.text(max_size=3), st.sampled_from(["x", "y"])), st.integers(1, 4), st.booleans())
def test_pages_put_together_are_the_whole(labels: dict[str, str], limit: int, backwards: bool) -> None:
    view = FoldedView(BOXES, {name: Box(name, label) for name, label in labels.items()})
    found, cursor = [], None
    while True:
        page = view.select({"label": "x"}, after=cursor, limit=limit, backwards=backwards)
        found += page.items
        cursor = page.next
        if cursor is None:
            break
    assert found == view.select({"label": "x"}, backwards=backwards).items
    assert len(found) == sum(label == "x" for label in labels.values())


# Read tables.


def test_a_table_is_caught_up_to_the_end_of_the_log(fleet: Fleet) -> None:
    boxes(fleet, "a", "b")
    assert catch_up(fleet.store, fleet.views, BOXES) == 2
    assert fleet.views.get("boxes", "b") == Box("b", "x")


def test_catching_up_takes_many_batches_when_it_must(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fleet_core.projections.BATCH", 3)
    boxes(fleet, *"abcdefgh")
    assert catch_up(fleet.store, fleet.views, BOXES) == 8
    assert [box.id for box in TableView(fleet.views, BOXES).select().items] == list("abcdefgh")


def test_a_table_is_current_though_the_last_events_were_not_for_it(fleet: Fleet) -> None:
    boxes(fleet, "a")
    filled(fleet, "a", 1)
    assert catch_up(fleet.store, fleet.views, LABELS) == 2
    assert fleet.views.position("labels") == 2


class Plain:
    """Read tables that find nothing by words, and know no order but that of keys."""

    def __init__(self, views: Views) -> None:
        self._views = views

    def __getattr__(self, name: str) -> object:
        if name in ("search", "first"):
            raise AttributeError(name)
        return getattr(self._views, name)


def test_tables_without_an_index_of_words_are_searched_from_end_to_end(fleet: Fleet) -> None:
    boxes(fleet, "a", "b", label="lamp oil")
    boxes(fleet, "c", label="oil")
    searched = changed(name="searched", text=("label",))
    fleet.views.define([searched])
    catch_up(fleet.store, fleet.views, searched)
    plain: Any = Plain(fleet.views)
    asked: list[tuple[dict[str, Any], dict[str, Any]]] = [
        ({}, {}),
        ({"id": "b"}, {}),
        ({}, {"limit": 1, "backwards": True}),
    ]
    for where, bounds in asked:
        indexed = TableView(fleet.views, searched).search("lamp", where, **bounds)
        assert TableView(plain, searched).search("lamp", where, **bounds) == indexed
    assert TableView(plain, searched).search("lamp", limit=1) == Page([Box("a", "lamp oil")], "a")


def test_of_tables_that_know_no_other_order_the_least_are_found_too(fleet: Fleet) -> None:
    boxes(fleet, "a", "b", "c", "d")
    for name, amount in {"a": 3, "b": 1, "c": 2, "d": 1}.items():
        filled(fleet, name, amount)
    catch_up(fleet.store, fleet.views, BOXES)
    plain: Any = Plain(fleet.views)
    least = TableView(plain, BOXES).first(by="amount", limit=3)
    assert [box.id for box in least] == ["b", "d", "c"]
    assert TableView(fleet.views, BOXES).first(by="amount", limit=3) == least
    assert TableView(plain, BOXES).first({"amount": 3}, by="amount", limit=3) == [Box("a", "x", "filled", 3)]


def test_a_table_answers_as_a_fold_does(fleet: Fleet) -> None:
    boxes(fleet, *"abcde")
    filled(fleet, "b", 1)
    table, folded = fleet.view(BOXES), fleet.view(BOXES, "6")
    assert table.get("b") == folded.get("b")
    assert table.count_by("status") == folded.count_by("status")
    asked = {"where": {"status": "empty"}, "after": "d", "limit": 2, "backwards": True}
    assert table.select(**asked) == folded.select(**asked)  # type: ignore[arg-type]


def test_a_rebuilt_table_is_what_the_log_says(fleet: Fleet) -> None:
    boxes(fleet, "a")
    catch_up(fleet.store, fleet.views, BOXES)
    tamper(fleet, "a", Box("a", "forged"))
    assert rebuild(fleet.store, fleet.views, BOXES) == 1
    assert fleet.views.get("boxes", "a") == Box("a", "x")


def test_rebuilding_tells_how_far_it_is(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fleet_core.projections.BATCH", 2)
    boxes(fleet, *"abcde")
    told: list[int] = []
    rebuild(fleet.store, fleet.views, BOXES, told.append)
    assert told == [1, 3, 5]


def test_a_sound_table_does_not_differ(fleet: Fleet) -> None:
    boxes(fleet, "a", "b")
    catch_up(fleet.store, fleet.views, BOXES)
    assert differences(fleet.store, fleet.views, BOXES) == []


def test_a_table_that_is_behind_is_sound_as_far_as_it_goes(fleet: Fleet) -> None:
    boxes(fleet, "a")
    catch_up(fleet.store, fleet.views, BOXES)
    boxes(fleet, "b")
    assert differences(fleet.store, fleet.views, BOXES) == []


def test_states_that_are_other_too_few_or_too_many_are_found(fleet: Fleet) -> None:
    boxes(fleet, "a", "b", "c")
    catch_up(fleet.store, fleet.views, BOXES)
    tamper(fleet, "a", Box("a", "forged"))
    tamper(fleet, "b", None)
    tamper(fleet, "d", Box("d", "ghost"))
    found = [(each.key, each.table, each.folded) for each in differences(fleet.store, fleet.views, BOXES)]
    assert found == [
        ("a", Box("a", "forged"), Box("a", "x")),
        ("b", None, Box("b", "x")),
        ("d", Box("d", "ghost"), None),
    ]


def test_what_others_append_while_a_table_is_read_is_no_difference(fleet: Fleet) -> None:
    boxes(fleet, "a", "b")
    catch_up(fleet.store, fleet.views, BOXES)

    def append() -> None:
        filled(fleet, "a", 1)
        filled(fleet, "a", 2)
        boxes(fleet, "c")

    overtake(fleet, append)
    assert differences(fleet.store, fleet.views, BOXES) == []


def test_what_others_append_while_a_table_is_read_hides_no_difference(fleet: Fleet) -> None:
    boxes(fleet, "a", "b")
    catch_up(fleet.store, fleet.views, BOXES)
    tamper(fleet, "a", Box("a", "forged"))
    overtake(fleet, lambda: filled(fleet, "b", 1))
    assert [each.key for each in differences(fleet.store, fleet.views, BOXES)] == ["a"]


def tamper(fleet: Fleet, key: str, state: Box | None) -> None:
    """Change a read table behind everybody's back."""
    states = fleet.views._tables["boxes"].states  # type: ignore[attr-defined]
    if state is None:
        del states[key]
    else:
        states[key] = state


def overtake(fleet: Fleet, append: Callable[[], None]) -> None:
    """Have others append, and the table follow, each time just before its rows are read."""
    rows = fleet.views.rows

    def late(name: str) -> Iterator[tuple[str, object]]:
        append()
        catch_up(fleet.store, fleet.views, BOXES)
        return rows(name)

    fleet.views.rows = late  # type: ignore[method-assign]
