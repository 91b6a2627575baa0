"""Planning sorties and looking at them. Each function is offered under its name in pyproject.toml."""

from collections.abc import Callable

from fleet_core.api import Conflict, Decision, Done, EventType, Fleet, Page, Stream, Write, as_datetime
from fleet_leases.api import found, settle
from fleet_missions.claims import claim_id, end_claim
from fleet_missions.events import (
    SortieChanges,
    SortieClosed,
    SortieCreated,
    SortieStatusChanged,
    SortieUpdated,
)
from fleet_missions.ids import new_id
from fleet_missions.mission_operations import unknown_mission
from fleet_missions.mission_state import MISSIONS, Mission
from fleet_missions.mission_state import stream as mission_stream
from fleet_missions.moves import MISSION_OPEN, check_move
from fleet_missions.plan_operations import pattern_reader
from fleet_missions.planning import ReadPattern
from fleet_missions.sortie_requests import SortieAssign, SortieCancel, SortieCreate, SortieList, SortieShow
from fleet_missions.sortie_state import SORTIES, Sortie, stream, tags_of, unknown_sortie
from fleet_specialists.api import SPECIALISTS, unknown
from fleet_specialists.api import stream as specialist_stream


def sortie_create(fleet: Fleet, request: SortieCreate) -> Done[Sortie]:
    """Create a sortie: a piece of work for one specialist.

    Example: fleet sortie create "Token service" --mission oauth --id tokens --needs schema
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
        for needed in request.needs:
            _check_dependency(decision, needed, request.mission)
        if request.assign_to is not None:
            check_living(decision, request.assign_to)
        cause = None if mission is None else mission.last_event
        created = _created(sortie_id, request, mission, pattern_reader(fleet))
        decision.record(target, created, cause=cause, tags=tags_of(request.mission))
        return target

    settle(fleet)
    return fleet.decide(request, SORTIES, decide)


def _created(
    sortie_id: str, request: SortieCreate, mission: Mission | None, read: ReadPattern
) -> SortieCreated:
    files = tuple(read(text, f"$.files[{index}]").text for index, text in enumerate(request.files))
    return SortieCreated(
        sortie_id=sortie_id,
        mission_id=request.mission,
        title=request.title,
        description=request.description,
        priority=request.priority,
        assigned_to=request.assign_to,
        files=files or None,
        dependencies=request.needs or None,
        review=request.review or (mission is not None and mission.review),
    )


def sortie_assign(fleet: Fleet, request: SortieAssign) -> Done[Sortie]:
    """Assign a sortie to a specialist, or hand it over from one to another.

    Who worked on it until then has it no more, and is refused. Assigning it to whom it belongs already
    records nothing new.

    Example: fleet sortie assign routes bo
    """

    def decide(decision: Decision, sortie: Sortie) -> list[EventType]:
        check_move("sortie", sortie.sortie_id, sortie.status, "assign")
        check_living(decision, request.specialist)
        same = sortie.assigned_to == request.specialist
        lease = found(decision, claim_id(sortie.sortie_id))
        works_on_it = lease is not None and lease.status == "held" and lease.holder == request.specialist
        if same and (works_on_it or sortie.status == "assigned"):
            return []
        changed = SortieUpdated(
            sortie_id=sortie.sortie_id, changes=SortieChanges(assigned_to=request.specialist)
        )
        moved = status_change(sortie, "assigned", request.by, request.reason)
        return [
            *([] if same else [changed]),
            *([] if sortie.status == "assigned" else [moved]),
        ]

    return _move(fleet, request, request.sortie, decide, by=request.by, reason=request.reason)


def sortie_cancel(fleet: Fleet, request: SortieCancel) -> Done[Sortie]:
    """Say that a sortie needs no more work; who works on it has it no more.

    Example: fleet sortie cancel routes --because duplicate
    """

    def decide(decision: Decision, sortie: Sortie) -> list[EventType]:
        check_move("sortie", sortie.sortie_id, sortie.status, "cancel")
        return [
            SortieClosed(
                sortie_id=sortie.sortie_id,
                closed_at=as_datetime(decision.now),
                close_reason=request.because,
                closed_by=request.by,
            )
        ]

    return _move(fleet, request, request.sortie, decide, by=request.by, reason=request.because)


def _move(
    fleet: Fleet,
    request: Write,
    sortie_id: str,
    what_follows: Callable[[Decision, Sortie], list[EventType]],
    *,
    by: str,
    reason: str | None,
) -> Done[Sortie]:
    """Record what somebody else than its worker decides about a sortie; if anything, the claim on it ends."""

    def decide(decision: Decision) -> Stream:
        target = stream(sortie_id)
        sortie = decision.look(SORTIES, target)
        if sortie is None:
            raise unknown_sortie(sortie_id)
        cause = sortie.last_event
        for event in what_follows(decision, sortie):
            cause = decision.record(target, event, cause=cause, tags=tags_of(sortie.mission_id))
        if decision.recorded:
            end_claim(decision, sortie_id, "forced", by=by, reason=reason, cause=cause)
        return target

    settle(fleet)
    return fleet.decide(request, SORTIES, decide)


def sortie_show(fleet: Fleet, request: SortieShow) -> Sortie:
    """Show one sortie.

    Example: fleet sortie show routes --as-of 2026-01-02T10:21:32Z
    """
    found = fleet.view(SORTIES, request.as_of).get(request.sortie)
    if found is None:
        raise unknown_sortie(request.sortie)
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


def status_change(sortie: Sortie, status: str, by: str, reason: str | None) -> SortieStatusChanged:
    """What to record when somebody decides that a sortie stands elsewhere."""
    return SortieStatusChanged(
        sortie_id=sortie.sortie_id,
        previous_status=sortie.status,
        new_status=status,
        changed_by=by,
        reason=reason,
    )


def check_living(decision: Decision, specialist_id: str) -> None:
    """Accept a specialist that is there to work.

    Raises:
        NotFound, Conflict: nobody registered it; it is lost, or retired.
    """
    specialist = decision.look(SPECIALISTS, specialist_stream(specialist_id))
    if specialist is None:
        raise unknown(specialist_id)
    if specialist.status in ("lost", "retired"):
        raise Conflict(
            f"{specialist_id} is {specialist.status} and takes no work",
            remedy=f"choose another in 'fleet specialist list', or have it back:"
            f" 'fleet specialist register {specialist_id}'",
            status=specialist.status,
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


def _check_dependency(decision: Decision, needed: str, mission_id: str | None) -> None:
    """What is needed exists before, so no circle comes of it."""
    sortie = decision.look(SORTIES, stream(needed))
    if sortie is None:
        raise unknown_sortie(needed)
    if sortie.mission_id != mission_id:
        raise Conflict(
            f"sortie {needed} is of {_mission(sortie.mission_id)}, and this one of {_mission(mission_id)}",
            remedy="sorties need others of their own mission only",
        )
    if sortie.status == "cancelled":
        raise Conflict(f"sortie {needed} was cancelled", remedy="name one that will be completed")


def _mission(mission_id: str | None) -> str:
    return "no mission" if mission_id is None else f"mission {mission_id}"
