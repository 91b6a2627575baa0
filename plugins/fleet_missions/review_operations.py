"""Reviewing the work of sorties. Each function is offered under its name in pyproject.toml."""

import re
from typing import Final

from fleet_core.api import Conflict, Decision, Done, EventType, Fleet, Page, Stream, as_datetime, id_text
from fleet_leases.api import Holding, decide_held
from fleet_missions.events import (
    ReviewCompleted,
    ReviewIssue,
    ReviewStarted,
    ReviewType,
    SortieBlocked,
    SortieResult,
)
from fleet_missions.moves import check_move
from fleet_missions.review_requests import ReviewComplete, ReviewList, ReviewStart
from fleet_missions.review_state import REVIEWS, Review
from fleet_missions.sortie_operations import status_change
from fleet_missions.sortie_queue import OPEN_SORTIES
from fleet_missions.sortie_state import SORTIES, Sortie, stream, tags_of, unknown_sortie
from fleet_missions.sortie_work import completion, record_moves
from fleet_specialists.api import SPECIALISTS
from fleet_specialists.api import stream as specialist_stream
from fleet_squawk.api import post

STRIKES: Final = 3
"""So many reviews that found fault block a sortie, and call a coordinator."""

_PLACED: Final = re.compile(r"(?P<place>\S+?:\d+(?::\d+)?):\s*(?P<message>.+)", re.DOTALL)


def review_start(fleet: Fleet, request: ReviewStart) -> Done[Sortie]:
    """Start to review a sortie that waits for it. Who did the work can't.

    Example: fleet review start routes --type security
    """

    def decide(decision: Decision, holding: Holding) -> Stream:
        sortie = _to_review(decision, holding, request.sortie, "review start")
        if sortie.reviewer != holding.specialist:
            started = _started(sortie, holding, _new_id(fleet), request.type)
            decision.record(
                stream(request.sortie), started, cause=sortie.last_event, tags=tags_of(sortie.mission_id)
            )
        return stream(request.sortie)

    return decide_held(fleet, request, SORTIES, decide)


def review_complete(fleet: Fleet, request: ReviewComplete) -> Done[Sortie]:
    """Say what the review of a sortie came to: it is completed, or goes back to its worker.

    A review need not be started before. The third one that finds fault blocks the sortie instead, and the
    coordinators are told.

    Example: fleet review complete routes needs_changes --issue "src/routes.py:40: no test"
    """

    def decide(decision: Decision, holding: Holding) -> Stream:
        sortie = _to_review(decision, holding, request.sortie, "review complete")
        cause = sortie.last_event
        review_id = sortie.review_id or _new_id(fleet)
        if sortie.reviewer is None:
            started = _started(sortie, holding, review_id, "general")
            cause = record_moves(decision, sortie, [started], cause)
        completed = ReviewCompleted(
            review_id=review_id,
            sortie_id=sortie.sortie_id,
            reviewer_id=holding.specialist,
            verdict=request.verdict,
            feedback=request.feedback,
            issues=tuple(map(_issue, request.issue)) or None,
        )
        consequence = _consequence(decision, sortie, holding.specialist, request)
        cause = record_moves(decision, sortie, [completed, consequence], cause)
        if isinstance(consequence, SortieBlocked):
            _call_coordinators(decision, sortie, request, cause)
        return stream(request.sortie)

    return decide_held(fleet, request, SORTIES, decide)


def _to_review(decision: Decision, holding: Holding, sortie_id: str, move: str) -> Sortie:
    sortie = decision.look(SORTIES, stream(sortie_id))
    if sortie is None:
        raise unknown_sortie(sortie_id)
    check_move("sortie", sortie_id, sortie.status, move)
    if sortie.assigned_to == holding.specialist:
        raise Conflict(
            f"{holding.specialist} did the work of sortie {sortie_id}; somebody else must review it",
            remedy="'fleet specialist list --role reviewer' says who could",
            sortie=sortie_id,
        )
    if sortie.reviewer not in (None, holding.specialist):
        raise Conflict(
            f"{sortie.reviewer} reviews sortie {sortie_id} already",
            remedy="take another: 'fleet review list --waiting'",
            reviewer=sortie.reviewer,
        )
    return sortie


def _new_id(fleet: Fleet) -> str:
    return id_text(fleet.ids())


def _started(sortie: Sortie, holding: Holding, review_id: str, review_type: ReviewType) -> ReviewStarted:
    return ReviewStarted(
        review_id=review_id,
        sortie_id=sortie.sortie_id,
        reviewer_id=holding.specialist,
        review_type=review_type,
    )


def _issue(text: str) -> ReviewIssue:
    """`src/db.py:40: no index` has a place; anything else is all message."""
    placed = _PLACED.fullmatch(text)
    if placed is None:
        return ReviewIssue(severity="error", message=text)
    return ReviewIssue(severity="error", message=placed["message"], location=placed["place"])


def _consequence(decision: Decision, sortie: Sortie, reviewer: str, request: ReviewComplete) -> EventType:
    worker = sortie.assigned_to or reviewer
    if request.verdict == "approved":
        return completion(decision, sortie, worker, SortieResult(success=True, summary=sortie.status_message))
    strikes = sortie.strikes + 1
    if strikes < STRIKES:
        status = "assigned" if _lives(decision, worker) else "pending"
        return status_change(sortie, status, reviewer, request.feedback)
    return SortieBlocked(
        sortie_id=sortie.sortie_id,
        specialist_id=worker,
        blocked_at=as_datetime(decision.now),
        reason=f"{strikes} reviews found fault; a coordinator must decide",
        blocker_type="specialist",
    )


def _call_coordinators(decision: Decision, sortie: Sortie, request: ReviewComplete, cause: str) -> None:
    found = "\n".join(["", *request.issue])
    post(
        decision,
        to="@coordinators",
        subject=f"Sortie {sortie.sortie_id} is blocked: {sortie.strikes + 1} reviews found fault",
        body=f"{sortie.title}: {request.feedback or request.verdict}{found}\n\n"
        f"Split it, hand it over, or let it go on: 'fleet sortie split {sortie.sortie_id}',"
        f" 'fleet sortie assign {sortie.sortie_id} NAME', 'fleet sortie unblock {sortie.sortie_id}'.",
        priority="urgent",
        message_type="escalation",
        ack_required=True,
        cause=cause,
        tags=tags_of(sortie.mission_id),
    )


def _lives(decision: Decision, specialist_id: str) -> bool:
    specialist = decision.look(SPECIALISTS, specialist_stream(specialist_id))
    return specialist is not None and specialist.status not in ("lost", "retired")


def review_list(fleet: Fleet, request: ReviewList) -> Page[Review]:
    """List reviews, the oldest first; with `--waiting` what nobody has begun to review.

    Example: fleet review list --waiting
    """
    if request.waiting:
        return _waiting(fleet, request)
    said = {"sortie_id": request.sortie, "reviewer": request.reviewer}
    where = {field: value for field, value in said.items() if value is not None}
    return fleet.view(REVIEWS, request.as_of).select(where, after=request.after, limit=request.limit)


def _waiting(fleet: Fleet, request: ReviewList) -> Page[Review]:
    where = {"status": "review", "reviewer": None}
    if request.sortie is not None:
        where["sortie_id"] = request.sortie
    page = fleet.view(OPEN_SORTIES, request.as_of).select(where, after=request.after, limit=request.limit)
    return Page([Review(sortie_id=row.sortie_id, status="waiting") for row in page.items], page.next)
