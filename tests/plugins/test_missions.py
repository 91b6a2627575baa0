"""Missions and sorties: what can be done with them, what is refused, and how it is told afterwards."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from fleet_core.api import (
    Batch,
    Conflict,
    Done,
    Fleet,
    Invalid,
    Match,
    NewEvent,
    NotFound,
    Query,
    Stream,
    Uuid7,
    as_datetime,
)
from fleet_missions.api import (
    Mission,
    MissionCancel,
    MissionComplete,
    MissionCreate,
    MissionList,
    MissionShow,
    MissionStart,
    ReviewComplete,
    ReviewStart,
    Sortie,
    SortieAssign,
    SortieBlock,
    SortieCancel,
    SortieClaim,
    SortieComplete,
    SortieCreate,
    SortieFail,
    SortieList,
    SortieRelease,
    SortieReport,
    SortieShow,
    SortieStart,
    SortieUnblock,
    mission_cancel,
    mission_complete,
    mission_create,
    mission_list,
    mission_show,
    mission_start,
    review_complete,
    review_start,
    sortie_assign,
    sortie_block,
    sortie_cancel,
    sortie_claim,
    sortie_complete,
    sortie_create,
    sortie_fail,
    sortie_list,
    sortie_progress,
    sortie_release,
    sortie_show,
    sortie_start,
    sortie_unblock,
)
from fleet_missions.ids import new_id
from fleet_specialists.api import Register, register
from fleets import START, TestClock, opened, unlike

ADA, BO = 2, 4
"""The tokens of the sessions that each test begins with."""


@pytest.fixture
def clock() -> TestClock:
    return TestClock()


@pytest.fixture(params=["memory", "sqlite"])
def fleet(request: pytest.FixtureRequest, tmp_path: Path, clock: TestClock) -> Iterator[Fleet]:
    with opened(tmp_path, request.param, clock) as fleet:
        tokens = [register(fleet, Register(specialist=name)).state.token for name in ("ada", "bo")]
        assert tokens == [ADA, BO]
        yield fleet


@pytest.fixture
def mission(fleet: Fleet) -> str:
    return mission_create(fleet, MissionCreate(title="OAuth login", id="msn-1")).state.mission_id


@pytest.fixture
def sortie(fleet: Fleet, mission: str) -> str:
    return sortie_create(fleet, SortieCreate(title="Routes", mission=mission, id="srt-1")).state.sortie_id


@pytest.fixture
def under_way(fleet: Fleet, sortie: str) -> str:
    """A sortie that ada works on."""
    return sortie_start(fleet, SortieStart(sortie=sortie, token=ADA)).state.sortie


def mission_of(fleet: Fleet, mission: str) -> Mission:
    return mission_show(fleet, MissionShow(mission=mission))


def sortie_of(fleet: Fleet, sortie: str) -> Sortie:
    return sortie_show(fleet, SortieShow(sortie=sortie))


def test_a_new_mission_is_pending_and_says_what_it_is_about(fleet: Fleet, clock: TestClock) -> None:
    created = mission_create(fleet, MissionCreate(title="OAuth", description="Log in", priority="high")).state
    assert (created.title, created.description, created.priority) == ("OAuth", "Log in", "high")
    assert (created.status, created.created_at) == ("pending", as_datetime(START))


def test_made_up_ids_sort_by_creation(fleet: Fleet) -> None:
    made = [mission_create(fleet, MissionCreate(title=f"{n}")).state.mission_id for n in range(20)]
    assert made == sorted(made)
    assert [each.mission_id for each in mission_list(fleet, MissionList()).items] == made


def test_made_up_ids_rise_with_time_whatever_the_process(clock: TestClock) -> None:
    earlier = new_id("srt", Uuid7(clock))
    clock.advance(0.001)
    assert earlier < new_id("srt", Uuid7(clock))


@pytest.mark.parametrize(
    ("operation", "request_"),
    [
        (mission_create, MissionCreate(title="again", id="msn-1")),
        (sortie_create, SortieCreate(title="again", id="srt-1")),
    ],
)
def test_an_id_is_taken_once(
    fleet: Fleet, sortie: str, operation: Callable[..., Any], request_: object
) -> None:
    head = fleet.store.head()
    with pytest.raises(Conflict, match="already"):
        operation(fleet, request_)
    assert fleet.store.head() == head


def test_a_mission_starts_with_the_sorties_it_has(
    fleet: Fleet, mission: str, sortie: str, clock: TestClock
) -> None:
    clock.advance(20)
    started = mission_start(fleet, MissionStart(mission=mission)).state
    assert (started.status, started.started_at) == ("in_progress", as_datetime(START + 20_000_000))
    (event,) = fleet.store.read(Query.of(ids=(started.last_event,)))
    assert event.data.initial_sorties == (sortie,)


def test_a_mission_counts_its_sorties(fleet: Fleet, mission: str, under_way: str) -> None:
    other = sortie_create(fleet, SortieCreate(title="UI", mission=mission)).state.sortie_id
    sortie_create(fleet, SortieCreate(title="of no mission"))
    sortie_complete(fleet, SortieComplete(sortie=under_way, token=ADA))
    sortie_cancel(fleet, SortieCancel(sortie=other))
    shown = mission_of(fleet, mission)
    assert (shown.sorties_total, shown.sorties_completed, shown.sorties_cancelled) == (2, 1, 1)


def test_a_mission_with_open_sorties_can_not_be_completed(fleet: Fleet, mission: str, sortie: str) -> None:
    mission_start(fleet, MissionStart(mission=mission))
    with pytest.raises(Conflict, match="1 open sorties, such as srt-1") as caught:
        mission_complete(fleet, MissionComplete(mission=mission))
    assert "fleet sortie list --mission msn-1" in caught.value.remedy


def test_a_mission_with_a_failed_sortie_can_not_be_completed(
    fleet: Fleet, mission: str, under_way: str
) -> None:
    mission_start(fleet, MissionStart(mission=mission))
    sortie_fail(fleet, SortieFail(sortie=under_way, token=ADA, reason="no way"))
    with pytest.raises(Conflict, match="open sorties"):
        mission_complete(fleet, MissionComplete(mission=mission))


def test_a_mission_is_complete_when_its_sorties_are(
    fleet: Fleet, mission: str, under_way: str, clock: TestClock
) -> None:
    mission_start(fleet, MissionStart(mission=mission))
    clock.advance(50)
    sortie_complete(fleet, SortieComplete(sortie=under_way, token=ADA))
    done = mission_complete(fleet, MissionComplete(mission=mission, summary="Users log in")).state
    assert (done.status, done.summary, done.duration_ms) == ("completed", "Users log in", 50_000)


def test_a_completed_mission_is_explained_by_its_last_sortie(
    fleet: Fleet, mission: str, under_way: str
) -> None:
    mission_start(fleet, MissionStart(mission=mission))
    last = sortie_complete(fleet, SortieComplete(sortie=under_way, token=ADA)).state
    done = mission_complete(fleet, MissionComplete(mission=mission)).state
    assert chain(fleet, done.last_event) == [
        "mission_completed",
        "sortie_completed",
        "sortie_started",
        "sortie_created",
        "mission_created",
    ]
    assert chain(fleet, last.last_event)[0] == "sortie_completed"


def chain(fleet: Fleet, event_id: str | None) -> list[str]:
    """The types of the events that led to one, from it to the root."""
    types = []
    while event_id is not None:
        (event,) = fleet.store.read(Query.of(ids=(event_id,)))
        types.append(event.type)
        event_id = event.causation_id
    return types


def test_everything_in_a_mission_belongs_to_one_correlation(
    fleet: Fleet, mission: str, under_way: str
) -> None:
    sortie_progress(fleet, SortieReport(sortie=under_way, token=ADA, percent=10))
    events = list(fleet.store.read(Query.of(stream_types=("mission", "sortie"))))
    assert len({event.correlation_id for event in events}) == 1
    assert len(events) == 4


def test_cancelling_a_mission_closes_its_open_sorties_in_the_same_append(
    fleet: Fleet, mission: str, under_way: str
) -> None:
    done = sortie_create(fleet, SortieCreate(title="done", mission=mission)).state.sortie_id
    sortie_start(fleet, SortieStart(sortie=done, token=BO))
    sortie_complete(fleet, SortieComplete(sortie=done, token=BO))
    head = fleet.store.head()
    cancelled = mission_cancel(fleet, MissionCancel(mission=mission, reason="the customer left")).state
    assert (cancelled.status, cancelled.summary) == ("cancelled", "the customer left")
    assert (cancelled.sorties_completed, cancelled.sorties_cancelled) == (1, 1)
    assert sortie_of(fleet, under_way).status == "cancelled"
    assert sortie_of(fleet, done).status == "completed"
    assert [event.type for event in fleet.store.read(after=head)] == [
        "mission_cancelled",
        "sortie_closed",
        "lease_released",
    ]


@pytest.mark.parametrize("end", ["complete", "cancel"])
def test_a_mission_that_is_over_takes_no_more_sorties(fleet: Fleet, mission: str, end: str) -> None:
    if end == "complete":
        mission_start(fleet, MissionStart(mission=mission))
        mission_complete(fleet, MissionComplete(mission=mission))
    else:
        mission_cancel(fleet, MissionCancel(mission=mission))
    with pytest.raises(Conflict, match="takes no more sorties"):
        sortie_create(fleet, SortieCreate(title="late", mission=mission))


def test_a_sortie_created_for_somebody_is_assigned(fleet: Fleet) -> None:
    created = sortie_create(fleet, SortieCreate(title="x", assign_to="ada")).state
    assert (created.status, created.assigned_to) == ("assigned", "ada")


def test_an_assigned_sortie_is_started_by_its_assignee_alone(fleet: Fleet, sortie: str) -> None:
    sortie_assign(fleet, SortieAssign(sortie=sortie, specialist="ada"))
    with pytest.raises(Conflict, match="belongs to ada, not to bo") as caught:
        sortie_start(fleet, SortieStart(sortie=sortie, token=BO))
    assert caught.value.details["assigned_to"] == "ada"
    assert "fleet sortie assign srt-1 bo" in caught.value.remedy
    assert sortie_start(fleet, SortieStart(sortie=sortie, token=ADA)).state.status == "in_progress"


def test_a_pending_sortie_belongs_to_whoever_starts_it(fleet: Fleet, sortie: str, clock: TestClock) -> None:
    started = sortie_start(fleet, SortieStart(sortie=sortie, token=BO)).state
    assert (started.assigned_to, started.status) == ("bo", "in_progress")
    assert sortie_of(fleet, sortie).started_at == as_datetime(START)


def test_a_sortie_under_way_can_be_handed_over_with_its_progress(
    fleet: Fleet, under_way: str, clock: TestClock
) -> None:
    sortie_progress(fleet, SortieReport(sortie=under_way, token=ADA, percent=40))
    clock.advance(50)
    assert sortie_assign(fleet, SortieAssign(sortie=under_way, specialist="bo")).state.status == "assigned"
    on = sortie_start(fleet, SortieStart(sortie=under_way, token=BO)).state
    assert (on.assigned_to, on.progress) == ("bo", 40)
    assert sortie_of(fleet, under_way).started_at == as_datetime(START)


def test_assigning_to_whom_it_belongs_records_nothing(fleet: Fleet, under_way: str) -> None:
    head = fleet.store.head()
    assert (
        sortie_assign(fleet, SortieAssign(sortie=under_way, specialist="ada")).state.status == "in_progress"
    )
    assert fleet.store.head() == head


def test_reassigning_before_the_start_changes_the_assignee_alone(fleet: Fleet, sortie: str) -> None:
    sortie_assign(fleet, SortieAssign(sortie=sortie, specialist="ada"))
    changed = sortie_assign(fleet, SortieAssign(sortie=sortie, specialist="bo")).state
    assert (changed.assigned_to, changed.status) == ("bo", "assigned")


def test_progress_is_reported_with_what_was_done(fleet: Fleet, under_way: str) -> None:
    report = SortieReport(sortie=under_way, token=ADA, percent=60, message="tests next")
    shown = sortie_progress(fleet, report).state
    assert (shown.progress, shown.status_message) == (60, "tests next")


@pytest.mark.parametrize("percent", [-1, 101])
def test_progress_beyond_its_bounds_is_refused_with_its_place(
    fleet: Fleet, under_way: str, percent: int
) -> None:
    head = fleet.store.head()
    with pytest.raises(Invalid) as caught:
        sortie_progress(fleet, SortieReport(sortie=under_way, token=ADA, percent=percent))
    assert caught.value.path == "$.data.progress"
    assert fleet.store.head() == head


def test_a_blocked_sortie_says_what_it_waits_for_until_it_goes_on(fleet: Fleet, under_way: str) -> None:
    block = SortieBlock(sortie=under_way, token=ADA, reason="no access", kind="resource", blocker="db-1")
    blocked = sortie_block(fleet, block).state
    assert (blocked.status, blocked.blocked_reason) == ("blocked", "no access")
    assert (blocked.blocker_type, blocked.blocker) == ("resource", "db-1")
    free = sortie_unblock(fleet, SortieUnblock(sortie=under_way, token=ADA)).state
    assert (free.status, free.blocked_reason, free.blocker_type, free.blocker) == (
        "in_progress",
        None,
        None,
        None,
    )


def test_a_block_needs_a_reason(fleet: Fleet, under_way: str) -> None:
    with pytest.raises(Invalid, match="needs a reason"):
        sortie_block(fleet, SortieBlock(sortie=under_way, token=ADA, reason=" "))


def test_a_completed_sortie_is_at_100_percent_and_says_how_long_it_took(
    fleet: Fleet, under_way: str, clock: TestClock
) -> None:
    clock.advance(2.5)
    done = sortie_complete(fleet, SortieComplete(sortie=under_way, token=ADA, summary="merged")).state
    assert (done.status, done.progress, done.summary, done.duration_ms) == ("completed", 100, "merged", 2500)
    assert done.completed_at == as_datetime(START + 2_500_000)


def test_what_took_no_time_took_a_millisecond(fleet: Fleet, under_way: str) -> None:
    done = sortie_complete(fleet, SortieComplete(sortie=under_way, token=ADA)).state
    assert done.duration_ms == 1


def test_a_failed_sortie_keeps_its_progress_and_can_be_assigned_anew(fleet: Fleet, under_way: str) -> None:
    sortie_progress(fleet, SortieReport(sortie=under_way, token=ADA, percent=30))
    failed = sortie_fail(fleet, SortieFail(sortie=under_way, token=ADA, reason="no way")).state
    assert (failed.status, failed.progress) == ("failed", 30)
    again = sortie_assign(fleet, SortieAssign(sortie=under_way, specialist="ada")).state
    assert (again.status, again.completed_at, again.duration_ms) == ("assigned", None, None)


@pytest.mark.parametrize(
    ("operation", "request_"),
    [
        (sortie_progress, SortieReport(sortie="srt-1", token=BO, percent=1)),
        (sortie_block, SortieBlock(sortie="srt-1", token=BO, reason="x")),
        (sortie_complete, SortieComplete(sortie="srt-1", token=BO)),
    ],
)
def test_only_the_assignee_reports_on_a_sortie(
    fleet: Fleet, under_way: str, operation: Callable[..., Any], request_: object
) -> None:
    head = fleet.store.head()
    with pytest.raises(Conflict, match="belongs to ada"):
        operation(fleet, request_)
    assert fleet.store.head() == head


def test_a_refusal_names_the_state_and_the_moves_there_are(fleet: Fleet, sortie: str) -> None:
    with pytest.raises(Conflict) as caught:
        sortie_progress(fleet, SortieReport(sortie=sortie, token=ADA, percent=5))
    assert (
        caught.value.message == "sortie srt-1 is pending, so 'progress' is not possible; it needs in_progress"
    )
    assert caught.value.remedy == "possible now: assign, cancel, split, start; see 'fleet sortie show srt-1'"
    assert caught.value.details["legal_moves"] == ["assign", "cancel", "split", "start"]


def test_what_is_over_is_told_to_be_over_whosever_it_was(fleet: Fleet, under_way: str) -> None:
    sortie_complete(fleet, SortieComplete(sortie=under_way, token=ADA))
    with pytest.raises(Conflict, match="is completed, so 'start' is not possible"):
        sortie_start(fleet, SortieStart(sortie=under_way, token=BO))


def test_what_is_over_allows_no_moves_and_says_so(fleet: Fleet, sortie: str) -> None:
    sortie_cancel(fleet, SortieCancel(sortie=sortie, because="duplicate"))
    with pytest.raises(Conflict) as caught:
        sortie_assign(fleet, SortieAssign(sortie=sortie, specialist="ada"))
    assert caught.value.details["legal_moves"] == []
    assert "it is over" in caught.value.remedy


UNKNOWN = [
    (mission_show, MissionShow(mission="no")),
    (mission_start, MissionStart(mission="no")),
    (mission_complete, MissionComplete(mission="no")),
    (mission_cancel, MissionCancel(mission="no")),
    (sortie_create, SortieCreate(title="x", mission="no")),
    (sortie_create, SortieCreate(title="x", assign_to="no")),
    (sortie_show, SortieShow(sortie="no")),
    (sortie_assign, SortieAssign(sortie="no", specialist="ada")),
    (sortie_assign, SortieAssign(sortie="srt-1", specialist="no")),
    (sortie_start, SortieStart(sortie="no", token=ADA)),
    (sortie_progress, SortieReport(sortie="no", token=ADA, percent=1)),
    (sortie_block, SortieBlock(sortie="no", token=ADA, reason="x")),
    (sortie_unblock, SortieUnblock(sortie="no", token=ADA)),
    (sortie_fail, SortieFail(sortie="no", token=ADA, reason="x")),
    (sortie_release, SortieRelease(sortie="no", token=ADA)),
    (sortie_claim, SortieClaim(token=1)),
    (review_start, ReviewStart(sortie="no", token=ADA)),
    (review_complete, ReviewComplete(sortie="no", verdict="approved", token=ADA)),
    (sortie_create, SortieCreate(title="x", needs=("no",))),
    (sortie_complete, SortieComplete(sortie="no", token=ADA)),
    (sortie_cancel, SortieCancel(sortie="no")),
]


@pytest.mark.parametrize(("operation", "request_"), UNKNOWN)
def test_what_does_not_exist_is_an_error_with_a_remedy(
    fleet: Fleet, sortie: str, operation: Callable[..., Any], request_: object
) -> None:
    head = fleet.store.head()
    with pytest.raises(NotFound) as caught:
        operation(fleet, request_)
    assert "fleet " in caught.value.remedy
    assert fleet.store.head() == head


def test_lists_are_filtered_by_every_criterion_given(fleet: Fleet, mission: str, under_way: str) -> None:
    sortie_create(fleet, SortieCreate(title="other", mission=mission, priority="high", id="srt-2"))
    sortie_create(fleet, SortieCreate(title="free", id="srt-3"))
    assert ids(fleet, SortieList(mission=mission)) == ["srt-1", "srt-2"]
    assert ids(fleet, SortieList(specialist="ada")) == ["srt-1"]
    assert ids(fleet, SortieList(mission=mission, status="pending")) == ["srt-2"]
    assert ids(fleet, SortieList(priority="high")) == ["srt-2"]
    assert ids(fleet, SortieList(specialist="bo")) == []


def ids(fleet: Fleet, request: SortieList) -> list[str]:
    return [each.sortie_id for each in sortie_list(fleet, request).items]


def test_missions_are_filtered_by_status_and_priority(fleet: Fleet) -> None:
    for name, priority in (("a", "low"), ("b", "high")):
        mission_create(fleet, MissionCreate(title=name, id=name, priority=priority))  # type: ignore[arg-type]
    mission_start(fleet, MissionStart(mission="a"))
    assert [each.mission_id for each in mission_list(fleet, MissionList(status="in_progress")).items] == ["a"]
    assert [each.mission_id for each in mission_list(fleet, MissionList(priority="high")).items] == ["b"]


def test_a_limited_list_carries_the_cursor_to_the_rest(fleet: Fleet) -> None:
    for number in range(5):
        sortie_create(fleet, SortieCreate(title="x", id=f"srt-{number}"))
    seen, cursor = [], None
    while True:
        page = sortie_list(fleet, SortieList(limit=2, after=cursor))
        seen += [each.sortie_id for each in page.items]
        cursor = page.next
        if cursor is None:
            break
    assert seen == [f"srt-{number}" for number in range(5)]


def test_a_sortie_created_while_a_mission_is_being_completed_keeps_it_open(tmp_path: Path) -> None:
    """The decision had looked at the mission's sorties already when another came."""
    draw = Uuid7(TestClock())
    interruptions: list[Callable[[], object]] = []

    def ids_with_interruption() -> bytes:
        if interruptions:
            interruptions.pop()()
        return draw()

    with opened(tmp_path, "memory", ids=ids_with_interruption) as fleet:
        mission_create(fleet, MissionCreate(title="m", id="msn-1"))
        mission_start(fleet, MissionStart(mission="msn-1"))
        late = SortieCreate(title="late", mission="msn-1", id="srt-1")
        interruptions.append(lambda: sortie_create(fleet, late))
        with pytest.raises(Conflict, match="1 open sorties, such as srt-1"):
            mission_complete(fleet, MissionComplete(mission="msn-1"))
        assert mission_of(fleet, "msn-1").status == "in_progress"


class Moment(NamedTuple):
    position: int
    mission: Mission
    sorties: list[Sortie]


def test_every_read_verb_travels_in_time(fleet: Fleet, mission: str, under_way: str) -> None:
    moments: list[Moment] = []

    def remember(done: Done[Any]) -> None:
        sorties = sortie_list(fleet, SortieList()).items
        moments.append(Moment(done.position, mission_of(fleet, mission), sorties))

    remember(mission_start(fleet, MissionStart(mission=mission)))
    remember(sortie_progress(fleet, SortieReport(sortie=under_way, token=ADA, percent=50)))
    remember(sortie_create(fleet, SortieCreate(title="more", mission=mission, id="srt-2")))
    remember(mission_cancel(fleet, MissionCancel(mission=mission)))
    for moment in moments:
        as_of = str(moment.position)
        assert mission_show(fleet, MissionShow(mission=mission, as_of=as_of)) == moment.mission
        assert mission_list(fleet, MissionList(as_of=as_of)).items == [moment.mission]
        assert sortie_list(fleet, SortieList(as_of=as_of)).items == moment.sorties
        assert sortie_show(fleet, SortieShow(sortie=under_way, as_of=as_of)) == moment.sorties[0]


def test_what_did_not_exist_yet_is_not_found_in_the_past(fleet: Fleet, sortie: str) -> None:
    with pytest.raises(NotFound):
        sortie_show(fleet, SortieShow(sortie=sortie, as_of="2"))


WRITES: list[tuple[Callable[..., Any], Any, Any]] = [
    (mission_create, MissionCreate(title="a", key="k"), MissionCreate(title="b", key="k")),
    (mission_start, MissionStart(mission="msn-1", key="k"), MissionStart(mission="msn-2", key="k")),
    (mission_complete, MissionComplete(mission="msn-3", key="k"), MissionComplete(mission="msn-1", key="k")),
    (
        mission_cancel,
        MissionCancel(mission="msn-1", key="k"),
        MissionCancel(mission="msn-1", key="k", by="x"),
    ),
    (sortie_create, SortieCreate(title="a", mission="msn-1", key="k"), SortieCreate(title="b", key="k")),
    (
        sortie_assign,
        SortieAssign(sortie="srt-0", specialist="bo", key="k"),
        SortieAssign(sortie="srt-0", specialist="ada", key="k"),
    ),
    (
        sortie_start,
        SortieStart(sortie="srt-0", token=BO, key="k"),
        SortieStart(sortie="srt-0", token=ADA, key="k"),
    ),
    (
        sortie_progress,
        SortieReport(sortie="srt-1", token=ADA, percent=5, key="k"),
        SortieReport(sortie="srt-1", token=ADA, percent=6, key="k"),
    ),
    (
        sortie_block,
        SortieBlock(sortie="srt-1", token=ADA, reason="x", key="k"),
        SortieBlock(sortie="srt-1", token=ADA, reason="y", key="k"),
    ),
    (
        sortie_unblock,
        SortieUnblock(sortie="srt-2", token=BO, key="k"),
        SortieUnblock(sortie="srt-2", token=ADA, key="k"),
    ),
    (
        sortie_fail,
        SortieFail(sortie="srt-1", token=ADA, reason="x", key="k"),
        SortieFail(sortie="srt-1", token=ADA, reason="y", key="k"),
    ),
    (
        sortie_release,
        SortieRelease(sortie="srt-2", token=BO, key="k"),
        SortieRelease(sortie="srt-1", token=BO, key="k"),
    ),
    (sortie_claim, SortieClaim(token=ADA, key="k"), SortieClaim(token=BO, key="k")),
    (
        review_start,
        ReviewStart(sortie="srt-4", token=BO, key="k"),
        ReviewStart(sortie="srt-4", token=BO, type="code", key="k"),
    ),
    (
        review_complete,
        ReviewComplete(sortie="srt-4", verdict="needs_changes", token=BO, key="k"),
        ReviewComplete(sortie="srt-4", verdict="approved", token=BO, key="k"),
    ),
    (
        sortie_complete,
        SortieComplete(sortie="srt-1", token=ADA, key="k"),
        SortieComplete(sortie="srt-1", token=ADA, summary="x", key="k"),
    ),
    (sortie_cancel, SortieCancel(sortie="srt-1", key="k"), SortieCancel(sortie="srt-0", key="k")),
]


@pytest.fixture
def busy_fleet(fleet: Fleet, under_way: str) -> Fleet:
    """Something to do for every verb: srt-0 pending, srt-1 under way, srt-2 blocked, srt-4 in review, msn-3
    to be completed.
    """
    sortie_create(fleet, SortieCreate(title="pending", id="srt-0"))
    sortie_create(fleet, SortieCreate(title="blocked", id="srt-2"))
    sortie_start(fleet, SortieStart(sortie="srt-2", token=BO))
    sortie_block(fleet, SortieBlock(sortie="srt-2", token=BO, reason="x"))
    sortie_create(fleet, SortieCreate(title="in review", id="srt-4", review=True))
    sortie_start(fleet, SortieStart(sortie="srt-4", token=ADA))
    sortie_complete(fleet, SortieComplete(sortie="srt-4", token=ADA))
    mission_create(fleet, MissionCreate(title="ready", id="msn-3"))
    mission_start(fleet, MissionStart(mission="msn-3"))
    return fleet


@pytest.mark.parametrize(
    ("operation", "request_", "other"), WRITES, ids=[each[0].__name__ for each in WRITES]
)
def test_a_key_makes_a_retry_safe_and_refuses_another_request(
    busy_fleet: Fleet, operation: Callable[..., Any], request_: Any, other: Any
) -> None:
    first = operation(busy_fleet, request_)
    head = busy_fleet.store.head()
    again = operation(busy_fleet, request_)
    assert (again.state, again.position, again.replayed) == (first.state, first.position, True)
    with pytest.raises(Conflict, match="another request"):
        operation(busy_fleet, other)
    assert busy_fleet.store.head() == head


def test_a_replayed_answer_is_the_first_one_whatever_happened_since(
    fleet: Fleet, mission: str, sortie: str
) -> None:
    first = mission_start(fleet, MissionStart(mission=mission, key="k"))
    sortie_create(fleet, SortieCreate(title="more", mission=mission))
    mission_cancel(fleet, MissionCancel(mission=mission))
    assert mission_start(fleet, MissionStart(mission=mission, key="k")).state == first.state


def test_imported_history_in_mailbox_streams_makes_no_missions(fleet: Fleet) -> None:
    history = [
        NewEvent(type=name, data={"mission_id": "x", "sortie_id": "x"}, schema_version=0, tags=("mission:x",))
        for name in ("mission_created", "sortie_created", "sortie_closed")
    ]
    fleet.append(Batch(Stream("squawk", "x"), history))
    assert mission_list(fleet, MissionList()).items == []
    assert sortie_list(fleet, SortieList()).items == []


def test_data_of_a_newer_version_is_passed_over(fleet: Fleet, sortie: str) -> None:
    before = sortie_of(fleet, sortie)
    newer = NewEvent(type="sortie_started", data={"who": 1}, schema_version=9, tags=("mission:msn-1",))
    fleet.append(Batch(Stream("sortie", sortie), [newer]))
    assert sortie_of(fleet, sortie) == before
    assert not unlike(fleet)


def test_a_status_that_nobody_knows_is_passed_over(fleet: Fleet, sortie: str) -> None:
    before = sortie_of(fleet, sortie)
    change = {"sortie_id": sortie, "previous_status": "pending", "new_status": "dancing", "changed_by": "x"}
    fleet.append(Batch(Stream("sortie", sortie), [NewEvent(type="sortie_status_changed", data=change)]))
    assert sortie_of(fleet, sortie) == before


def test_every_event_of_a_missions_sorties_carries_its_tag(
    fleet: Fleet, mission: str, under_way: str
) -> None:
    sortie_assign(fleet, SortieAssign(sortie=under_way, specialist="bo"))
    mission_cancel(fleet, MissionCancel(mission=mission))
    tagged = fleet.store.read(Query((Match(tags=("mission:msn-1",)),)))
    assert [event.type for event in tagged] == [
        "sortie_created",
        "sortie_started",
        "sortie_updated",
        "sortie_status_changed",
        "sortie_closed",
    ]
