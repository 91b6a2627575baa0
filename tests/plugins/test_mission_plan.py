"""Plans of missions: what is wrong with one is told at once, and a sound one is recorded as a whole."""

from collections.abc import Callable, Iterator, Sequence
from itertools import permutations
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet_core.api import Conflict, Fleet, Invalid, Query, Uuid7
from fleet_ctk.api import Pattern, overlap, parse
from fleet_missions.api import (
    MissionCreate,
    MissionPlan,
    MissionShow,
    PlannedMission,
    PlannedSortie,
    SortieCreate,
    SortieShow,
    mission_create,
    mission_plan,
    mission_show,
    sortie_create,
    sortie_show,
)
from fleet_missions.ordering import circles, ordered, reached, waves
from fleet_missions.planning import Draft, draft
from fleets import TestClock, opened, unlike

STORY: dict[str, Any] = {
    "title": "OAuth login",
    "id": "oauth",
    "sorties": [
        {"title": "Schema", "id": "S1", "files": ["src/db/**"]},
        {"title": "Token service", "id": "S2", "files": ["src/auth/token*.py"], "needs": ["S1"]},
        {
            "title": "OAuth routes",
            "id": "S3",
            "files": ["src/auth/oauth*.py", "src/web/routes.py"],
            "needs": ["S2"],
        },
        {"title": "UI", "id": "S4", "files": ["src/web/ui/**"]},
        {"title": "Tests", "id": "S5", "files": ["tests/**"], "needs": ["S3", 3]},
    ],
}


# The order of needs, against every order there is.

GRAPHS = (
    st.integers(1, 6)
    .flatmap(lambda size: st.lists(st.sets(st.integers(0, size - 1)), min_size=size, max_size=size))
    .map(lambda needs: [direct - {number} for number, direct in enumerate(needs)])
)


def legal_orders(needs: Sequence[set[int]]) -> Iterator[tuple[int, ...]]:
    """All orders in which everything comes after what it needs, by trying all orders."""
    for order in permutations(range(len(needs))):
        if all(order.index(need) < order.index(each) for each in order for need in needs[each]):
            yield order


@given(GRAPHS)
@settings(max_examples=300, deadline=None)
def test_there_is_a_circle_exactly_where_there_is_no_order(needs: list[set[int]]) -> None:
    assert bool(circles(needs, reached(needs))) == (next(legal_orders(needs), None) is None)


@given(GRAPHS)
@settings(max_examples=300, deadline=None)
def test_a_circle_that_is_named_is_one(needs: list[set[int]]) -> None:
    for circle in circles(needs, reached(needs)):
        assert len(set(circle)) == len(circle) >= 2
        for number, following in zip(circle, [*circle[1:], circle[0]], strict=True):
            assert following in needs[number]


@given(GRAPHS)
@settings(max_examples=300, deadline=None)
def test_everything_on_a_circle_is_in_the_group_of_a_named_one(needs: list[set[int]]) -> None:
    reach = reached(needs)
    named = {number for circle in circles(needs, reach) for number in circle}
    for number in range(len(needs)):
        if number in walked(needs, number):
            assert any(number in walked(needs, each) and each in walked(needs, number) for each in named)


def walked(needs: Sequence[set[int]], start: int) -> set[int]:
    """What a number leads to, step by step."""
    found: set[int] = set()
    waiting = list(needs[start])
    while waiting:
        each = waiting.pop()
        if each not in found:
            found.add(each)
            waiting += needs[each]
    return found


@given(GRAPHS)
@settings(max_examples=300, deadline=None)
def test_a_number_reaches_what_a_walk_from_it_meets(needs: list[set[int]]) -> None:
    reach = reached(needs)
    assert [{other for other in range(len(needs)) if each >> other & 1} for each in reach] == [
        walked(needs, number) for number in range(len(needs))
    ]


@given(GRAPHS)
@settings(max_examples=300, deadline=None)
def test_two_are_ordered_when_every_legal_order_agrees(needs: list[set[int]]) -> None:
    orders = list(legal_orders(needs))
    if not orders:
        return
    reach = reached(needs)
    for one in range(len(needs)):
        for other in range(one):
            agreed = len({order.index(one) < order.index(other) for order in orders}) == 1
            assert ordered(reach, one, other) == agreed


@given(GRAPHS)
@settings(max_examples=300, deadline=None)
def test_each_stands_in_the_first_wave_after_all_that_it_needs(needs: list[set[int]]) -> None:
    found = waves(needs)
    wave_of = {number: index for index, wave in enumerate(found) for number in wave}
    for number, direct in enumerate(needs):
        if number in wave_of:
            assert wave_of[number] == max((wave_of[need] + 1 for need in direct), default=0)
    circular = {number for number in range(len(needs)) if number in walked(needs, number)}
    stuck = {number for number in range(len(needs)) if circular & ({number} | walked(needs, number))}
    assert set(range(len(needs))) - wave_of.keys() == stuck


# What is wrong with a plan.


def drafted(*parts: dict[str, Any]) -> Draft:
    def read(typed: str, place: str) -> Pattern:
        return parse(typed, path=place)

    planned = msgspec.convert([{"title": "x"} | part for part in parts], list[PlannedSortie])
    return draft(planned, "msn", read, place="$.sorties")


def faults_of(*parts: dict[str, Any]) -> list[tuple[str, str]]:
    return [(fault.path, fault.message) for fault in drafted(*parts).faults]


def test_a_circle_is_named_in_its_order() -> None:
    found = faults_of({"id": "a", "needs": ["c"]}, {"id": "b", "needs": ["a"]}, {"id": "c", "needs": [1]})
    assert found == [("$.sorties[0].needs", "these need one another in a circle: a -> c -> b -> a")]


def test_an_overlap_names_both_patterns_and_a_path() -> None:
    found = faults_of({"id": "a", "files": ["docs/**", "src/web/**"]}, {"id": "b", "files": ["src/*/x"]})
    assert found == [
        (
            "$.sorties[1].files[0]",
            "'src/*/x' of b and 'src/web/**' of a both cover src/web/x, and neither comes before the other",
        )
    ]


@pytest.mark.parametrize("needs", [["a"], ["m"], [0]])
def test_sorties_may_overlap_where_one_leads_to_the_other(needs: list[Any]) -> None:
    first, middle = {"id": "a", "files": ["src/**"]}, {"id": "m", "needs": ["a"]}
    assert faults_of(first, middle, {"id": "b", "files": ["src/x"], "needs": needs}) == []


def test_sorties_that_need_a_third_one_are_not_ordered_by_that() -> None:
    found = faults_of(
        {"id": "a"}, {"id": "b", "needs": ["a"], "files": ["x"]}, {"id": "c", "needs": ["a"], "files": ["x"]}
    )
    assert [path for path, _ in found] == ["$.sorties[2].files[0]"]


def test_a_circle_orders_nobody_so_its_overlaps_are_told_too() -> None:
    found = faults_of(
        {"id": "a", "needs": ["b"], "files": ["x"]}, {"id": "b", "needs": ["a"], "files": ["x"]}
    )
    assert [path for path, _ in found] == ["$.sorties[0].needs", "$.sorties[1].files[0]"]


def test_a_sortie_may_overlap_itself() -> None:
    assert faults_of({"files": ["src/**", "src/a"]}) == []


def test_everything_that_is_wrong_is_told_at_once_with_its_place() -> None:
    found = faults_of(
        {"id": "a", "needs": ["a", "nobody", 9, -1]},
        {"id": "a", "files": ["src/[", "ok"]},
        {"id": "c", "needs": [3]},
        {"id": "d", "needs": ["c"], "files": ["ok"]},
    )
    assert [path for path, _ in found] == [
        "$.sorties[0].needs[0]",
        "$.sorties[0].needs[1]",
        "$.sorties[0].needs[2]",
        "$.sorties[0].needs[3]",
        "$.sorties[1].files[0]",
        "$.sorties[1].id",
        "$.sorties[2].needs",
        "$.sorties[3].files[0]",
    ]


def test_ids_left_out_are_numbered_and_can_be_needed() -> None:
    found = drafted({}, {"id": "own"}, {"needs": ["msn.1", 1]})
    assert [piece.sortie_id for piece in found.pieces] == ["msn.1", "own", "msn.3"]
    assert found.pieces[2].needs == ("msn.1", "own")


def test_an_own_id_that_is_another_ones_number_is_found() -> None:
    assert faults_of({"id": "msn.2"}, {}) == [("$.sorties[1].id", "$.sorties[0] is called msn.2 too")]


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ([], "no sorties"),
        ([{}] * 501, "501 sorties, and 500 is the most"),
        ([{"files": ["a"] * 2001}], "2001 patterns of files, and 2000 is the most"),
    ],
)
def test_a_plan_has_its_limits(parts: list[dict[str, Any]], message: str) -> None:
    ((path, said),) = faults_of(*parts)
    assert path == "$.sorties"
    assert message in said


def test_the_largest_plan_is_read_whole() -> None:
    parts = [
        {"files": [f"src/m{n}/**", f"tests/test_{n}.py"], "needs": [n - 1] if n % 50 else []}
        for n in range(500)
    ]
    found = drafted(*parts)
    assert found.faults == ()
    assert len(found.pieces) == 500


def test_of_too_many_overlaps_it_is_told_that_there_are_more() -> None:
    found = faults_of(*[{"files": ["src/**"]}] * 20)
    assert len(found) == 101
    assert found[-1] == ("$.sorties", "there are more overlaps than these 100")


PATTERNS = st.lists(
    st.sampled_from(["a", "b", "A", "é", "\\*", "*", "?", "**", "{a,b}", "[ab]", "b*"]),
    min_size=1,
    max_size=3,
).map("/".join)


@given(st.lists(st.lists(PATTERNS, max_size=3), min_size=2, max_size=5), st.booleans())
@settings(max_examples=300, deadline=None)
def test_overlaps_are_those_of_each_pattern_with_every_other(
    texts: list[list[str]], case_sensitive: bool
) -> None:
    def read(text: str, place: str) -> Pattern:
        return parse(text, case_sensitive=case_sensitive, path=place)

    expected = [
        f"$.sorties[{other}].files[{index}]"
        for other, files in enumerate(texts)
        for index, text in enumerate(files)
        for one in range(other)
        for earlier in texts[one]
        if overlap(read(earlier, "$"), read(text, "$"))
    ]
    planned = [PlannedSortie(title="x", files=tuple(files)) for files in texts]
    found = draft(planned, "msn", read, place="$.sorties")
    assert [fault.path for fault in found.faults] == expected


# What is recorded.


@pytest.fixture(params=["memory", "sqlite"])
def fleet(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Fleet]:
    with opened(tmp_path, request.param) as fleet:
        yield fleet


def request_of(plan: dict[str, Any], **more: Any) -> MissionPlan:
    return msgspec.convert(plan | more, MissionPlan)


def planned(fleet: Fleet, plan: dict[str, Any], **more: Any) -> PlannedMission:
    return mission_plan(fleet, request_of(plan, **more)).state


def test_a_plan_is_answered_with_its_waves_and_their_width(fleet: Fleet) -> None:
    answer = planned(fleet, STORY)
    assert answer.mission_id == "oauth"
    assert answer.waves == (("S1", "S4"), ("S2",), ("S3",), ("S5",))
    assert answer.width == 2
    assert [(each.sortie_id, each.needs) for each in answer.sorties][-1] == ("S5", ("S3", "S4"))


def test_a_plan_is_one_append_of_one_mission_and_its_sorties(fleet: Fleet) -> None:
    planned(fleet, STORY)
    events = list(fleet.store.read())
    assert [event.type for event in events] == ["mission_created"] + ["sortie_created"] * 5
    assert {event.correlation_id for event in events} == {events[0].id}
    assert {event.causation_id for event in events[1:]} == {events[0].id}
    assert all(event.tags == ("mission:oauth",) for event in events[1:])
    assert events[0].data.initial_sorties == ("S1", "S2", "S3", "S4", "S5")
    assert unlike(fleet) == []


def test_what_a_plan_says_of_a_sortie_is_known_of_it(fleet: Fleet) -> None:
    plan = {
        "title": "m",
        "id": "m",
        "priority": "high",
        "review": True,
        "sorties": [
            {"title": "First", "description": "how", "files": ["./src//../src/a"]},
            {"title": "Second", "needs": [0], "priority": "low", "review": False},
        ],
    }
    planned(fleet, plan)
    first, second = (sortie_show(fleet, SortieShow(sortie=f"m.{number}")) for number in (1, 2))
    assert (first.title, first.description, first.files) == ("First", "how", ("src/a",))
    assert (first.mission_id, first.priority, first.review) == ("m", "high", True)
    assert (second.priority, second.review, second.dependencies) == ("low", False, ("m.1",))
    shown = mission_show(fleet, MissionShow(mission="m"))
    assert (shown.title, shown.priority, shown.sorties_total, shown.status) == ("m", "high", 2, "pending")


def test_a_mission_without_an_id_is_given_one_and_its_sorties_theirs(fleet: Fleet) -> None:
    answer = planned(fleet, {"title": "m", "sorties": [{"title": "a"}, {"title": "b"}]})
    assert [each.sortie_id for each in answer.sorties] == [f"{answer.mission_id}.1", f"{answer.mission_id}.2"]
    assert mission_show(fleet, MissionShow(mission=answer.mission_id)).sorties_total == 2


BROKEN: dict[str, Any] = {
    "title": "OAuth login",
    "sorties": [
        {"title": "UI", "id": "ui", "files": ["src/web/**"], "needs": ["tests"]},
        {"title": "Routes", "id": "routes", "files": ["src/web/**"], "needs": ["ui"]},
        {"title": "Tests", "id": "tests", "files": ["../elsewhere", ".git/config"], "needs": ["routes"]},
    ],
}


@pytest.mark.parametrize("validate", [True, False])
def test_a_broken_plan_records_nothing_and_lists_its_faults(fleet: Fleet, validate: bool) -> None:
    with pytest.raises(Invalid, match="the plan has 4 faults") as caught:
        planned(fleet, BROKEN, validate=validate)
    faults = caught.value.details["faults"]
    assert [fault["path"] for fault in faults] == [  # type: ignore[attr-defined]
        "$.sorties[2].files[0]",
        "$.sorties[2].files[1]",
        "$.sorties[0].needs",
        "$.sorties[1].files[0]",
    ]
    assert "ui -> tests -> routes -> ui" in str(caught.value.details["said"])
    assert "both cover src/web/" in str(caught.value.details["said"])
    assert fleet.store.head() == 0


def test_a_single_fault_is_the_error_itself(fleet: Fleet) -> None:
    with pytest.raises(Invalid) as caught:
        planned(fleet, {"title": "m", "sorties": [{"title": "a", "needs": ["b"]}]})
    assert caught.value.message == "the plan: $.sorties[0].needs[0]: there is no open sortie 'b' to need"
    assert caught.value.path == "$.sorties[0].needs[0]"


@pytest.mark.parametrize("validate", [True, False])
def test_ids_that_are_taken_are_told_with_their_places(fleet: Fleet, validate: bool) -> None:
    mission_create(fleet, MissionCreate(title="earlier", id="oauth"))
    for taken in ("S2", "oauth.1"):
        sortie_create(fleet, SortieCreate(title="earlier", id=taken))
    head = fleet.store.head()
    plan = {"title": "m", "id": "oauth", "sorties": [{"title": "a"}, {"title": "b", "id": "S2"}]}
    with pytest.raises(Invalid) as caught:
        planned(fleet, plan, validate=validate)
    faults = caught.value.details["faults"]
    assert [fault["path"] for fault in faults] == [  # type: ignore[attr-defined]
        "$.id",
        "$.sorties[0]",
        "$.sorties[1].id",
    ]
    assert fleet.store.head() == head


def test_checking_a_sound_plan_answers_as_recording_it_does_and_records_nothing(fleet: Fleet) -> None:
    checked = planned(fleet, STORY, validate=True)
    assert fleet.store.head() == 0
    assert checked == msgspec.structs.replace(planned(fleet, STORY), recorded=False)


def test_a_plan_without_an_id_that_is_only_checked_promises_none(fleet: Fleet) -> None:
    checked = planned(fleet, {"title": "m", "sorties": [{"title": "a"}]}, validate=True)
    assert (checked.mission_id, checked.waves) == ("<mission>", (("<mission>.1",),))


def test_a_plan_sent_again_with_its_key_is_recorded_once(fleet: Fleet) -> None:
    plan = {"title": "m", "sorties": [{"title": "a"}, {"title": "b", "needs": [0]}]}
    first = mission_plan(fleet, request_of(plan, key="k"))
    again = mission_plan(fleet, request_of(plan, key="k"))
    assert (first.replayed, again.replayed) == (False, True)
    assert (again.state, again.position) == (first.state, first.position)
    assert len(list(fleet.store.read(Query.of(types=("mission_created",))))) == 1
    with pytest.raises(Conflict, match="used for another request"):
        mission_plan(fleet, request_of(plan | {"title": "other"}, key="k"))


def test_of_two_plans_with_one_id_the_second_is_refused(tmp_path: Path) -> None:
    """The decision had found the id to be free already when the other came."""
    draw = Uuid7(TestClock())
    interruptions: list[Callable[[], object]] = []

    def ids_with_interruption() -> bytes:
        if interruptions:
            interruptions.pop()()
        return draw()

    with opened(tmp_path, "memory", ids=ids_with_interruption) as fleet:
        first = request_of(STORY | {"title": "first"})
        interruptions.append(lambda: mission_plan(fleet, first))
        with pytest.raises(Invalid, match="the plan has 6 faults"):
            planned(fleet, STORY)
        assert mission_show(fleet, MissionShow(mission="oauth")).title == "first"
        assert fleet.store.head() == 6
