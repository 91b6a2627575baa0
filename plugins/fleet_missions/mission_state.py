"""Missions as they are, folded from what happened to them and to their sorties."""

from datetime import datetime
from typing import Any, Final

import msgspec

from fleet_core.api import EventType, Projection, Recorded, Stream, as_microseconds
from fleet_missions import sortie_state
from fleet_missions.events import (
    MissionCancelled,
    MissionCompleted,
    MissionCreated,
    MissionStarted,
    Priority,
    SortieClosed,
    SortieCompleted,
    SortieCreated,
)
from fleet_missions.moves import MissionStatus

STREAM_TYPE: Final = "mission"

_TAG: Final = f"{STREAM_TYPE}:"


class Mission(msgspec.Struct, frozen=True, kw_only=True):
    """A goal, and how many of its sorties are done.

    `progress` is the percentage of its sorties that are completed; cancelled ones do not count. With `review`
    all its sorties need one. `duration_ms` is the time from its start, or else its creation, to its end;
    `last_event` the last one of its own stream.
    """

    mission_id: str
    title: str
    status: MissionStatus
    priority: Priority
    progress: int = 0
    sorties_total: int = 0
    sorties_completed: int = 0
    sorties_cancelled: int = 0
    review: bool = False
    summary: str | None = None
    description: str
    created_at: datetime
    started_at: datetime | None = None
    completed_at: datetime | None = None
    duration_ms: int | None = None
    last_event: str


def stream(mission_id: str) -> Stream:
    """The stream of a mission's events. Those of its sorties join its state by the stream's tag."""
    return Stream(STREAM_TYPE, mission_id)


def key(event: Recorded) -> str | None:
    """Whose state an event concerns: its own stream's, or by tag that of the mission a sortie belongs to."""
    if event.stream_type == STREAM_TYPE:
        return event.stream_id
    if event.stream_type != sortie_state.STREAM_TYPE:
        return None
    return next((tag.removeprefix(_TAG) for tag in event.tags if tag.startswith(_TAG)), None)


def evolve(state: Mission | None, event: Recorded) -> Mission | None:
    """The mission after an event. What is not understood, or precedes its creation, changes nothing."""
    known = event.known
    if state is None:
        return _created(known, event) if isinstance(known, MissionCreated) else None
    own = _own_changes(state, known)
    if own is not None:
        return msgspec.structs.replace(state, last_event=event.id, **own)
    return _progressed(msgspec.structs.replace(state, **_counted(state, known)))


def _created(created: MissionCreated, event: Recorded) -> Mission:
    return Mission(
        mission_id=event.stream_id,
        title=created.title,
        description=created.description or "",
        priority=created.priority,
        review=created.review,
        status="pending",
        created_at=event.occurred_at,
        last_event=event.id,
    )


def _own_changes(state: Mission, known: EventType | None) -> dict[str, Any] | None:
    match known:
        case MissionStarted():
            return {"status": "in_progress", "started_at": known.started_at}
        case MissionCompleted():
            return {
                "status": "completed",
                "completed_at": known.completed_at,
                "duration_ms": known.duration_ms,
                "summary": known.result.summary,
            }
        case MissionCancelled():
            return {
                "status": "cancelled",
                "completed_at": known.cancelled_at,
                "duration_ms": duration_ms(state, known.cancelled_at),
                "summary": known.reason,
            }
    return None


def duration_ms(mission: Mission, end: datetime) -> int:
    """Milliseconds from a mission's start, or else its creation, to its end; at least one."""
    since = mission.started_at or mission.created_at
    return max(1, (as_microseconds(end) - as_microseconds(since)) // 1000)


def _counted(state: Mission, known: EventType | None) -> dict[str, int]:
    match known:
        case SortieCreated():
            return {"sorties_total": state.sorties_total + 1}
        case SortieCompleted() if known.result.success:
            return {"sorties_completed": state.sorties_completed + 1}
        case SortieClosed() if known.close_reason == "completed":
            return {"sorties_completed": state.sorties_completed + 1}
        case SortieClosed():
            return {"sorties_cancelled": state.sorties_cancelled + 1}
    return {}


def _progressed(state: Mission) -> Mission:
    wanted = state.sorties_total - state.sorties_cancelled
    progress = 100 * state.sorties_completed // wanted if wanted > 0 else 0
    return msgspec.structs.replace(state, progress=progress)


MISSIONS: Final = Projection(
    name="missions",
    state=Mission,
    types=(
        MissionCreated.type_name,
        MissionStarted.type_name,
        MissionCompleted.type_name,
        MissionCancelled.type_name,
        SortieCreated.type_name,
        SortieCompleted.type_name,
        SortieClosed.type_name,
    ),
    key=key,
    evolve=evolve,
    version=2,
)
"""The missions, by id."""
