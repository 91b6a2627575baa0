"""Fleet, the Python front door: what it wires, what it refuses, and how it tells the time."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import toys
from fleet_core import project as projects
from fleet_core.api import (
    Batch,
    Conflict,
    Decision,
    NewEvent,
    NotFound,
    PluginBroken,
    Stream,
    Unavailable,
    Usage,
)
from fleet_core.fleet import Fleet
from fleet_core.moments import AsOf
from fleets import TestClock
from toys import BOXES, Box, BoxFilled, BoxMade, FillBox, MakeBox, ShowBox, fill, make, show, toy_fleet


@pytest.fixture
def clock() -> TestClock:
    return TestClock()


@pytest.fixture(params=["memory", "bare"])
def fleet(request: pytest.FixtureRequest, tmp_path: Path, clock: TestClock) -> Iterator[Fleet]:
    """A fleet on a store with read tables of its own, and on one without."""
    with toy_fleet(tmp_path, request.param, clock=clock) as fleet:
        yield fleet


@pytest.fixture
def heard() -> Iterator[list[object]]:
    """What the listener hears."""
    toys.listener.heard.clear()
    yield toys.listener.heard
    toys.listener.heard.clear()


def test_what_was_recorded_can_be_read_at_once(fleet: Fleet) -> None:
    fleet.append(Batch(Stream("box", "a"), [BoxMade(label="x")]))
    assert fleet.view(BOXES).get("a") == Box("a", "x")


def test_a_decision_answers_with_the_state_it_led_to(fleet: Fleet) -> None:
    make(fleet, MakeBox(box="a"))
    done = fill(fleet, FillBox(box="a", amounts=(1, 2)))
    assert (done.state, done.position, done.replayed) == (Box("a", "none", "filled", 3), 3, False)


def test_a_refused_decision_records_nothing(fleet: Fleet) -> None:
    with pytest.raises(Conflict, match="no box"):
        fill(fleet, FillBox(box="a", amounts=(1,)))
    assert fleet.store.head() == 0


def test_a_request_with_a_key_is_carried_out_once(fleet: Fleet) -> None:
    first = make(fleet, MakeBox(box="a", key="k"))
    again = make(fleet, MakeBox(box="a", key="k"))
    assert (again.state, again.position, again.replayed) == (first.state, first.position, True)
    assert fleet.store.head() == 1


def test_a_repeated_request_gets_the_answer_of_the_first_time_not_of_today(fleet: Fleet) -> None:
    make(fleet, MakeBox(box="a"))
    fill(fleet, FillBox(box="a", amounts=(1, 2), key="k"))
    fill(fleet, FillBox(box="a", amounts=(5,)))
    again = fill(fleet, FillBox(box="a", amounts=(1, 2), key="k"))
    assert (again.state.amount, again.position) == (3, 3)


def test_a_key_used_for_another_request_is_refused(fleet: Fleet) -> None:
    make(fleet, MakeBox(box="a", key="k"))
    with pytest.raises(Conflict, match="another request") as caught:
        make(fleet, MakeBox(box="b", key="k"))
    assert caught.value.details["key"] == "k"
    assert fleet.store.head() == 1


def test_a_decision_is_taken_anew_when_somebody_else_was_first(fleet: Fleet) -> None:
    make(fleet, MakeBox(box="a"))
    rivals = iter([True, True])

    def decide(decision: Decision) -> Stream:
        box = decision.look(BOXES, Stream("box", "a"))
        assert box is not None
        if next(rivals, False):
            fleet.append(Batch(Stream("box", "a"), [BoxFilled(amount=10)]))
        decision.record(Stream("box", "a"), BoxFilled(amount=box.amount + 1))
        return Stream("box", "a")

    assert fleet.decide(MakeBox(box="a"), BOXES, decide).state.amount == 10 + 10 + 21


def test_a_decision_that_others_keep_overtaking_is_given_up(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fleet_core.fleet.ATTEMPTS", 3)

    def decide(decision: Decision) -> Stream:
        decision.look(BOXES, Stream("box", "a"))
        fleet.append(Batch(Stream("box", "a"), [BoxMade(label="x")]))
        decision.record(Stream("box", "a"), BoxMade(label="y"))
        return Stream("box", "a")

    with pytest.raises(Unavailable, match="others kept changing"):
        fleet.decide(MakeBox(box="a"), BOXES, decide)
    assert fleet.store.head() == 3


def test_a_decision_that_records_nothing_answers_with_the_state_there_is(fleet: Fleet) -> None:
    make(fleet, MakeBox(box="a"))
    done = fill(fleet, FillBox(box="a", amounts=()))
    assert (done.state, done.position) == (Box("a", "none"), 1)


def test_a_decision_whose_stream_has_no_state_blames_its_plugin(fleet: Fleet) -> None:
    with pytest.raises(NotFound, match="has no state in boxes"):
        fleet.decide(MakeBox(box="a"), BOXES, lambda decision: Stream("box", "a"))


def test_of_many_who_make_the_same_box_one_succeeds(fleet: Fleet) -> None:
    outcomes: list[str] = []

    def attempt(number: int) -> None:
        try:
            outcomes.append(make(fleet, MakeBox(box="a", label=f"{number}")).state.label)
        except Conflict:
            outcomes.append("refused")

    threads = [threading.Thread(target=attempt, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes)[1:] == ["refused"] * 7
    assert fleet.store.head() == 1


def test_the_past_is_seen_as_of_a_position(fleet: Fleet) -> None:
    make(fleet, MakeBox(box="a"))
    fill(fleet, FillBox(box="a", amounts=(1, 2, 3)))
    amounts = [fleet.view(BOXES, AsOf(position=at)).get("a") for at in range(5)]
    assert [box and box.amount for box in amounts] == [None, 0, 1, 3, 6]


def test_the_past_is_seen_as_of_a_time_or_an_age(fleet: Fleet, clock: TestClock) -> None:
    make(fleet, MakeBox(box="a"))
    clock.advance(3600)
    fill(fleet, FillBox(box="a", amounts=(7,)))
    seen = [show(fleet, ShowBox(box="a", as_of=text)) for text in ("30m", "0s", "2026-01-02T10:30:00Z", "1d")]
    assert [box and box.amount for box in seen] == [0, 7, 0, None]


def test_a_position_beyond_the_end_of_the_log_is_refused(fleet: Fleet) -> None:
    make(fleet, MakeBox(box="a"))
    with pytest.raises(NotFound, match="beyond the end") as caught:
        fleet.view(BOXES, "2")
    assert caught.value.details["head"] == 1


def test_a_point_that_is_none_is_refused(fleet: Fleet) -> None:
    with pytest.raises(Usage, match="is not a time"):
        fleet.view(BOXES, "noon")


def test_projections_are_found_by_name(fleet: Fleet) -> None:
    assert fleet.projection("boxes") is BOXES


def test_an_unknown_projection_is_refused_and_the_known_ones_named(fleet: Fleet) -> None:
    with pytest.raises(NotFound, match="'crates'") as caught:
        fleet.projection("crates")
    assert "boxes, labels" in caught.value.remedy


def test_operations_are_found_by_name(fleet: Fleet) -> None:
    assert fleet.operation("box.make").summary == "Make a box."


def test_an_unknown_operation_is_refused_with_the_nearest_name(fleet: Fleet) -> None:
    with pytest.raises(NotFound) as caught:
        fleet.operation("box.mkae")
    assert "box.make" in caught.value.remedy


def test_of_two_projections_with_one_name_the_second_is_reported_and_left_out(tmp_path: Path) -> None:
    warnings: list[str] = []
    rival = [("fleet.domains", "rival", "toys:rival_domain")]
    with toy_fleet(tmp_path, more=rival, warnings=warnings) as fleet:
        assert fleet.projection("boxes") is BOXES
    assert len(warnings) == 1
    assert "projection boxes is defined by another plugin too" in warnings[0]
    assert "rival" in warnings[0]


def test_a_store_that_opens_nothing_is_refused(tmp_path: Path) -> None:
    with (
        pytest.raises(PluginBroken),
        toy_fleet(tmp_path, "hollow", more=[("fleet.stores", "hollow", "toys")]),
    ):
        pytest.fail("it must not open")


def test_observers_hear_of_a_fleets_life_in_order(tmp_path: Path, heard: list[object]) -> None:
    with toy_fleet(tmp_path, observers=["listener"]) as fleet:
        make(fleet, MakeBox(box="a"))
        fill(fleet, FillBox(box="a", amounts=(1, 2)))
        fleet.rebuild(BOXES)
    assert heard == ["opened", [1], [2, 3], ("boxes", 3), "closed"]


def test_observers_do_not_hear_of_what_was_recorded_before(tmp_path: Path, heard: list[object]) -> None:
    with toy_fleet(tmp_path, observers=["listener"]) as fleet:
        event = NewEvent(data=BoxMade(label="x"), id="once")
        for _ in range(2):
            fleet.append(Batch(Stream("box", "a"), [event]))
    assert heard == ["opened", [1], "closed"]


def test_observers_hear_that_tables_beside_a_store_advance(tmp_path: Path, heard: list[object]) -> None:
    with toy_fleet(tmp_path, "bare", observers=["listener"]) as fleet:
        fleet.append(Batch(Stream("box", "a"), [BoxMade(label="x")]))
        fleet.view(BOXES)
        fleet.view(BOXES)
    assert heard == ["opened", [1], ("boxes", 1), "closed"]


def test_an_observer_that_is_not_installed_is_reported_and_stops_nobody(tmp_path: Path) -> None:
    warnings: list[str] = []
    with toy_fleet(tmp_path, observers=["ghost"], warnings=warnings) as fleet:
        make(fleet, MakeBox(box="a"))
    assert len(warnings) == 1
    assert "ghost" in warnings[0]


def test_closing_twice_is_one_close(tmp_path: Path, heard: list[object]) -> None:
    with toy_fleet(tmp_path, observers=["listener"]) as fleet:
        fleet.close()
    assert heard == ["opened", "closed"]


def test_closing_gives_back_store_and_tables(tmp_path: Path) -> None:
    with toy_fleet(tmp_path, "bare") as fleet:
        pass
    assert isinstance(fleet.views, toys.SideTables)
    assert fleet.views.closed
    with pytest.raises(Unavailable):
        fleet.store.head()


def test_a_fleet_that_fails_to_open_closes_its_store(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="nowhere"), toy_fleet(tmp_path, "bare", views="nowhere"):
        pytest.fail("it must not open")
    with pytest.raises(Unavailable):
        toys.opened_stores[-1].head()


def test_two_fleets_in_one_process_share_nothing(tmp_path: Path) -> None:
    with toy_fleet(tmp_path) as one, toy_fleet(tmp_path) as other:
        make(one, MakeBox(box="a"))
        assert (one.store.head(), other.store.head()) == (1, 0)


def test_a_folder_below_the_project_opens_it(tmp_path: Path) -> None:
    projects.create(projects.at(tmp_path, {}))
    (tmp_path / "fleet.toml").write_text("[store]\nbackend = 'memory'\n")
    below = tmp_path / "src"
    below.mkdir()
    with Fleet.open(below, catalog=toys.catalog()) as fleet:
        assert (fleet.project.root, fleet.settings.store.backend) == (tmp_path, "memory")


def test_outside_a_project_nothing_opens(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no fleet project"):
        Fleet.open(tmp_path, catalog=toys.catalog())
