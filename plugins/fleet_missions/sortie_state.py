"""Sorties as they are, folded from what happened to them."""

from datetime import datetime
from typing import Any, Final, get_args

import msgspec

from fleet_core.api import EventType, Projection, Recorded, Stream
from fleet_missions.events import (
    BlockerType,
    Priority,
    SortieBlocked,
    SortieClosed,
    SortieCompleted,
    SortieCreated,
    SortieProgress,
    SortieStarted,
    SortieStatusChanged,
    SortieUpdated,
)
from fleet_missions.moves import SortieStatus

STREAM_TYPE: Final = "sortie"

_STATUSES: Final = frozenset(get_args(SortieStatus))


class Sortie(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of work for one specialist at a time.

    `progress` is a percentage, `duration_ms` the time from its first start to its end; the `block` fields say
    what it waits for while it is blocked.
    """

    sortie_id: str
    title: str
    status: SortieStatus
    assigned_to: str | None
    progress: int
    priority: Priority
    mission_id: str | None
    status_message: str | None = None
    blocked_reason: str | None = None
    blocker_type: BlockerType | None = None
    blocker: str | None = None
    summary: str | None = None
    description: str
    created_at: datetime
    started_at: datetime | None = None
    completed_at: datetime | None = None
    duration_ms: int | None = None
    last_event: str


def stream(sortie_id: str) -> Stream:
    """The stream of a sortie's events."""
    return Stream(STREAM_TYPE, sortie_id)


def key(event: Recorded) -> str | None:
    """Whose state an event concerns: nobody's in streams of other kinds, such as imported mailboxes."""
    return event.stream_id if event.stream_type == STREAM_TYPE else None


def evolve(state: Sortie | None, event: Recorded) -> Sortie | None:
    """The sortie after an event. What is not understood, or precedes its creation, changes nothing."""
    known = event.known
    if state is None:
        return _created(known, event) if isinstance(known, SortieCreated) else None
    changes = _changes(state, known)
    if changes is None:
        return state
    return msgspec.structs.replace(state, last_event=event.id, **changes)


def _created(created: SortieCreated, event: Recorded) -> Sortie:
    return Sortie(
        sortie_id=event.stream_id,
        mission_id=created.mission_id,
        title=created.title,
        description=created.description or "",
        priority=created.priority,
        status="assigned" if created.assigned_to else "pending",
        assigned_to=created.assigned_to,
        progress=0,
        created_at=event.occurred_at,
        last_event=event.id,
    )


_NOT_BLOCKED: Final[dict[str, Any]] = {"blocked_reason": None, "blocker_type": None, "blocker": None}
_NOT_OVER: Final[dict[str, Any]] = {"completed_at": None, "duration_ms": None, "summary": None}


def _changes(state: Sortie, known: EventType | None) -> dict[str, Any] | None:
    match known:
        case SortieUpdated():
            return _updated(known)
        case SortieStatusChanged():
            return _moved(known)
        case SortieStarted():
            return {
                "status": "in_progress",
                "assigned_to": known.specialist_id,
                "started_at": state.started_at or known.started_at,
                **_NOT_BLOCKED,
            }
        case SortieProgress():
            return {"progress": known.progress, "status_message": known.status_message}
        case SortieBlocked():
            return {
                "status": "blocked",
                "blocked_reason": known.reason,
                "blocker_type": known.blocker_type,
                "blocker": known.blocker_id,
            }
        case SortieCompleted():
            return _completed(state, known)
        case SortieClosed():
            status = "completed" if known.close_reason == "completed" else "cancelled"
            return {"status": status, "completed_at": known.closed_at, **_NOT_BLOCKED}
    return None


def _updated(known: SortieUpdated) -> dict[str, Any]:
    changes = known.changes
    said = {
        "title": changes.title,
        "description": changes.description,
        "priority": changes.priority,
        "assigned_to": changes.assigned_to,
    }
    return {field: value for field, value in said.items() if value is not None}


def _moved(known: SortieStatusChanged) -> dict[str, Any] | None:
    if known.new_status not in _STATUSES:
        return None
    return {"status": known.new_status, **_NOT_BLOCKED, **_NOT_OVER}


def _completed(state: Sortie, known: SortieCompleted) -> dict[str, Any]:
    success = known.result.success
    return {
        "status": "completed" if success else "failed",
        "progress": 100 if success else state.progress,
        "summary": known.result.summary,
        "completed_at": known.completed_at,
        "duration_ms": known.duration_ms,
        **_NOT_BLOCKED,
    }


SORTIES: Final = Projection(
    name="sorties",
    state=Sortie,
    types=(
        SortieCreated.type_name,
        SortieUpdated.type_name,
        SortieStatusChanged.type_name,
        SortieStarted.type_name,
        SortieProgress.type_name,
        SortieBlocked.type_name,
        SortieCompleted.type_name,
        SortieClosed.type_name,
    ),
    key=key,
    evolve=evolve,
)
"""The sorties, by id."""
