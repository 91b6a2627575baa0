"""What can be done with missions. Each function is offered under its name in pyproject.toml."""

from typing import Annotated

from msgspec import Meta

from fleet_core.api import (
    Conflict,
    Decision,
    Done,
    Fleet,
    Match,
    NotFound,
    Page,
    Read,
    Stream,
    Write,
    as_datetime,
)
from fleet_leases.api import settle
from fleet_missions.claims import end_claim
from fleet_missions.events import (
    MissionCancelled,
    MissionCompleted,
    MissionCreated,
    MissionResult,
    MissionStarted,
    Priority,
    SortieClosed,
)
from fleet_missions.ids import MissionId, new_id
from fleet_missions.mission_state import MISSIONS, Mission, duration_ms, stream
from fleet_missions.moves import SORTIE_OPEN, MissionStatus, check_move
from fleet_missions.sortie_state import SORTIES, Sortie, tags_of
from fleet_missions.sortie_state import stream as sortie_stream


class MissionCreate(Write, frozen=True, kw_only=True):
    """A mission to plan."""

    title: Annotated[
        str, Meta(description="What is to be reached, in a few words.", min_length=1, max_length=200)
    ]
    description: Annotated[str | None, Meta(description="What a worker must know of it.")] = None
    priority: Annotated[Priority, Meta(description="How urgent it is.")] = "medium"
    review: Annotated[bool, Meta(description="A reviewer must approve each of its sorties.")] = False
    id: Annotated[MissionId | None, Meta(description="Its id; made up when left out.")] = None


class MissionStart(Write, frozen=True, kw_only=True):
    """A mission to start."""

    mission: MissionId


class MissionComplete(Write, frozen=True, kw_only=True):
    """A mission that is done."""

    mission: MissionId
    summary: Annotated[str | None, Meta(description="What was reached.")] = None


class MissionCancel(Write, frozen=True, kw_only=True):
    """A mission to give up."""

    mission: MissionId
    reason: Annotated[str | None, Meta(description="Why it is given up.")] = None
    by: Annotated[str, Meta(description="Who decides it.", min_length=1)] = "coordinator"


class MissionShow(Read, frozen=True, kw_only=True):
    """Which mission."""

    mission: MissionId


class MissionList(Read, frozen=True, kw_only=True):
    """Which missions."""

    status: Annotated[MissionStatus | None, Meta(description="Only those that stand there.")] = None
    priority: Annotated[Priority | None, Meta(description="Only those as urgent as this.")] = None
    after: Annotated[
        str | None, Meta(description="Go on after this id, which an earlier answer gave as next.")
    ] = None
    limit: Annotated[int, Meta(description="How many at most.", ge=1, le=1000)] = 50


def mission_create(fleet: Fleet, request: MissionCreate) -> Done[Mission]:
    """Create a mission: a goal that sorties lead to.

    Example: fleet mission create "OAuth login" --id oauth --priority high
    """

    def decide(decision: Decision) -> Stream:
        mission_id = request.id or new_id("msn", fleet.ids)
        target = stream(mission_id)
        if decision.look(MISSIONS, target) is not None:
            raise Conflict(
                f"there is a mission {mission_id} already",
                remedy=f"see 'fleet mission show {mission_id}', or choose another id",
            )
        decision.record(
            target,
            MissionCreated(
                mission_id=mission_id,
                title=request.title,
                description=request.description,
                priority=request.priority,
                review=request.review,
            ),
        )
        return target

    settle(fleet)
    return fleet.decide(request, MISSIONS, decide)


def mission_start(fleet: Fleet, request: MissionStart) -> Done[Mission]:
    """Start a mission.

    Example: fleet mission start oauth
    """

    def decide(decision: Decision) -> Stream:
        mission, sorties = _look(decision, request.mission)
        check_move("mission", request.mission, mission.status, "start")
        started = MissionStarted(
            mission_id=request.mission,
            started_at=as_datetime(decision.now),
            initial_sorties=tuple(sortie.sortie_id for sortie in sorties),
        )
        target = stream(request.mission)
        decision.record(target, started, cause=mission.last_event)
        return target

    settle(fleet)
    return fleet.decide(request, MISSIONS, decide)


def mission_complete(fleet: Fleet, request: MissionComplete) -> Done[Mission]:
    """Complete a mission whose sorties are all completed or cancelled.

    Example: fleet mission complete oauth --summary "users log in"
    """

    def decide(decision: Decision) -> Stream:
        mission, sorties = _look(decision, request.mission)
        check_move("mission", request.mission, mission.status, "complete")
        _check_all_closed(request.mission, sorties)
        completed = MissionCompleted(
            mission_id=request.mission,
            completed_at=as_datetime(decision.now),
            duration_ms=duration_ms(mission, as_datetime(decision.now)),
            result=MissionResult(
                success=True,
                sorties_completed=mission.sorties_completed,
                sorties_failed=0,
                summary=request.summary,
            ),
        )
        target = stream(request.mission)
        decision.record(target, completed, cause=_last_word(mission, sorties))
        return target

    settle(fleet)
    return fleet.decide(request, MISSIONS, decide)


def mission_cancel(fleet: Fleet, request: MissionCancel) -> Done[Mission]:
    """Cancel a mission and all its open sorties, in one step; who works on one has it no more.

    Example: fleet mission cancel oauth --reason "the customer left"
    """

    def decide(decision: Decision) -> Stream:
        mission, sorties = _look(decision, request.mission)
        check_move("mission", request.mission, mission.status, "cancel")
        cancelled = MissionCancelled(
            mission_id=request.mission,
            cancelled_at=as_datetime(decision.now),
            cancelled_by=request.by,
            reason=request.reason,
        )
        target = stream(request.mission)
        cause = decision.record(target, cancelled, cause=mission.last_event)
        for sortie in sorties:
            if sortie.status in SORTIE_OPEN:
                _cancel_sortie(decision, sortie, request, cause)
        return target

    settle(fleet)
    return fleet.decide(request, MISSIONS, decide)


def _cancel_sortie(decision: Decision, sortie: Sortie, request: MissionCancel, cause: str) -> None:
    closed = SortieClosed(
        sortie_id=sortie.sortie_id,
        closed_at=as_datetime(decision.now),
        close_reason="cancelled",
        closed_by=request.by,
    )
    target = sortie_stream(sortie.sortie_id)
    end = decision.record(target, closed, cause=cause, tags=tags_of(sortie.mission_id))
    end_claim(decision, sortie.sortie_id, "forced", by=request.by, reason=request.reason, cause=end)


def mission_show(fleet: Fleet, request: MissionShow) -> Mission:
    """Show one mission.

    Example: fleet mission show oauth --as-of 2h
    """
    found = fleet.view(MISSIONS, request.as_of).get(request.mission)
    if found is None:
        raise unknown_mission(request.mission)
    return found


def mission_list(fleet: Fleet, request: MissionList) -> Page[Mission]:
    """List missions, the oldest first.

    Example: fleet mission list --status in_progress
    """
    said = {"status": request.status, "priority": request.priority}
    where = {field: value for field, value in said.items() if value is not None}
    return fleet.view(MISSIONS, request.as_of).select(where, after=request.after, limit=request.limit)


def unknown_mission(mission_id: str) -> NotFound:
    """What to say of a mission that there is not."""
    return NotFound(
        f"there is no mission {mission_id!r}",
        remedy="see 'fleet mission list' for those there are",
        mission=mission_id,
    )


def _look(decision: Decision, mission_id: str) -> tuple[Mission, list[Sortie]]:
    """A mission and all its sorties; the decision depends on whatever happens to any of them."""
    target = stream(mission_id)
    decision.depend_on(Match(tags=(target.tag,)))
    mission = decision.look(MISSIONS, target)
    if mission is None:
        raise unknown_mission(mission_id)
    return mission, decision.view(SORTIES).select({"mission_id": mission_id}).items


def _check_all_closed(mission_id: str, sorties: list[Sortie]) -> None:
    still_open = [sortie for sortie in sorties if sortie.status in SORTIE_OPEN]
    if still_open:
        some = ", ".join(f"{sortie.sortie_id} ({sortie.status})" for sortie in still_open[:3])
        raise Conflict(
            f"mission {mission_id} has {len(still_open)} open sorties, such as {some}",
            remedy=f"complete or cancel them first; see 'fleet sortie list --mission {mission_id}'",
            open_sorties=[sortie.sortie_id for sortie in still_open],
        )


def _last_word(mission: Mission, sorties: list[Sortie]) -> str:
    """What made the mission complete: the end of its last sortie or, without any, its own last event."""
    ended = [
        (sortie.completed_at, sortie.last_event) for sortie in sorties if sortie.completed_at is not None
    ]
    return max(ended)[1] if ended else mission.last_event
