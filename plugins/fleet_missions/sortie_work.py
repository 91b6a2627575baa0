"""What a specialist says of the sortie it works on, under its claim.

Plugins that join in when something is reported offer a function in the entry-point group
`fleet.sortie_moves`: `(decision, before, event, event_id, holding)`. It is called for each event of progress,
blocking or an end, and records into the same append; `before` is the sortie as it was, `holding` what its
worker showed, None when a reviewer said it.
"""

from collections.abc import Callable, Iterable
from typing import Final

from fleet_core.api import (
    Decision,
    Done,
    EventType,
    Fleet,
    Invalid,
    Stream,
    as_datetime,
    as_microseconds,
)
from fleet_leases.api import HeldWrite, Holding, How, decide_held, end, found
from fleet_missions.claims import claim_id, claimed_by
from fleet_missions.events import SortieBlocked, SortieCompleted, SortieProgress, SortieResult
from fleet_missions.moves import RETURNS, check_move
from fleet_missions.sortie_operations import status_change
from fleet_missions.sortie_requests import (
    SortieBlock,
    SortieComplete,
    SortieFail,
    SortieRelease,
    SortieReport,
    SortieUnblock,
)
from fleet_missions.sortie_state import SORTIES, Sortie, stream, tags_of, unknown_sortie

GROUP: Final = "fleet.sortie_moves"


def sortie_progress(fleet: Fleet, request: SortieReport) -> Done[Sortie]:
    """Report how far a sortie is, in percent.

    Example: fleet sortie progress routes 60 --message "tests next"
    """

    def events(decision: Decision, sortie: Sortie, specialist: str) -> list[EventType]:
        return [
            SortieProgress(
                sortie_id=sortie.sortie_id,
                specialist_id=specialist,
                progress=request.percent,
                status_message=request.message,
                artifacts=request.artifacts or None,
            )
        ]

    return _say(fleet, request, request.sortie, "progress", events)


def sortie_block(fleet: Fleet, request: SortieBlock) -> Done[Sortie]:
    """Say that a sortie can't go on, and why. It stays yours.

    Example: fleet sortie block routes "no access yet" --blocker db-1
    """

    def events(decision: Decision, sortie: Sortie, specialist: str) -> list[EventType]:
        if not request.reason.strip():
            raise Invalid("a blocked sortie needs a reason", path="$.reason", remedy="say what it waits for")
        return [
            SortieBlocked(
                sortie_id=sortie.sortie_id,
                specialist_id=specialist,
                blocked_at=as_datetime(decision.now),
                reason=request.reason,
                blocker_type=request.kind,
                blocker_id=request.blocker,
            )
        ]

    return _say(fleet, request, request.sortie, "block", events)


def sortie_unblock(fleet: Fleet, request: SortieUnblock) -> Done[Sortie]:
    """Say that a blocked sortie can go on: with who has claimed it, else from the queue. Anybody may.

    Example: fleet sortie unblock routes --reason "tokens is done"
    """

    def decide(decision: Decision, holding: Holding) -> Stream:
        target = stream(request.sortie)
        sortie = decision.look(SORTIES, target)
        if sortie is None:
            raise unknown_sortie(request.sortie)
        check_move("sortie", request.sortie, sortie.status, "unblock")
        lease = found(decision, claim_id(request.sortie))
        status = "in_progress" if lease is not None and lease.status == "held" else "pending"
        changed = status_change(sortie, status, holding.specialist, request.reason)
        decision.record(target, changed, cause=sortie.last_event, tags=tags_of(sortie.mission_id))
        return target

    return decide_held(fleet, request, SORTIES, decide)


def sortie_complete(fleet: Fleet, request: SortieComplete) -> Done[Sortie]:
    """Complete a sortie. One that needs a review waits for it then; the claim on it ends either way.

    Example: fleet sortie complete routes --summary "merged as 4f2a"
    """

    def events(decision: Decision, sortie: Sortie, specialist: str) -> list[EventType]:
        if not sortie.review:
            result = SortieResult(success=True, summary=request.summary, artifacts=request.artifacts or None)
            return [completion(decision, sortie, specialist, result)]
        done = SortieProgress(
            sortie_id=sortie.sortie_id,
            specialist_id=specialist,
            progress=100,
            status_message=request.summary,
            artifacts=request.artifacts or None,
        )
        return [done, status_change(sortie, "review", specialist, None)]

    return _say(fleet, request, request.sortie, "complete", events, ends="completed")


def sortie_fail(fleet: Fleet, request: SortieFail) -> Done[Sortie]:
    """Say that the work on a sortie ended without success. It stays open: assign it anew, or cancel it.

    Example: fleet sortie fail routes "the library has no such thing"
    """

    def events(decision: Decision, sortie: Sortie, specialist: str) -> list[EventType]:
        return [completion(decision, sortie, specialist, SortieResult(success=False, summary=request.reason))]

    return _say(fleet, request, request.sortie, "fail", events, ends="completed")


def sortie_release(fleet: Fleet, request: SortieRelease) -> Done[Sortie]:
    """Give a sortie back to the queue, with its progress.

    Example: fleet sortie release routes --reason "out of tokens"
    """

    def events(decision: Decision, sortie: Sortie, specialist: str) -> list[EventType]:
        return [status_change(sortie, RETURNS[sortie.status], specialist, request.reason)]

    return _say(fleet, request, request.sortie, "release", events, ends="released")


def _say(
    fleet: Fleet,
    request: HeldWrite,
    sortie_id: str,
    move: str,
    events: Callable[[Decision, Sortie, str], list[EventType]],
    *,
    ends: How | None = None,
) -> Done[Sortie]:
    """Record what the worker of a sortie says of it; its claim may end with that."""

    def decide(decision: Decision, holding: Holding) -> Stream:
        sortie, lease = claimed_by(decision, holding, sortie_id, move)
        cause = record_moves(
            decision, sortie, events(decision, sortie, holding.specialist), sortie.last_event, holding
        )
        if ends is not None:
            end(decision, lease, ends, by=holding.specialist, cause=cause)
        return stream(sortie_id)

    return decide_held(fleet, request, SORTIES, decide)


def record_moves(
    decision: Decision,
    before: Sortie,
    events: Iterable[EventType],
    cause: str,
    holding: Holding | None = None,
) -> str:
    """Record what happens to a sortie, each event the cause of the next; plugins join in. Returns the id of
    the last event.
    """
    for event in events:
        cause = decision.record(stream(before.sortie_id), event, cause=cause, tags=tags_of(before.mission_id))
        if isinstance(event, SortieProgress | SortieBlocked | SortieCompleted):
            decision.invite(GROUP, before, event, cause, holding)
    return cause


def completion(decision: Decision, sortie: Sortie, specialist: str, result: SortieResult) -> SortieCompleted:
    """What to record when the work of a sortie is over."""
    since = as_microseconds(sortie.started_at or sortie.created_at)
    return SortieCompleted(
        sortie_id=sortie.sortie_id,
        specialist_id=specialist,
        completed_at=as_datetime(decision.now),
        duration_ms=max(1, (decision.now - since) // 1000),
        result=result,
    )
