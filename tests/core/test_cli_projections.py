"""`fleet projections`: read tables and the log they are folded from."""

from typing import Any

import msgspec
import pytest

import toys
from fleet_core.api import Batch, NewEvent, Stream, hookimpl
from sites import THING, Site, settled
from toys import BOXES, Box, BoxFilled, BoxMade


@pytest.fixture
def boxes(project: Site) -> Site:
    """Two boxes, one of them filled."""
    with project.fleet() as fleet:
        for name in ("a", "b"):
            fleet.append(Batch(Stream("box", name), [BoxMade(label="x")]))
        fleet.append(Batch(Stream("box", "b"), [BoxFilled(amount=1)]))
    return project


@pytest.fixture
def forged(boxes: Site) -> Site:
    """The same, and somebody changed a read table behind everybody's back."""
    database = boxes.root / ".fleet" / "events.db"
    content = database.read_bytes()
    assert content.count(b"filled") == 1 + content.count(b"box_filled")
    database.write_bytes(content.replace(b"filled", b"forged").replace(b"box_forged", b"box_filled"))
    return boxes


def tables(site: Site) -> dict[str, Any]:
    return {row.pop("name"): row for row in site.run("projections", "list", "--json").data}


def test_tables_are_listed_with_how_far_they_have_come(boxes: Site) -> None:
    assert tables(boxes)["boxes"] == {"version": 1, "rows": 2, "position": 3, "behind": 0}


def test_a_table_whose_plugin_is_new_is_behind_until_it_is_read(
    outside: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as before:
        before.setenv("FLEET_WITHOUT", "domains:boxes")
        settled(outside.root, Batch(THING, [NewEvent(type="noted", data={})]))
    assert tables(outside)["boxes"] == {"version": 1, "rows": 0, "position": 0, "behind": 1}
    outside.run("status")
    assert tables(outside)["boxes"]["behind"] == 0


def test_sound_tables_do_not_differ(boxes: Site) -> None:
    answer = boxes.run("projections", "verify", "--json")
    assert answer.status == 0
    assert {each["name"]: each["differences"] for each in answer.data}["boxes"] == []


def test_a_forged_state_is_listed_with_what_the_log_says(forged: Site) -> None:
    answer = forged.run("projections", "verify", "boxes", "labels")
    assert answer.status == 10
    assert answer.rows[:2] == [["boxes", "1"], ["labels", "0"]]
    assert "forged" in answer.out
    assert "fleet projections rebuild boxes" in answer.err


def test_programs_get_both_states(forged: Site) -> None:
    (found,) = forged.run("projections", "verify", "boxes", "--json").data
    (difference,) = found["differences"]
    assert (difference["key"], difference["table"]["status"], difference["folded"]["status"]) == (
        "b",
        "forged",
        "filled",
    )


def test_a_rebuilt_table_is_what_the_log_says(forged: Site) -> None:
    answer = forged.run("projections", "rebuild", "boxes", "--json")
    assert answer.data == [{"name": "boxes", "rows": 2, "position": 3}]
    assert forged.run("projections", "verify").status == 0


def test_a_table_of_an_older_definition_is_folded_anew(boxes: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    newer = msgspec.structs.replace(
        BOXES, version=2, evolve=lambda box, event: Box(event.stream_id, "new", "counted")
    )
    monkeypatch.setattr(toys, "fleet_projections", hookimpl(lambda: (newer,)))
    assert boxes.run("status", "--json").data["projections"] == [
        {"name": "boxes", "states": 2, "by_status": {"counted": 2}}
    ]
    assert boxes.run("projections", "verify").status == 0


def test_without_names_all_tables_are_rebuilt(boxes: Site) -> None:
    assert {"boxes", "labels"} <= {row[0] for row in boxes.run("projections", "rebuild").rows}


def test_a_name_given_twice_is_one(boxes: Site) -> None:
    assert len(boxes.run("projections", "rebuild", "boxes", "boxes").rows) == 1


@pytest.mark.parametrize("verb", ["rebuild", "verify"])
def test_an_unknown_name_is_refused_and_the_known_ones_named(boxes: Site, verb: str) -> None:
    answer = boxes.run("projections", verb, "boxes", "crates")
    assert (answer.status, answer.out) == (3, "")
    assert "labels" in answer.err
