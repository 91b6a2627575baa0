"""Reviews: who may give them, what follows from a verdict, and what three bad ones lead to."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fleet_core.api import Conflict, Fleet, Match, Query
from fleet_core.errors import TimedOut
from fleet_core.waiting import wait_for
from fleet_missions.api import (
    MissionCreate,
    Review,
    ReviewComplete,
    ReviewList,
    ReviewStart,
    Sortie,
    SortieAssign,
    SortieClaim,
    SortieComplete,
    SortieCreate,
    SortieShow,
    SortieStart,
    SortieUnblock,
    mission_create,
    review_complete,
    review_list,
    review_start,
    sortie_assign,
    sortie_claim,
    sortie_complete,
    sortie_create,
    sortie_show,
    sortie_start,
    sortie_unblock,
)
from fleet_missions.events import ReviewIssue
from fleet_specialists.api import Register, Retire, register, retire
from fleets import TestClock, opened, unlike

ADA, REY, BO = 2, 4, 6
"""The tokens of the worker, the reviewer and somebody else."""


@pytest.fixture
def clock() -> TestClock:
    return TestClock()


@pytest.fixture(params=["memory", "sqlite"])
def fleet(request: pytest.FixtureRequest, tmp_path: Path, clock: TestClock) -> Iterator[Fleet]:
    with opened(tmp_path, request.param, clock) as fleet:
        begin(fleet)
        yield fleet
        assert not unlike(fleet)


def begin(fleet: Fleet) -> None:
    """Ada has done the work of `routes`, which needs a review."""
    for name, token in {"ada": ADA, "rey": REY, "bo": BO}.items():
        assert register(fleet, Register(specialist=name)).state.token == token
    mission_create(fleet, MissionCreate(title="m", id="m"))
    sortie_create(fleet, SortieCreate(title="routes", id="routes", mission="m", review=True))
    sortie_start(fleet, SortieStart(sortie="routes", token=ADA))
    work(fleet)


def work(fleet: Fleet) -> Sortie:
    return sortie_complete(fleet, SortieComplete(sortie="routes", token=ADA, summary="merged")).state


def judge(fleet: Fleet, verdict: Any, **more: Any) -> Sortie:
    request = ReviewComplete(sortie="routes", token=REY, verdict=verdict, **more)
    return review_complete(fleet, request).state


def work_again(fleet: Fleet) -> Sortie:
    sortie_start(fleet, SortieStart(sortie="routes", token=ADA))
    return work(fleet)


def routes(fleet: Fleet) -> Sortie:
    return sortie_show(fleet, SortieShow(sortie="routes"))


def test_work_that_needs_a_review_is_not_completed_by_its_worker(fleet: Fleet) -> None:
    shown = routes(fleet)
    assert (shown.status, shown.progress, shown.assigned_to) == ("review", 100, "ada")
    assert shown.completed_at is None


def test_in_a_mission_that_needs_reviews_every_sortie_does(fleet: Fleet) -> None:
    mission_create(fleet, MissionCreate(title="careful", id="careful", review=True))
    request = SortieCreate(title="x", mission="careful")
    assert sortie_create(fleet, request).state.review


def test_what_is_approved_is_completed_by_its_worker(fleet: Fleet, clock: TestClock) -> None:
    clock.advance(3)
    done = judge(fleet, "approved")
    assert (done.status, done.summary, done.strikes, done.duration_ms) == ("completed", "merged", 0, 3000)
    [completed] = fleet.store.read(Query.of(types=("sortie_completed",)))
    assert completed.data.specialist_id == "ada"


@pytest.mark.parametrize("verdict", ["needs_changes", "rejected"])
def test_what_is_not_approved_goes_back_to_its_worker(fleet: Fleet, verdict: str) -> None:
    shown = judge(fleet, verdict)
    assert (shown.status, shown.assigned_to, shown.strikes) == ("assigned", "ada", 1)
    assert sortie_claim(fleet, SortieClaim(token=ADA)).state.sortie == "routes"


def test_what_is_not_approved_goes_to_the_queue_when_its_worker_is_gone(fleet: Fleet) -> None:
    retire(fleet, Retire(specialist="ada"))
    shown = judge(fleet, "needs_changes")
    assert (shown.status, shown.assigned_to) == ("pending", None)
    assert sortie_claim(fleet, SortieClaim(token=BO)).state.sortie == "routes"


def test_nobody_reviews_their_own_work(fleet: Fleet) -> None:
    head = fleet.store.head()
    with pytest.raises(Conflict, match="ada did the work"):
        review_start(fleet, ReviewStart(sortie="routes", token=ADA))
    with pytest.raises(Conflict, match="ada did the work"):
        review_complete(fleet, ReviewComplete(sortie="routes", token=ADA, verdict="approved"))
    assert fleet.store.head() == head


def test_what_is_not_done_can_not_be_reviewed(fleet: Fleet) -> None:
    judge(fleet, "needs_changes")
    with pytest.raises(Conflict, match="assigned, so 'review complete' is not possible"):
        judge(fleet, "approved")


def test_what_somebody_reviews_nobody_else_does(fleet: Fleet) -> None:
    review_start(fleet, ReviewStart(sortie="routes", token=REY, type="security"))
    with pytest.raises(Conflict, match="rey reviews sortie routes already"):
        review_complete(fleet, ReviewComplete(sortie="routes", token=BO, verdict="approved"))


def test_a_review_that_was_started_is_the_one_that_is_completed(fleet: Fleet) -> None:
    started = review_start(fleet, ReviewStart(sortie="routes", token=REY, type="security")).state
    assert started.reviewer == "rey"
    judge(fleet, "approved", feedback="fine")
    [review] = review_list(fleet, ReviewList(sortie="routes")).items
    assert review.review_id == started.review_id
    assert (review.review_type, review.status, review.verdict) == ("security", "completed", "approved")
    assert (review.reviewer, review.feedback) == ("rey", "fine")


def test_starting_a_review_again_changes_nothing(fleet: Fleet) -> None:
    review_start(fleet, ReviewStart(sortie="routes", token=REY))
    head = fleet.store.head()
    assert review_start(fleet, ReviewStart(sortie="routes", token=REY)).state.reviewer == "rey"
    assert fleet.store.head() == head


def test_a_review_of_a_reviewer_that_is_gone_is_anybodys(fleet: Fleet) -> None:
    review_start(fleet, ReviewStart(sortie="routes", token=REY))
    retire(fleet, Retire(specialist="rey"))
    shown = routes(fleet)
    assert (shown.status, shown.reviewer, shown.assigned_to) == ("review", None, "ada")
    approved = ReviewComplete(sortie="routes", token=BO, verdict="approved")
    assert review_complete(fleet, approved).state.status == "completed"


def test_issues_say_where_they_are(fleet: Fleet) -> None:
    issues = ("src/db/models.py:40: missing unique index", "lib/a.py:3:7:odd", "no tests: none")
    judge(fleet, "needs_changes", issue=issues)
    [review] = review_list(fleet, ReviewList(reviewer="rey")).items
    assert review.issues == (
        ReviewIssue(severity="error", message="missing unique index", location="src/db/models.py:40"),
        ReviewIssue(severity="error", message="odd", location="lib/a.py:3:7"),
        ReviewIssue(severity="error", message="no tests: none"),
    )


def test_the_third_review_that_finds_fault_blocks_the_sortie_and_calls_the_coordinators(
    fleet: Fleet,
) -> None:
    for verdict in ("needs_changes", "rejected"):
        assert judge(fleet, verdict).status == "assigned"
        work_again(fleet)
    shown = judge(fleet, "needs_changes")
    assert (shown.status, shown.strikes, shown.blocker_type) == ("blocked", 3, "specialist")
    [mail] = fleet.store.read(Query.of(types=("squawk_sent",)))
    assert mail.stream_id == "@coordinator"
    assert (mail.data.priority, mail.data.ack_required) == ("urgent", True)
    assert "routes" in mail.data.content["subject"]


def test_a_blocked_sortie_can_be_freed_for_anybody_or_given_to_somebody(fleet: Fleet) -> None:
    for _ in range(3):
        judge(fleet, "needs_changes")
        if routes(fleet).status != "blocked":
            work_again(fleet)
    assert sortie_unblock(fleet, SortieUnblock(sortie="routes", token=BO)).state.status == "pending"
    shown = sortie_assign(fleet, SortieAssign(sortie="routes", specialist="bo")).state
    assert (shown.status, shown.assigned_to, shown.strikes) == ("assigned", "bo", 3)


def test_strikes_survive_a_restart(tmp_path: Path, clock: TestClock) -> None:
    with opened(tmp_path, "sqlite", clock) as fleet:
        begin(fleet)
        judge(fleet, "needs_changes")
        work_again(fleet)
        judge(fleet, "needs_changes")
    with opened(tmp_path, "sqlite", clock) as fleet:
        assert routes(fleet).strikes == 2
        work_again(fleet)
        assert judge(fleet, "needs_changes").status == "blocked"


def test_the_strikes_of_a_sortie_do_not_count_against_another(fleet: Fleet) -> None:
    judge(fleet, "needs_changes")
    sortie_create(fleet, SortieCreate(title="other", id="other", review=True))
    assert sortie_show(fleet, SortieShow(sortie="other")).strikes == 0


def test_what_waits_for_a_review_is_listed_until_somebody_starts_one(fleet: Fleet) -> None:
    assert review_list(fleet, ReviewList(waiting=True)).items == [
        Review(sortie_id="routes", status="waiting")
    ]
    before = str(fleet.store.head())
    review_start(fleet, ReviewStart(sortie="routes", token=REY))
    assert review_list(fleet, ReviewList(waiting=True)).items == []
    assert len(review_list(fleet, ReviewList(waiting=True, as_of=before)).items) == 1


def test_reviews_are_events_of_their_mission(fleet: Fleet) -> None:
    judge(fleet, "approved")
    tagged = [event.type for event in fleet.store.read(Query((Match(tags=("mission:m",)),)))]
    assert tagged[-3:] == ["review_started", "review_completed", "sortie_completed"]


def test_a_review_is_waited_for_by_others_than_the_worker(fleet: Fleet) -> None:
    assert wait_for(fleet, ["review"], 0, token=REY).found.sortie_id == "routes"
    assert wait_for(fleet, ["review:m"], 0).found.sortie_id == "routes"
    with pytest.raises(TimedOut):
        wait_for(fleet, ["review"], 0, token=ADA)
    with pytest.raises(TimedOut):
        wait_for(fleet, ["review:other"], 0)
