"""What can be done with sorties. Each function is offered under its name in pyproject.toml."""

from collections.abc import Callable

from fleet_core.api import (
    Conflict,
    Decision,
    Done,
    EventType,
    Fleet,
    Invalid,
    NotFound,
    Page,
    Stream,
    Write,
    as_datetime,
    as_microseconds,
)
from fleet_missions.events import (
    SortieBlocked,
    SortieChanges,
    SortieClosed,
    SortieCompleted,
    SortieCreated,
    SortieProgress,
    SortieResult,
    SortieStarted,
    SortieStatusChanged,
    SortieUpdated,
)
from fleet_missions.ids import new_id
from fleet_missions.mission_operations import unknown_mission
from fleet_missions.mission_state import MISSIONS, Mission
from fleet_missions.mission_state import stream as mission_stream
from fleet_missions.moves import MISSION_OPEN, SORTIE_OPEN, check_move
from fleet_missions.sortie_requests import (
    SortieAssign,
    SortieBlock,
    SortieCancel,
    SortieComplete,
    SortieCreate,
    SortieList,
    SortieReport,
    SortieShow,
    SortieStart,
    SortieUnblock,
)
from fleet_missions.sortie_state import SORTIES, Sortie, stream
from fleet_specialists.api import SPECIALISTS, unknown


def sortie_create(fleet: Fleet, request: SortieCreate) -> Done[Sortie]:
    """Create a sortie: a piece of work for one specialist.

    Example: fleet sortie create "Token service" --mission oauth --id tokens
    """

    def decide(decision: Decision) -> Stream:
        sortie_id = request.id or new_id("srt", fleet.ids)
        target = stream(sortie_id)
        if decision.look(SORTIES, target) is not None:
            raise Conflict(
                f"there is a sortie {sortie_id} already",
                remedy=f"see 'fleet sortie show {sortie_id}', or choose another id",
            )
        mission = None if request.mission is None else _open_mission(decision, request.mission)
        _check_registered(fleet, request.assign_to)
        created = SortieCreated(
            sortie_id=sortie_id,
            mission_id=request.mission,
            title=request.title,
            description=request.description,
            priority=request.priority,
            assigned_to=request.assign_to,
        )
        cause = None if mission is None else mission.last_event
        decision.record(target, created, cause=cause, tags=_tags(request.mission))
        return target

    return fleet.decide(request, SORTIES, decide)


def sortie_assign(fleet: Fleet, request: SortieAssign) -> Done[Sortie]:
    """Assign a sortie to a specialist, or hand it over from one to another.

    Assigning it to whom it belongs already records nothing new.

    Example: fleet sortie assign routes bo
    """

    def decide(sortie: Sortie) -> list[EventType]:
        check_move("sortie", sortie.sortie_id, sortie.status, "assign")
        _check_registered(fleet, request.specialist)
        changed = SortieUpdated(
            sortie_id=sortie.sortie_id, changes=SortieChanges(assigned_to=request.specialist)
        )
        moved = _status_change(sortie, "assigned", request.by, request.reason)
        same = sortie.assigned_to == request.specialist
        if sortie.status in ("pending", "failed"):
            return [moved] if same else [changed, moved]
        if same:
            return []
        return [changed] if sortie.status == "assigned" else [changed, moved]

    return _move(fleet, request, request.sortie, lambda sortie, now: decide(sortie))


def sortie_start(fleet: Fleet, request: SortieStart) -> Done[Sortie]:
    """Start to work on a sortie: the one it is assigned to, or whoever comes first when it is nobody's.

    Example: fleet sortie start routes ada
    """

    def decide(sortie: Sortie, now: int) -> list[EventType]:
        _check_registered(fleet, request.specialist)
        _check_assignee(sortie, request.specialist)
        check_move("sortie", sortie.sortie_id, sortie.status, "start")
        return [
            SortieStarted(
                sortie_id=sortie.sortie_id, specialist_id=request.specialist, started_at=as_datetime(now)
            )
        ]

    return _move(fleet, request, request.sortie, decide)


def sortie_progress(fleet: Fleet, request: SortieReport) -> Done[Sortie]:
    """Report how far a sortie is, in percent.

    Example: fleet sortie progress routes ada 60 --message "tests next"
    """

    def decide(sortie: Sortie, now: int) -> list[EventType]:
        _check_assignee(sortie, request.specialist)
        check_move("sortie", sortie.sortie_id, sortie.status, "progress")
        return [
            SortieProgress(
                sortie_id=sortie.sortie_id,
                specialist_id=request.specialist,
                progress=request.percent,
                status_message=request.message,
                artifacts=request.artifacts or None,
            )
        ]

    return _move(fleet, request, request.sortie, decide)


def sortie_block(fleet: Fleet, request: SortieBlock) -> Done[Sortie]:
    """Say that a sortie can't go on, and why.

    Example: fleet sortie block routes ada "no access yet" --blocker db-1
    """

    def decide(sortie: Sortie, now: int) -> list[EventType]:
        _check_assignee(sortie, request.specialist)
        check_move("sortie", sortie.sortie_id, sortie.status, "block")
        if not request.reason.strip():
            raise Invalid("a blocked sortie needs a reason", path="$.reason", remedy="say what it waits for")
        return [
            SortieBlocked(
                sortie_id=sortie.sortie_id,
                specialist_id=request.specialist,
                blocked_at=as_datetime(now),
                reason=request.reason,
                blocker_type=request.kind,
                blocker_id=request.blocker,
            )
        ]

    return _move(fleet, request, request.sortie, decide)


def sortie_unblock(fleet: Fleet, request: SortieUnblock) -> Done[Sortie]:
    """Say that a blocked sortie can go on.

    Example: fleet sortie unblock routes --reason "tokens is done"
    """

    def decide(sortie: Sortie, now: int) -> list[EventType]:
        check_move("sortie", sortie.sortie_id, sortie.status, "unblock")
        return [_status_change(sortie, "in_progress", request.by, request.reason)]

    return _move(fleet, request, request.sortie, decide)


def sortie_complete(fleet: Fleet, request: SortieComplete) -> Done[Sortie]:
    """Complete a sortie; `--failed` says that its work ended without success.

    A failed sortie stays open: assign it anew, or cancel it.

    Example: fleet sortie complete routes ada --summary "merged as 4f2a"
    """

    def decide(sortie: Sortie, now: int) -> list[EventType]:
        _check_assignee(sortie, request.specialist)
        check_move("sortie", sortie.sortie_id, sortie.status, "fail" if request.failed else "complete")
        since = as_microseconds(sortie.started_at or sortie.created_at)
        return [
            SortieCompleted(
                sortie_id=sortie.sortie_id,
                specialist_id=request.specialist,
                completed_at=as_datetime(now),
                duration_ms=max(1, (now - since) // 1000),
                result=SortieResult(
                    success=not request.failed, summary=request.summary, artifacts=request.artifacts or None
                ),
            )
        ]

    return _move(fleet, request, request.sortie, decide)


def sortie_cancel(fleet: Fleet, request: SortieCancel) -> Done[Sortie]:
    """Cancel a sortie that nobody needs any more.

    Example: fleet sortie cancel routes --because duplicate
    """

    def decide(sortie: Sortie, now: int) -> list[EventType]:
        check_move("sortie", sortie.sortie_id, sortie.status, "cancel")
        return [
            SortieClosed(
                sortie_id=sortie.sortie_id,
                closed_at=as_datetime(now),
                close_reason=request.because,
                closed_by=request.by,
            )
        ]

    return _move(fleet, request, request.sortie, decide)


def sortie_show(fleet: Fleet, request: SortieShow) -> Sortie:
    """Show one sortie.

    Example: fleet sortie show routes --as-of 2026-01-02T10:21:32Z
    """
    found = fleet.view(SORTIES, request.as_of).get(request.sortie)
    if found is None:
        raise _unknown(request.sortie)
    return found


def sortie_list(fleet: Fleet, request: SortieList) -> Page[Sortie]:
    """List sorties, the oldest first.

    Example: fleet sortie list --mission oauth --status blocked
    """
    said = {
        "mission_id": request.mission,
        "assigned_to": request.specialist,
        "status": request.status,
        "priority": request.priority,
    }
    where = {field: value for field, value in said.items() if value is not None}
    return fleet.view(SORTIES, request.as_of).select(where, after=request.after, limit=request.limit)


def _move(
    fleet: Fleet, request: Write, sortie_id: str, what_follows: Callable[[Sortie, int], list[EventType]]
) -> Done[Sortie]:
    """Record what follows from a request in the light of the sortie as it is; each event causes the next."""

    def decide(decision: Decision) -> Stream:
        target = stream(sortie_id)
        sortie = decision.look(SORTIES, target)
        if sortie is None:
            raise _unknown(sortie_id)
        cause = sortie.last_event
        for event in what_follows(sortie, decision.now):
            cause = decision.record(target, event, cause=cause, tags=_tags(sortie.mission_id))
        return target

    return fleet.decide(request, SORTIES, decide)


def _tags(mission_id: str | None) -> tuple[str, ...]:
    return () if mission_id is None else (mission_stream(mission_id).tag,)


def _status_change(sortie: Sortie, status: str, by: str, reason: str | None) -> SortieStatusChanged:
    return SortieStatusChanged(
        sortie_id=sortie.sortie_id,
        previous_status=sortie.status,
        new_status=status,
        changed_by=by,
        reason=reason,
    )


def _open_mission(decision: Decision, mission_id: str) -> Mission:
    mission = decision.look(MISSIONS, mission_stream(mission_id))
    if mission is None:
        raise unknown_mission(mission_id)
    if mission.status not in MISSION_OPEN:
        raise Conflict(
            f"mission {mission_id} is {mission.status} and takes no more sorties",
            remedy="create another mission, or a sortie without one",
            status=mission.status,
        )
    return mission


def _check_registered(fleet: Fleet, specialist_id: str | None) -> None:
    """Nobody can be unregistered, so the decision need not depend on what the specialist does meanwhile."""
    if specialist_id is not None and fleet.view(SPECIALISTS).get(specialist_id) is None:
        raise unknown(specialist_id)


def _check_assignee(sortie: Sortie, specialist_id: str) -> None:
    """Of an open sortie: what is over is nobody's any more, and its state says so better."""
    if sortie.status in SORTIE_OPEN and sortie.assigned_to not in (None, specialist_id):
        raise Conflict(
            f"sortie {sortie.sortie_id} is {sortie.status} and belongs to {sortie.assigned_to},"
            f" not to {specialist_id}",
            remedy=f"look for another in 'fleet sortie list --status pending', or have it handed over:"
            f" fleet sortie assign {sortie.sortie_id} {specialist_id}",
            assigned_to=sortie.assigned_to,
            status=sortie.status,
        )


def _unknown(sortie_id: str) -> NotFound:
    return NotFound(
        f"there is no sortie {sortie_id!r}",
        remedy="see 'fleet sortie list' for those there are",
        sortie=sortie_id,
    )
