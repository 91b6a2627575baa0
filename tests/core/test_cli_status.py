"""`fleet status`, now and in the past."""

import pytest

from fleet_core.api import Batch, NewEvent, Stream
from fleets import TestClock
from sites import Site
from toys import BoxFilled, BoxMade


@pytest.fixture
def boxes(project: Site) -> Site:
    """Three boxes made at 10:00:04, two of them filled an hour later: five events."""
    clock = TestClock()
    with project.fleet(clock) as fleet:
        for name in ("a", "b", "c"):
            fleet.append(Batch(Stream("box", name), [BoxMade(label="x")]))
        clock.advance(3600)
        for name in ("a", "b"):
            fleet.append(Batch(Stream("box", name), [BoxFilled(amount=1)]))
    return project


def test_an_empty_project_says_so(project: Site) -> None:
    answer = project.run("status", "--json")
    assert answer.data == {
        "project": "apollo",
        "root": str(project.root),
        "store": "sqlite",
        "as_of": None,
        "events": 0,
        "head": 0,
        "last_event": None,
        "projections": [],
        "notices": [],
    }


def test_states_are_counted_by_their_status(boxes: Site) -> None:
    data = boxes.run("status", "--json").data
    assert (data["events"], data["head"], data["last_event"]) == (5, 5, "2026-01-02T11:00:04.000000Z")
    assert data["projections"] == [
        {"name": "boxes", "states": 3, "by_status": {"empty": 1, "filled": 2}},
        {"name": "labels", "states": 1, "by_status": None},
    ]


def test_people_see_the_same_in_two_short_tables(boxes: Site) -> None:
    lines = boxes.run("status").out.splitlines()
    assert [line.split() for line in lines[-2:]] == [
        ["boxes", "3", "empty", "1,", "filled", "2"],
        ["labels", "1", "-"],
    ]


@pytest.mark.parametrize("point", ["3", "2026-01-02T10:30:00Z"])
def test_half_way_the_past_is_shown_as_it_was(boxes: Site, point: str) -> None:
    data = boxes.run("status", "--as-of", point, "--json").data
    assert (data["events"], data["head"], data["last_event"]) == (3, 3, "2026-01-02T10:00:04.000000Z")
    assert data["projections"] == [
        {"name": "boxes", "states": 3, "by_status": {"empty": 3}},
        {"name": "labels", "states": 1, "by_status": None},
    ]


def test_the_past_says_which_past_it_is(boxes: Site) -> None:
    assert boxes.run("status", "--as-of", "3", "--json").data["as_of"] == {"position": 3, "time": None}
    assert boxes.run("status", "--as-of", "3").out.splitlines()[0].split() == ["As", "of:", "3"]
    first = boxes.run("status", "--as-of", "2026-01-02").out.splitlines()[0]
    assert first.split() == ["As", "of:", "2026-01-02T00:00:00.000000Z"]


def test_as_of_the_end_is_the_present(boxes: Site) -> None:
    now, end = boxes.run("status", "--json").data, boxes.run("status", "--as-of", "5", "--json").data
    assert end | {"as_of": None} == now


def test_before_the_beginning_there_was_nothing(boxes: Site) -> None:
    data = boxes.run("status", "--as-of", "0", "--json").data
    assert (data["events"], data["head"], data["projections"]) == (0, 0, [])


def test_events_imported_out_of_order_count_by_when_they_occurred(project: Site) -> None:
    project.record(
        NewEvent(type="late", data={}, occurred_at=2_000_000), NewEvent(type="early", data={}, occurred_at=1)
    )
    data = project.run("status", "--as-of", "1970-01-01T00:00:01Z", "--json").data
    assert (data["events"], data["head"]) == (1, 2)


def test_a_point_beyond_the_end_is_refused(boxes: Site) -> None:
    answer = boxes.run("status", "--as-of", "6")
    assert (answer.status, answer.out) == (3, "")
    assert "ends at position 5" in answer.err


def test_a_point_that_is_none_is_refused(boxes: Site) -> None:
    answer = boxes.run("status", "--as-of", "lunch")
    assert answer.status == 2
    assert "2026-01-02T10:21:32Z" in answer.err


def test_a_store_that_can_not_describe_itself_is_counted(project: Site) -> None:
    (project.root / "fleet.toml").write_text("[store]\nbackend = 'bare'\n[views]\nbackend = 'bare'\n")
    assert project.run("status", "--json").data["events"] == 0


def test_outside_a_project_the_next_step_is_named(outside: Site) -> None:
    answer = outside.run("status")
    assert answer.status == 3
    assert "fleet init" in answer.err
