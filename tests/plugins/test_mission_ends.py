"""How missions end: with all their sorties, or at once with all that is held for them."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fleet_core.api import Conflict, Fenced, Fleet, Invalid, NotFound, Query
from fleet_ctk.api import CtkReserve, ctk_reserve
from fleet_leases.api import LEASES
from fleet_missions.api import (
    Mission,
    MissionCancel,
    MissionComplete,
    MissionCreate,
    MissionPlan,
    MissionShow,
    MissionStart,
    PlannedSortie,
    ReviewComplete,
    SortieBlock,
    SortieCancel,
    SortieComplete,
    SortieCreate,
    SortieReport,
    SortieShow,
    SortieStart,
    mission_cancel,
    mission_complete,
    mission_create,
    mission_plan,
    mission_show,
    mission_start,
    review_complete,
    sortie_block,
    sortie_cancel,
    sortie_complete,
    sortie_create,
    sortie_progress,
    sortie_show,
    sortie_start,
)
from fleet_specialists.api import Register, register
from fleets import TestClock, opened, unlike


@pytest.fixture
def clock() -> TestClock:
    return TestClock()


@pytest.fixture(params=["memory", "sqlite"])
def fleet(request: pytest.FixtureRequest, tmp_path: Path, clock: TestClock) -> Iterator[Fleet]:
    """With a mission under way: a needs a review, b does not."""
    with opened(tmp_path, request.param, clock) as fleet:
        parts = (PlannedSortie(title="a", id="a", review=True), PlannedSortie(title="b", id="b"))
        mission_plan(fleet, MissionPlan(title="m", id="m", sorties=parts))
        mission_start(fleet, MissionStart(mission="m"))
        yield fleet


@pytest.fixture
def ada(fleet: Fleet) -> int:
    return register(fleet, Register(specialist="ada")).state.token


@pytest.fixture
def rey(fleet: Fleet) -> int:
    return register(fleet, Register(specialist="rey", role="reviewer")).state.token


def shown(fleet: Fleet) -> Mission:
    return mission_show(fleet, MissionShow(mission="m"))


def complete(fleet: Fleet, sortie: str, token: int) -> None:
    sortie_start(fleet, SortieStart(sortie=sortie, token=token))
    sortie_complete(fleet, SortieComplete(sortie=sortie, token=token))


def judge(fleet: Fleet, verdict: Any, token: int) -> None:
    review_complete(fleet, ReviewComplete(sortie="a", verdict=verdict, token=token))


def test_a_mission_waits_for_the_reviews_of_its_sorties(fleet: Fleet, ada: int, rey: int) -> None:
    complete(fleet, "a", ada)
    complete(fleet, "b", ada)
    with pytest.raises(Conflict, match=r"1 open sorties, such as a \(review\)"):
        mission_complete(fleet, MissionComplete(mission="m"))
    judge(fleet, "approved", rey)
    assert mission_complete(fleet, MissionComplete(mission="m")).state.status == "completed"


def test_a_mission_waits_for_a_sortie_that_strikes_have_blocked(fleet: Fleet, ada: int, rey: int) -> None:
    complete(fleet, "b", ada)
    for _ in range(3):
        complete(fleet, "a", ada)
        judge(fleet, "needs_changes", rey)
    with pytest.raises(Conflict, match=r"such as a \(blocked\)"):
        mission_complete(fleet, MissionComplete(mission="m"))
    sortie_cancel(fleet, SortieCancel(sortie="a"))
    assert mission_complete(fleet, MissionComplete(mission="m")).state.progress == 100


def test_progress_counts_what_is_completed_of_what_is_wanted(fleet: Fleet, ada: int, rey: int) -> None:
    sortie_create(fleet, SortieCreate(title="c", id="c", mission="m"))
    complete(fleet, "a", ada)
    assert shown(fleet).progress == 0
    judge(fleet, "approved", rey)
    assert shown(fleet).progress == 33
    sortie_cancel(fleet, SortieCancel(sortie="c"))
    assert shown(fleet).progress == 50


@pytest.mark.parametrize("end", ["complete", "cancel"])
def test_a_mission_says_how_long_it_took(fleet: Fleet, clock: TestClock, end: str) -> None:
    clock.advance(30)
    for sortie in ("a", "b"):
        sortie_cancel(fleet, SortieCancel(sortie=sortie))
    clock.advance(2.5)
    if end == "complete":
        mission_complete(fleet, MissionComplete(mission="m"))
    else:
        mission_cancel(fleet, MissionCancel(mission="m"))
    assert shown(fleet).duration_ms == 32_500


def test_cancelling_a_mission_takes_away_what_is_held_for_it_in_the_same_append(
    fleet: Fleet, ada: int
) -> None:
    claim = sortie_start(fleet, SortieStart(sortie="b", token=ada)).state.token
    ctk_reserve(fleet, CtkReserve(paths=("src/**",), token=claim))
    head = fleet.store.head()
    mission_cancel(fleet, MissionCancel(mission="m", reason="the customer left", by="cleo"))
    events = list(fleet.store.read(after=head))
    assert [event.type for event in events] == [
        "mission_cancelled",
        "sortie_closed",
        "sortie_closed",
        "lease_released",
        "lease_released",
        "ctk_released",
    ]
    released = events[3].data
    assert (released.lease_id, released.how, released.by) == ("claim:b", "forced", "cleo")
    assert released.reason == "the customer left"
    assert [lease.lease_id for lease in fleet.view(LEASES).select({}).items] == ["session:ada"]
    assert sortie_show(fleet, SortieShow(sortie="b")).status == "cancelled"
    assert unlike(fleet) == []


@pytest.mark.parametrize(
    "write",
    [
        lambda fleet, token: sortie_progress(fleet, SortieReport(sortie="b", percent=50, token=token)),
        lambda fleet, token: sortie_complete(fleet, SortieComplete(sortie="b", token=token)),
        lambda fleet, token: ctk_reserve(fleet, CtkReserve(paths=("src/**",), token=token)),
    ],
    ids=["progress", "complete", "reserve"],
)
def test_who_worked_for_a_mission_that_was_cancelled_is_refused(
    fleet: Fleet, ada: int, write: Callable[[Fleet, int], object]
) -> None:
    claim = sortie_start(fleet, SortieStart(sortie="b", token=ada)).state.token
    mission_cancel(fleet, MissionCancel(mission="m"))
    with pytest.raises(Fenced, match="ended at position"):
        write(fleet, claim)
    assert len(list(fleet.store.read(Query.of(types=("write_fenced",))))) == 1


def test_a_blocked_sortie_of_a_cancelled_mission_is_nobodys_any_more(fleet: Fleet, ada: int) -> None:
    sortie_start(fleet, SortieStart(sortie="b", token=ada))
    sortie_block(fleet, SortieBlock(sortie="b", reason="no access", token=ada))
    mission_cancel(fleet, MissionCancel(mission="m"))
    assert fleet.view(LEASES).get("claim:b") is None


def test_a_mission_of_hundreds_is_cancelled_at_once(fleet: Fleet) -> None:
    parts = tuple(PlannedSortie(title=f"{number}") for number in range(500))
    mission_plan(fleet, MissionPlan(title="large", id="large", sorties=parts))
    cancelled = mission_cancel(fleet, MissionCancel(mission="large")).state
    assert (cancelled.sorties_total, cancelled.sorties_cancelled) == (500, 500)


# What a mission says of sorties that join it later.


@pytest.mark.parametrize(
    ("of_mission", "own", "expected"), [(True, False, True), (False, True, True), (False, False, False)]
)
def test_a_mission_that_needs_reviews_needs_them_of_all_its_sorties(
    fleet: Fleet, of_mission: bool, own: bool, expected: bool
) -> None:
    mission_create(fleet, MissionCreate(title="r", id="r", review=of_mission))
    sortie_create(fleet, SortieCreate(title="x", id="x", mission="r", review=own))
    assert sortie_show(fleet, SortieShow(sortie="x")).review == expected


def test_the_files_of_a_sortie_are_spelled_from_the_project_root(fleet: Fleet) -> None:
    sortie_create(fleet, SortieCreate(title="x", id="x", files=("./src/../src/*", "docs//x")))
    assert sortie_show(fleet, SortieShow(sortie="x")).files == ("src/*", "docs/x")


def test_files_outside_of_the_project_are_nobodys_work(fleet: Fleet) -> None:
    with pytest.raises(Invalid, match="outside of the project") as caught:
        sortie_create(fleet, SortieCreate(title="x", id="x", files=("src/*", "../other")))
    assert caught.value.path == "$.files[1]"
    with pytest.raises(NotFound):
        sortie_show(fleet, SortieShow(sortie="x"))
