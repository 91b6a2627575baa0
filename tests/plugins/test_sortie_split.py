"""Splitting sorties: the parts take the place of the whole, at once and in everything that needs it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from fleet_core.api import Conflict, Fenced, Fleet, Invalid, NotFound, Query, Uuid7
from fleet_leases.api import LEASES
from fleet_missions.api import (
    MissionPlan,
    MissionShow,
    PlannedSortie,
    Sortie,
    SortieAssign,
    SortieBlock,
    SortieCancel,
    SortieComplete,
    SortieCreate,
    SortieFail,
    SortieReady,
    SortieReport,
    SortieShow,
    SortieSplit,
    SortieStart,
    SplitSortie,
    mission_plan,
    mission_show,
    sortie_assign,
    sortie_block,
    sortie_cancel,
    sortie_complete,
    sortie_create,
    sortie_fail,
    sortie_progress,
    sortie_ready,
    sortie_show,
    sortie_split,
    sortie_start,
)
from fleet_specialists.api import Register, register
from fleets import TestClock, opened, unlike

PLAN: dict[str, Any] = {
    "title": "OAuth",
    "id": "oauth",
    "priority": "high",
    "sorties": [
        {"title": "Schema", "id": "S1", "files": ["src/db/**"]},
        {"title": "Routes", "id": "S3", "files": ["src/web/**"], "needs": ["S1"], "review": True},
        {"title": "UI", "id": "S4", "files": ["src/ui/**"]},
        {"title": "Tests", "id": "S5", "files": ["tests/**"], "needs": ["S3", "S4"]},
    ],
}


@pytest.fixture(params=["memory", "sqlite"])
def fleet(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Fleet]:
    with opened(tmp_path, request.param) as fleet:
        mission_plan(fleet, msgspec.convert(PLAN, MissionPlan))
        yield fleet


@pytest.fixture
def ada(fleet: Fleet) -> int:
    return register(fleet, Register(specialist="ada")).state.token


@pytest.fixture
def claim(fleet: Fleet, ada: int) -> int:
    """The token of ada's claim of S4."""
    return sortie_start(fleet, SortieStart(sortie="S4", token=ada)).state.token


def split(fleet: Fleet, sortie: str, *parts: dict[str, Any], **more: Any) -> SplitSortie:
    given = {"sortie": sortie, "parts": [{"title": "part"} | part for part in parts]}
    return sortie_split(fleet, msgspec.convert(given | more, SortieSplit)).state


def shown(fleet: Fleet, sortie: str) -> Sortie:
    return sortie_show(fleet, SortieShow(sortie=sortie))


def faults_of(error: Invalid) -> list[str]:
    return [fault["path"] for fault in error.details["faults"]]  # type: ignore[attr-defined]


def test_the_parts_take_over_what_the_whole_was(fleet: Fleet) -> None:
    answer = split(fleet, "S3", {"title": "Login"}, {"title": "Logout", "needs": [0], "priority": "low"})
    assert (answer.sortie_id, answer.waves, answer.width) == ("S3", (("S3.1",), ("S3.2",)), 1)
    first, second = shown(fleet, "S3.1"), shown(fleet, "S3.2")
    assert (first.title, first.parent, first.mission_id, first.status) == ("Login", "S3", "oauth", "pending")
    assert (first.dependencies, second.dependencies) == (("S1",), ("S1", "S3.1"))
    assert (first.priority, second.priority) == ("high", "low")
    assert (first.review, second.review) == (True, True)


def test_the_whole_is_closed_and_says_why(fleet: Fleet) -> None:
    split(fleet, "S3", {}, {}, by="rey")
    whole = shown(fleet, "S3")
    assert (whole.status, whole.summary) == ("cancelled", "split into S3.1, S3.2")
    (closed,) = fleet.store.read(Query.of(types=("sortie_closed",)))
    assert (closed.data.close_reason, closed.data.closed_by) == ("cancelled", "rey")


def test_what_needed_the_whole_needs_all_its_parts(fleet: Fleet) -> None:
    answer = split(fleet, "S3", {}, {"needs": [0]})
    assert answer.needed_by == ("S5",)
    assert shown(fleet, "S5").dependencies == ("S3.1", "S3.2", "S4")


def test_what_needed_the_whole_is_ready_when_all_its_parts_are_completed(fleet: Fleet, ada: int) -> None:
    split(fleet, "S3", {"review": False}, {"review": False})
    for sortie in ("S1", "S3.1", "S4", "S3.2"):
        assert "S5" not in ready(fleet)
        sortie_start(fleet, SortieStart(sortie=sortie, token=ada))
        sortie_complete(fleet, SortieComplete(sortie=sortie, token=ada))
    assert ready(fleet) == ["S5"]


def ready(fleet: Fleet) -> list[str]:
    return [row.sortie_id for row in sortie_ready(fleet, SortieReady()).items]


def test_a_split_is_one_append_whose_events_the_closing_explains(fleet: Fleet) -> None:
    head = fleet.store.head()
    split(fleet, "S3", {}, {})
    events = list(fleet.store.read(after=head))
    assert [event.type for event in events] == [
        "sortie_closed",
        "sortie_created",
        "sortie_created",
        "sortie_updated",
    ]
    assert {event.causation_id for event in events[1:]} == {events[0].id}
    assert all(event.tags == ("mission:oauth",) for event in events)
    assert unlike(fleet) == []


def test_a_mission_counts_the_parts_instead_of_the_whole(fleet: Fleet) -> None:
    split(fleet, "S3", {}, {})
    mission = mission_show(fleet, MissionShow(mission="oauth"))
    assert (mission.sorties_total, mission.sorties_cancelled) == (6, 1)


def test_a_part_can_be_split_too(fleet: Fleet) -> None:
    split(fleet, "S3", {}, {})
    split(fleet, "S3.1", {}, {})
    assert shown(fleet, "S5").dependencies == ("S3.1.1", "S3.1.2", "S3.2", "S4")
    assert shown(fleet, "S3.1.2").parent == "S3.1"


def test_a_sortie_of_no_mission_is_split_the_same_way(fleet: Fleet) -> None:
    sortie_create(fleet, SortieCreate(title="Alone", id="alone", files=("src/db/**",)))
    sortie_create(fleet, SortieCreate(title="After", id="after", needs=("alone",)))
    answer = split(fleet, "alone", {"files": ["src/db/a"]}, {"files": ["src/db/b"]})
    assert answer.needed_by == ("after",)
    assert shown(fleet, "alone.2").mission_id is None


# What is wrong with a split.


def test_the_parts_are_validated_like_a_plan(fleet: Fleet) -> None:
    head = fleet.store.head()
    with pytest.raises(Invalid, match="the split of S3 has 4 faults") as caught:
        split(
            fleet,
            "S3",
            {"id": "a", "needs": ["b"], "files": ["src/web/a*"]},
            {"id": "b", "needs": ["a", "S3"], "files": ["src/web/*b"]},
            {"id": "S1"},
        )
    assert faults_of(caught.value) == [
        "$.parts[1].needs[1]",
        "$.parts[0].needs",
        "$.parts[1].files[0]",
        "$.parts[2].id",
    ]
    assert fleet.store.head() == head


def test_the_parts_may_use_the_files_of_the_whole(fleet: Fleet) -> None:
    answer = split(fleet, "S3", {"files": ["src/web/in*"]}, {"files": ["src/web/out*"]})
    assert [part.files for part in answer.parts] == [("src/web/in*",), ("src/web/out*",)]


def test_the_parts_leave_the_files_of_other_open_sorties_alone(fleet: Fleet) -> None:
    with pytest.raises(Invalid, match=r"'src/ui/\*\*' of S4 and 'src/ui/login.py' of S3.1") as caught:
        split(fleet, "S3", {"files": ["src/ui/login.py"]}, {})
    assert faults_of(caught.value) == ["$.parts[0].files[0]"]


def test_the_parts_may_use_the_files_of_sorties_that_come_before_or_after(fleet: Fleet) -> None:
    split(fleet, "S3", {"files": ["src/db/login.py"]}, {"files": ["tests/web/**"]})
    assert shown(fleet, "S3.1").files == ("src/db/login.py",)


def test_the_parts_may_use_the_files_of_sorties_that_are_over(fleet: Fleet) -> None:
    sortie_cancel(fleet, SortieCancel(sortie="S4"))
    split(fleet, "S3", {"files": ["src/ui/login.py"]}, {})
    assert shown(fleet, "S3").status == "cancelled"


def test_a_part_may_need_another_sortie_of_the_mission_and_then_use_its_files(fleet: Fleet) -> None:
    split(fleet, "S3", {"files": ["src/ui/login.py"], "needs": ["S4"]}, {})
    assert shown(fleet, "S3.1").dependencies == ("S1", "S4")


def test_a_part_that_needs_what_needs_the_whole_makes_a_circle(fleet: Fleet) -> None:
    with pytest.raises(Invalid, match=r"in a circle: S3.1 -> S5 -> S3.1"):
        split(fleet, "S3", {"needs": ["S5"]}, {})


@pytest.mark.parametrize(("parts", "message"), [([], "no sorties"), ([{}], "one part is no split")])
def test_a_split_has_two_parts_at_least(fleet: Fleet, parts: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(Invalid, match=message):
        split(fleet, "S3", *parts)


def test_an_unknown_sortie_is_not_split(fleet: Fleet) -> None:
    with pytest.raises(NotFound, match="no sortie 'S9'"):
        split(fleet, "S9", {}, {})


# Who may split what.


@pytest.mark.parametrize("status", ["pending", "assigned", "failed", "blocked"])
def test_anybody_splits_a_sortie_that_nobody_is_at_work_on(fleet: Fleet, ada: int, status: str) -> None:
    if status == "assigned":
        sortie_assign(fleet, SortieAssign(sortie="S4", specialist="ada"))
    elif status != "pending":
        sortie_start(fleet, SortieStart(sortie="S4", token=ada))
    if status == "failed":
        sortie_fail(fleet, SortieFail(sortie="S4", reason="too much", token=ada))
    if status == "blocked":
        sortie_block(fleet, SortieBlock(sortie="S4", reason="too much", token=ada))
    assert shown(fleet, "S4").status == status
    split(fleet, "S4", {}, {})
    assert shown(fleet, "S4").status == "cancelled"


@pytest.mark.parametrize("end", ["cancelled", "completed", "split"])
def test_a_sortie_that_is_over_is_not_split(fleet: Fleet, ada: int, end: str) -> None:
    if end == "cancelled":
        sortie_cancel(fleet, SortieCancel(sortie="S4"))
    elif end == "completed":
        sortie_start(fleet, SortieStart(sortie="S4", token=ada))
        sortie_complete(fleet, SortieComplete(sortie="S4", token=ada))
    else:
        split(fleet, "S4", {}, {})
    head = fleet.store.head()
    with pytest.raises(Conflict, match="'split' is not possible"):
        split(fleet, "S4", {"id": "x"}, {"id": "y"})
    assert fleet.store.head() == head


def test_work_under_way_is_not_split_by_just_anybody(fleet: Fleet, claim: int) -> None:
    bo = register(fleet, Register(specialist="bo")).state.token
    head = fleet.store.head()
    for token in (None, bo):
        with pytest.raises(Conflict, match="ada is at work on sortie S4") as caught:
            split(fleet, "S4", {}, {}, token=token)
        assert caught.value.details["holder"] == "ada"
        assert "fleet lease release claim:S4" in caught.value.remedy
    assert fleet.store.head() == head


def test_a_worker_splits_its_own_work_and_has_it_no_more(fleet: Fleet, claim: int, ada: int) -> None:
    split(fleet, "S4", {}, {}, token=claim)
    assert fleet.view(LEASES).get("claim:S4") is None
    (closed,) = fleet.store.read(Query.of(types=("sortie_closed",)))
    assert closed.data.closed_by == "ada"
    sortie_start(fleet, SortieStart(sortie="S4.1", token=ada))
    assert shown(fleet, "S4.1").assigned_to == "ada"


def test_a_coordinator_splits_what_another_works_on_who_is_refused_from_then_on(
    fleet: Fleet, claim: int
) -> None:
    coordinator = register(fleet, Register(specialist="cleo", role="coordinator")).state.token
    split(fleet, "S4", {}, {}, token=coordinator)
    (released,) = fleet.store.read(Query.of(types=("lease_released",)))
    assert (released.data.how, released.data.by) == ("forced", "cleo")
    with pytest.raises(Fenced):
        sortie_progress(fleet, SortieReport(sortie="S4", percent=50, token=claim))
    assert shown(fleet, "S4").status == "cancelled"


def test_a_token_that_is_over_splits_nothing(fleet: Fleet, ada: int) -> None:
    register(fleet, Register(specialist="ada", anew=True))
    with pytest.raises(Fenced):
        split(fleet, "S4", {}, {}, token=ada)
    assert shown(fleet, "S4").status == "pending"


def test_a_split_sent_again_with_its_key_is_carried_out_once(fleet: Fleet) -> None:
    parts = (PlannedSortie(title="a"), PlannedSortie(title="b"))
    request = SortieSplit(sortie="S3", parts=parts, key="k")
    first, again = sortie_split(fleet, request), sortie_split(fleet, request)
    assert (first.replayed, again.replayed) == (False, True)
    assert (again.state, again.position) == (first.state, first.position)
    with pytest.raises(Conflict, match="used for another request"):
        sortie_split(fleet, msgspec.structs.replace(request, by="rey"))


def test_a_sortie_that_comes_to_need_the_whole_meanwhile_needs_its_parts(tmp_path: Path) -> None:
    """The decision had looked for what needs it already when another came."""
    draw = Uuid7(TestClock())
    interruptions: list[Callable[[], object]] = []

    def ids_with_interruption() -> bytes:
        if interruptions:
            interruptions.pop()()
        return draw()

    with opened(tmp_path, "memory", ids=ids_with_interruption) as fleet:
        mission_plan(fleet, msgspec.convert(PLAN, MissionPlan))
        late = SortieCreate(title="late", id="late", mission="oauth", needs=("S3",))
        interruptions.append(lambda: sortie_create(fleet, late))
        assert split(fleet, "S3", {}, {}).needed_by == ("S5", "late")
        assert shown(fleet, "late").dependencies == ("S3.1", "S3.2")
