"""Claims: what is ready, who gets it, and what becomes of it when the claim ends."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from fleet_core.api import (
    Batch,
    Conflict,
    Fenced,
    Fleet,
    Invalid,
    Look,
    NewEvent,
    NothingReady,
    Query,
    Stream,
    Usage,
    Write,
)
from fleet_core.catalog import Entry
from fleet_core.errors import TimedOut
from fleet_core.waiting import wait_for
from fleet_leases.api import LEASES, LeaseReleased
from fleet_leases.operations import LeaseRelease, lease_release
from fleet_missions import waits
from fleet_missions.api import (
    Claimed,
    MissionCreate,
    ReadyRow,
    Sortie,
    SortieAssign,
    SortieBlock,
    SortieCancel,
    SortieClaim,
    SortieComplete,
    SortieCreate,
    SortieFail,
    SortieReady,
    SortieRelease,
    SortieReport,
    SortieShow,
    SortieStart,
    SortieUnblock,
    mission_create,
    sortie_assign,
    sortie_block,
    sortie_cancel,
    sortie_claim,
    sortie_complete,
    sortie_create,
    sortie_fail,
    sortie_progress,
    sortie_ready,
    sortie_release,
    sortie_show,
    sortie_start,
    sortie_unblock,
)
from fleet_specialists.api import Heartbeat, Register, Retire, heartbeat, register, retire
from fleets import TestClock, opened, unlike

ADA, BO = 2, 4
"""The tokens of the sessions that each test begins with."""

LOST_AFTER, LOCK_DELAY = 60, 5


@pytest.fixture
def clock() -> TestClock:
    return TestClock()


@pytest.fixture(params=["memory", "sqlite"])
def fleet(request: pytest.FixtureRequest, tmp_path: Path, clock: TestClock) -> Iterator[Fleet]:
    with opened(tmp_path, request.param, clock) as fleet:
        tokens = [register(fleet, Register(specialist=name)).state.token for name in ("ada", "bo")]
        assert tokens == [ADA, BO]
        yield fleet
        assert not unlike(fleet)


def planned(fleet: Fleet, name: str, **more: Any) -> str:
    return sortie_create(fleet, SortieCreate(title=name, id=name, **more)).state.sortie_id


def sortie_of(fleet: Fleet, name: str) -> Sortie:
    return sortie_show(fleet, SortieShow(sortie=name))


def claim(fleet: Fleet, token: int = ADA, **more: Any) -> Claimed:
    return sortie_claim(fleet, SortieClaim(token=token, **more)).state


def ready(fleet: Fleet, **more: Any) -> list[str]:
    return [row.sortie_id for row in sortie_ready(fleet, SortieReady(**more)).items]


def reasons(fleet: Fleet, **more: Any) -> dict[str, str | None]:
    rows = sortie_ready(fleet, SortieReady(explain=True, **more)).items
    return {row.sortie_id: row.why_not for row in rows}


def lose_ada(fleet: Fleet, clock: TestClock) -> None:
    """Nothing is heard of ada, and bo's next write finds that out."""
    clock.advance(LOST_AFTER - 10)
    heartbeat(fleet, Heartbeat(token=BO))
    clock.advance(10)
    heartbeat(fleet, Heartbeat(token=BO))


# What is ready.


def test_the_most_urgent_comes_first_and_of_those_the_oldest(fleet: Fleet) -> None:
    for name, priority in {"d": "low", "c": "medium", "z": "high", "b": "medium", "a": "critical"}.items():
        planned(fleet, name, priority=priority)
    assert ready(fleet) == ["a", "z", "c", "b", "d"]


def test_claims_follow_the_order_of_what_is_ready(fleet: Fleet) -> None:
    for name, priority in {"d": "low", "c": "medium", "b": "medium", "a": "critical"}.items():
        planned(fleet, name, priority=priority)
    expected = ready(fleet)
    assert [claim(fleet, token).sortie for token in (ADA, BO, ADA, BO)] == expected


def test_a_sortie_is_ready_when_what_it_needs_is_completed(fleet: Fleet) -> None:
    planned(fleet, "schema")
    planned(fleet, "tokens", needs=("schema",))
    assert ready(fleet) == ["schema"]
    token = claim(fleet).token
    assert ready(fleet) == []
    sortie_complete(fleet, SortieComplete(sortie="schema", token=token))
    assert ready(fleet) == ["tokens"]


def test_a_failed_dependency_is_not_met(fleet: Fleet) -> None:
    planned(fleet, "schema")
    planned(fleet, "tokens", needs=("schema",))
    sortie_fail(fleet, SortieFail(sortie="schema", token=claim(fleet).token, reason="no way"))
    assert reasons(fleet) == {
        "schema": "failed: assign it anew, or cancel it",
        "tokens": "waits for schema",
    }


def test_what_is_not_ready_says_why(fleet: Fleet, clock: TestClock) -> None:
    for name in ("working", "stuck", "reviewed", "needed"):
        planned(fleet, name, review=name == "reviewed")
    planned(fleet, "waiting", needs=("needed", "working", "stuck", "reviewed"))
    planned(fleet, "hopeless", needs=("needed",))
    planned(fleet, "assigned", assign_to="bo")
    for name in ("working", "stuck", "reviewed"):
        sortie_start(fleet, SortieStart(sortie=name, token=ADA))
    sortie_block(fleet, SortieBlock(sortie="stuck", token=ADA, reason="x"))
    sortie_complete(fleet, SortieComplete(sortie="reviewed", token=ADA))
    sortie_cancel(fleet, SortieCancel(sortie="needed"))
    assert reasons(fleet) == {
        "working": "ada works on it",
        "stuck": "is blocked",
        "reviewed": "waits for a review",
        "waiting": "its dependency needed was cancelled",
        "hopeless": "its dependency needed was cancelled",
        "assigned": "is assigned to bo",
    }


def test_a_long_list_of_reasons_says_how_many_more_there_are(fleet: Fleet) -> None:
    needed = tuple(planned(fleet, f"s{number}") for number in range(5))
    planned(fleet, "last", needs=needed)
    assert reasons(fleet)["last"] == "waits for s0, s1, s2 and 2 more"


def test_what_is_ready_is_listed_for_one_mission_too(fleet: Fleet) -> None:
    mission_create(fleet, MissionCreate(title="m", id="m"))
    planned(fleet, "inside", mission="m")
    planned(fleet, "outside")
    assert ready(fleet, mission="m") == ["inside"]


def test_no_answer_is_cut_without_a_cursor(fleet: Fleet) -> None:
    names = [planned(fleet, f"s{number}") for number in range(5)]
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = sortie_ready(fleet, SortieReady(limit=2, after=cursor))
        assert len(page.items) <= 2
        seen += [row.sortie_id for row in page.items]
        cursor = page.next
        if cursor is None:
            break
    assert seen == names


def test_a_cursor_that_no_answer_gave_is_refused(fleet: Fleet) -> None:
    with pytest.raises(Usage, match="no place"):
        sortie_ready(fleet, SortieReady(after="s1"))


def test_what_was_ready_can_be_asked_of_any_moment(fleet: Fleet) -> None:
    planned(fleet, "a")
    before = str(fleet.store.head())
    claim(fleet)
    assert ready(fleet) == []
    assert ready(fleet, as_of=before) == ["a"]
    assert reasons(fleet, as_of=str(fleet.store.head())) == {"a": "ada works on it"}


@pytest.mark.parametrize("title", ["x" * 200, "é" * 200, '"\\' * 100, "\U0001f680" * 200])
def test_a_row_takes_200_bytes_at_most(fleet: Fleet, title: str) -> None:
    mission = mission_create(fleet, MissionCreate(title="m")).state.mission_id
    sortie_create(fleet, SortieCreate(title=title, mission=mission, priority="critical"))
    [row] = sortie_ready(fleet, SortieReady()).items
    assert len(msgspec.json.encode(row)) <= 200
    assert row.title.endswith("…")
    assert title.startswith(row.title[:-1])
    assert len(msgspec.json.encode(msgspec.structs.replace(row, title=row.title + title[:1]))) > 196


def test_a_short_title_is_shown_whole(fleet: Fleet) -> None:
    planned(fleet, "a")
    assert sortie_ready(fleet, SortieReady()).items == [ReadyRow(sortie_id="a", title="a", priority="medium")]


def test_a_higher_priority_moves_a_sortie_up_and_leaves_its_age(fleet: Fleet) -> None:
    for name in ("a", "b", "c"):
        planned(fleet, name, priority="high" if name == "c" else "medium")
    change = {"sortie_id": "a", "changes": {"priority": "high"}}
    fleet.append(Batch(Stream("sortie", "a"), [NewEvent(type="sortie_updated", data=change)]))
    assert ready(fleet) == ["a", "c", "b"]


# Claiming.


def test_a_claim_gives_the_work_and_the_lease_on_it(fleet: Fleet) -> None:
    planned(fleet, "routes", files=("src/routes/**",), description="as in the plan")
    claimed = claim(fleet)
    assert (claimed.sortie, claimed.title, claimed.description) == ("routes", "routes", "as in the plan")
    assert (claimed.files, claimed.progress) == (("src/routes/**",), 0)
    assert (claimed.lease_id, claimed.expires_in_ms) == ("claim:routes", LOST_AFTER * 1000)
    lease = fleet.view(LEASES).get("claim:routes")
    assert lease is not None
    assert (lease.token, lease.holder, lease.under) == (claimed.token, "ada", ADA)


def test_nothing_ready_says_what_stands_in_the_way_and_what_to_do(fleet: Fleet) -> None:
    planned(fleet, "schema")
    planned(fleet, "tokens", needs=("schema",))
    claim(fleet)
    head = fleet.store.head()
    with pytest.raises(NothingReady, match="schema ada works on it; tokens waits for schema") as caught:
        claim(fleet, BO)
    assert caught.value.details["open"] == 2
    assert "fleet wait --for ready" in caught.value.remedy
    assert fleet.store.head() == head


def test_nothing_at_all_is_told_apart(fleet: Fleet) -> None:
    with pytest.raises(NothingReady, match="no sortie is open"):
        claim(fleet)


def test_a_claim_can_be_of_one_mission_or_priority_only(fleet: Fleet) -> None:
    mission_create(fleet, MissionCreate(title="m", id="m"))
    planned(fleet, "first", priority="critical")
    planned(fleet, "inside", mission="m")
    planned(fleet, "low", priority="low")
    assert claim(fleet, mission="m").sortie == "inside"
    assert claim(fleet, priority="low").sortie == "low"
    with pytest.raises(NothingReady, match="no sortie is open"):
        claim(fleet, priority="high")


def test_what_is_assigned_is_claimed_by_its_assignee_alone(fleet: Fleet) -> None:
    planned(fleet, "hers", assign_to="ada")
    with pytest.raises(NothingReady, match="is assigned to ada"):
        claim(fleet, BO)
    assert claim(fleet, ADA).sortie == "hers"


def test_a_sortie_that_is_not_ready_can_not_be_started_by_name(fleet: Fleet) -> None:
    planned(fleet, "schema")
    planned(fleet, "tokens", needs=("schema",))
    with pytest.raises(NothingReady, match="sortie tokens is not ready: it waits for schema"):
        sortie_start(fleet, SortieStart(sortie="tokens", token=ADA))


@pytest.mark.parametrize("operation", [sortie_claim, sortie_start])
def test_a_claim_needs_a_token(fleet: Fleet, operation: Callable[..., Any]) -> None:
    planned(fleet, "a")
    request = SortieClaim() if operation is sortie_claim else SortieStart(sortie="a")
    with pytest.raises(Invalid, match="token of your session"):
        operation(fleet, request)


def test_a_claim_with_a_key_is_made_once_and_answers_the_same_ever_after(
    fleet: Fleet, clock: TestClock
) -> None:
    planned(fleet, "a")
    planned(fleet, "b")
    first = sortie_claim(fleet, SortieClaim(token=ADA, key="k"))
    sortie_complete(fleet, SortieComplete(sortie="a", token=ADA))
    again = sortie_claim(fleet, SortieClaim(token=ADA, key="k"))
    assert (again.state, again.position, again.replayed) == (first.state, first.position, True)
    assert ready(fleet) == ["b"]


def test_the_token_of_a_claim_is_enough_to_write_on_its_sortie(fleet: Fleet) -> None:
    planned(fleet, "a")
    token = claim(fleet).token
    assert sortie_progress(fleet, SortieReport(sortie="a", token=token, percent=5)).state.progress == 5


def test_the_token_of_another_claim_is_not(fleet: Fleet) -> None:
    planned(fleet, "a")
    planned(fleet, "b")
    claim(fleet)
    other = claim(fleet).token
    with pytest.raises(Conflict, match=f"token {other} is that of claim:b, not of claim:a"):
        sortie_progress(fleet, SortieReport(sortie="a", token=other, percent=5))


# Planning with dependencies.


def test_what_is_needed_must_exist_in_the_same_mission(fleet: Fleet) -> None:
    mission_create(fleet, MissionCreate(title="m", id="m"))
    planned(fleet, "outside")
    with pytest.raises(Conflict, match="is of no mission, and this one of mission m"):
        planned(fleet, "inside", mission="m", needs=("outside",))


def test_what_was_cancelled_can_not_be_needed(fleet: Fleet) -> None:
    planned(fleet, "a")
    sortie_cancel(fleet, SortieCancel(sortie="a"))
    with pytest.raises(Conflict, match="a was cancelled"):
        planned(fleet, "b", needs=("a",))


@pytest.mark.parametrize("gone", ["lost", "retired"])
def test_nothing_is_assigned_to_whom_is_gone(fleet: Fleet, clock: TestClock, gone: str) -> None:
    planned(fleet, "a")
    if gone == "lost":
        lose_ada(fleet, clock)
    else:
        retire(fleet, Retire(specialist="ada"))
    with pytest.raises(Conflict, match=f"ada is {gone}"):
        sortie_assign(fleet, SortieAssign(sortie="a", specialist="ada"))


# What becomes of a claim.


@pytest.mark.parametrize("end", ["complete", "fail"])
def test_the_claim_ends_with_the_work(fleet: Fleet, end: str) -> None:
    planned(fleet, "a")
    token = claim(fleet).token
    before = fleet.store.head()
    if end == "complete":
        sortie_complete(fleet, SortieComplete(sortie="a", token=token))
    else:
        sortie_fail(fleet, SortieFail(sortie="a", token=token, reason="x"))
    ours = Query.of(types=("sortie_completed", "lease_released"))
    said, released = fleet.store.read(ours, after=before)
    assert (said.type, released.type) == ("sortie_completed", "lease_released")
    assert (released.data.how, released.causation_id) == ("completed", said.id)
    assert fleet.view(LEASES).get("claim:a") is None


def test_who_completed_a_sortie_and_says_so_again_hears_that_it_is_over(fleet: Fleet) -> None:
    planned(fleet, "a")
    claim(fleet)
    sortie_complete(fleet, SortieComplete(sortie="a", token=ADA))
    with pytest.raises(Conflict, match="a is completed"):
        sortie_complete(fleet, SortieComplete(sortie="a", token=ADA))


def test_what_is_given_back_is_ready_at_once_with_its_progress(fleet: Fleet) -> None:
    planned(fleet, "a")
    sortie_progress(fleet, SortieReport(sortie="a", token=claim(fleet).token, percent=40))
    given_back = sortie_release(fleet, SortieRelease(sortie="a", token=ADA, reason="out of tokens")).state
    assert (given_back.status, given_back.assigned_to, given_back.progress) == ("pending", None, 40)
    assert claim(fleet, BO).progress == 40


def test_a_blocked_sortie_that_is_given_back_stays_blocked_and_is_nobodys(fleet: Fleet) -> None:
    planned(fleet, "a")
    claim(fleet)
    sortie_block(fleet, SortieBlock(sortie="a", token=ADA, reason="no access"))
    shown = sortie_release(fleet, SortieRelease(sortie="a", token=ADA)).state
    assert (shown.status, shown.assigned_to, shown.blocked_reason) == ("blocked", None, "no access")
    assert sortie_unblock(fleet, SortieUnblock(sortie="a", token=BO)).state.status == "pending"
    assert claim(fleet, BO).sortie == "a"


def test_an_expired_claim_returns_its_sortie_once_the_lock_delay_is_over(
    fleet: Fleet, clock: TestClock
) -> None:
    planned(fleet, "a")
    sortie_progress(fleet, SortieReport(sortie="a", token=claim(fleet).token, percent=40))
    lose_ada(fleet, clock)
    shown = sortie_of(fleet, "a")
    assert (shown.status, shown.assigned_to, shown.progress) == ("pending", None, 40)
    assert reasons(fleet) == {"a": "is barred for 5.0 s, since the claim of ada expired"}
    with pytest.raises(NothingReady, match="barred"):
        claim(fleet, BO)
    clock.advance(LOCK_DELAY)
    assert ready(fleet) == ["a"]
    assert claim(fleet, BO).token > ADA


def test_a_sortie_returns_with_the_end_of_the_session(fleet: Fleet, clock: TestClock) -> None:
    planned(fleet, "a")
    claim(fleet)
    before = fleet.store.head()
    lose_ada(fleet, clock)
    types = [event.type for event in fleet.store.read(after=before)]
    settled = types[types.index("lease_expired") : types.index("specialist_active", 2)]
    assert settled.count("lease_expired") == 2
    assert {"sortie_status_changed", "specialist_lost"} <= set(settled)


def test_a_claim_with_a_time_of_its_own_ends_before_the_session_does(fleet: Fleet, clock: TestClock) -> None:
    planned(fleet, "a")
    claimed = claim(fleet, ttl=2)
    assert claimed.expires_in_ms == 2000
    clock.advance(2)
    with pytest.raises(Fenced):
        sortie_progress(fleet, SortieReport(sortie="a", token=ADA, percent=1))
    assert sortie_of(fleet, "a").status == "pending"


@pytest.mark.parametrize("gone", ["lost", "retired"])
def test_what_was_assigned_to_whom_is_gone_returns_to_the_queue(
    fleet: Fleet, clock: TestClock, gone: str
) -> None:
    planned(fleet, "a", assign_to="ada")
    if gone == "lost":
        lose_ada(fleet, clock)
    else:
        retire(fleet, Retire(specialist="ada"))
    shown = sortie_of(fleet, "a")
    assert (shown.status, shown.assigned_to) == ("pending", None)
    assert claim(fleet, BO).sortie == "a"


def test_what_is_assigned_to_a_specialist_that_begins_anew_stays_so(fleet: Fleet) -> None:
    planned(fleet, "a", assign_to="ada")
    register(fleet, Register(specialist="ada", anew=True))
    assert sortie_of(fleet, "a").assigned_to == "ada"


def test_what_a_specialist_that_begins_anew_worked_on_returns_to_the_queue(fleet: Fleet) -> None:
    planned(fleet, "a")
    claim(fleet)
    register(fleet, Register(specialist="ada", anew=True))
    assert ready(fleet) == ["a"]


def test_a_claim_that_is_taken_away_returns_its_sortie(fleet: Fleet) -> None:
    planned(fleet, "a")
    claim(fleet)
    lease_release(fleet, LeaseRelease(lease="claim:a", reason="ada is on holiday"))
    shown = sortie_of(fleet, "a")
    assert (shown.status, shown.assigned_to) == ("pending", None)
    [changed] = fleet.store.read(Query.of(types=("sortie_status_changed",)))
    assert changed.data.reason == "the claim of ada was forced: ada is on holiday"


@pytest.mark.parametrize("how", ["assign", "cancel"])
def test_who_is_relieved_of_a_sortie_has_no_claim_any_more(fleet: Fleet, how: str) -> None:
    planned(fleet, "a")
    claim(fleet)
    if how == "assign":
        sortie_assign(fleet, SortieAssign(sortie="a", specialist="bo", reason="faster"))
    else:
        sortie_cancel(fleet, SortieCancel(sortie="a"))
    [released] = fleet.store.read(Query.of(types=(LeaseReleased.type_name,)))
    assert (released.data.how, released.data.by) == ("forced", "coordinator")
    assert sortie_of(fleet, "a").status == ("assigned" if how == "assign" else "cancelled")


def test_who_is_relieved_can_be_given_the_sortie_again(fleet: Fleet) -> None:
    planned(fleet, "a")
    claim(fleet)
    sortie_assign(fleet, SortieAssign(sortie="a", specialist="bo"))
    sortie_assign(fleet, SortieAssign(sortie="a", specialist="ada"))
    assert claim(fleet, ADA).sortie == "a"


# Fencing: ada worked on it, and bo does now.

STALE: list[tuple[Callable[..., Any], Callable[[int], Write]]] = [
    (sortie_progress, lambda token: SortieReport(sortie="a", token=token, percent=80)),
    (sortie_block, lambda token: SortieBlock(sortie="a", token=token, reason="x")),
    (sortie_complete, lambda token: SortieComplete(sortie="a", token=token)),
    (sortie_fail, lambda token: SortieFail(sortie="a", token=token, reason="x")),
    (sortie_release, lambda token: SortieRelease(sortie="a", token=token)),
]


@pytest.mark.parametrize("shown", ["session", "claim"])
@pytest.mark.parametrize("way", ["lost", "reassigned"])
@pytest.mark.parametrize(("operation", "request_of"), STALE, ids=[each[0].__name__ for each in STALE])
def test_a_write_of_the_former_holder_is_refused_and_recorded_and_changes_nothing(
    fleet: Fleet,
    clock: TestClock,
    operation: Callable[..., Any],
    request_of: Callable[[int], Write],
    way: str,
    shown: str,
) -> None:
    planned(fleet, "a")
    claimed = claim(fleet)
    token = claimed.token if shown == "claim" else ADA
    if way == "lost":
        lose_ada(fleet, clock)
        clock.advance(LOCK_DELAY)
        claim(fleet, BO)
    else:
        sortie_assign(fleet, SortieAssign(sortie="a", specialist="bo"))
        sortie_start(fleet, SortieStart(sortie="a", token=BO))
    before, head = sortie_of(fleet, "a"), fleet.store.head()
    with pytest.raises(Fenced, match="ended at position"):
        operation(fleet, request_of(token))
    [event] = fleet.store.read(after=head)
    assert (event.type, event.data.holder) == ("write_fenced", "ada")
    assert sortie_of(fleet, "a") == before
    assert before.assigned_to == "bo"


def test_the_former_holder_hears_who_has_it_now_and_what_to_do(fleet: Fleet) -> None:
    planned(fleet, "a")
    claim(fleet)
    sortie_assign(fleet, SortieAssign(sortie="a", specialist="bo"))
    sortie_start(fleet, SortieStart(sortie="a", token=BO))
    with pytest.raises(Fenced, match="bo holds claim:a now") as caught:
        sortie_progress(fleet, SortieReport(sortie="a", token=ADA, percent=1))
    assert "fleet prime" in caught.value.remedy


def test_the_former_holder_is_fenced_even_when_another_has_completed_it(fleet: Fleet) -> None:
    planned(fleet, "a")
    claim(fleet)
    sortie_assign(fleet, SortieAssign(sortie="a", specialist="bo"))
    sortie_start(fleet, SortieStart(sortie="a", token=BO))
    sortie_complete(fleet, SortieComplete(sortie="a", token=BO))
    with pytest.raises(Fenced):
        sortie_complete(fleet, SortieComplete(sortie="a", token=ADA))


def test_who_never_had_it_is_told_whose_it_is(fleet: Fleet) -> None:
    planned(fleet, "a")
    claim(fleet)
    with pytest.raises(Conflict, match="belongs to ada, not to bo"):
        sortie_progress(fleet, SortieReport(sortie="a", token=BO, percent=1))


# Waiting.


def test_ready_work_is_waited_for(fleet: Fleet) -> None:
    with pytest.raises(TimedOut):
        wait_for(fleet, ["ready"], 0)
    planned(fleet, "a")
    assert wait_for(fleet, ["ready"], 0).found == ReadyRow(sortie_id="a", title="a", priority="medium")


def test_ready_work_of_another_mission_or_of_another_specialist_is_not_waited_for(fleet: Fleet) -> None:
    mission_create(fleet, MissionCreate(title="m", id="m"))
    planned(fleet, "hers", assign_to="ada", mission="m")
    assert wait_for(fleet, ["ready:m"], 0, token=ADA).found.sortie_id == "hers"
    with pytest.raises(TimedOut):
        wait_for(fleet, ["ready:m"], 0, token=BO)
    with pytest.raises(TimedOut):
        wait_for(fleet, ["ready:other"], 0, token=ADA)


def test_who_waits_finds_out_itself_that_a_claim_is_over(fleet: Fleet, clock: TestClock) -> None:
    """Nobody else need write for that, and it knows when to look again."""
    planned(fleet, "a")
    claim(fleet)
    clock.advance(LOST_AFTER - 1)
    assert waits.ready(fleet, "", None).again_in == 1.0
    clock.advance(1)
    assert waits.ready(fleet, "", None) == Look(None, float(LOCK_DELAY))
    clock.advance(LOCK_DELAY)
    assert waits.ready(fleet, "", None).found.sortie_id == "a"


def test_who_waits_under_a_token_is_not_lost_meanwhile(fleet: Fleet, clock: TestClock) -> None:
    for _ in range(6):
        again_in = waits.ready(fleet, "", ADA).again_in
        assert again_in is not None
        assert again_in <= LOST_AFTER / 2
        clock.advance(min(again_in, 15))
    planned(fleet, "late")
    assert claim(fleet, ADA).sortie == "late"


def test_a_plugin_that_fails_to_join_in_stops_no_work(fleet: Fleet) -> None:
    broken = Entry("fleet.sortie_moves", "absent", "toy_moves:fail", "toys", "1.0")
    fleet.plugins.catalog.entries.insert(0, broken)
    planned(fleet, "s1")
    sortie_start(fleet, SortieStart(sortie="s1", token=ADA))
    report = SortieReport(sortie="s1", token=ADA, percent=30)
    assert sortie_progress(fleet, report).state.progress == 30
    assert [fault.entry for fault in fleet.plugins.faults] == [broken]
    assert len(list(fleet.store.read(Query.of(types=("checkpoint_created",))))) == 1
