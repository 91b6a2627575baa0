"""Sorties as they are, folded from what happened to them."""

from datetime import datetime
from typing import Any, Final, get_args

import msgspec

from fleet_core.api import EventType, NotFound, Projection, Recorded, Stream
from fleet_missions.events import (
    BlockerType,
    Priority,
    ReviewCompleted,
    ReviewStarted,
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
    what it waits for while it is blocked. `review` is whether its work needs one, `strikes` counts those that
    found fault. While somebody works on it, the lease `claim:ID` says under which token.
    """

    sortie_id: str
    title: str
    status: SortieStatus
    assigned_to: str | None
    progress: int
    priority: Priority
    mission_id: str | None
    dependencies: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    status_message: str | None = None
    blocked_reason: str | None = None
    blocker_type: BlockerType | None = None
    blocker: str | None = None
    review: bool = False
    reviewer: str | None = None
    review_id: str | None = None
    strikes: int = 0
    summary: str | None = None
    description: str
    parent: str | None = None
    created_at: datetime
    started_at: datetime | None = None
    completed_at: datetime | None = None
    duration_ms: int | None = None
    last_event: str


def stream(sortie_id: str) -> Stream:
    """The stream of a sortie's events."""
    return Stream(STREAM_TYPE, sortie_id)


def tags_of(mission_id: str | None) -> tuple[str, ...]:
    """What marks the events of a mission's sorties, so that they join its state."""
    return () if mission_id is None else (Stream("mission", mission_id).tag,)


def unknown_sortie(sortie_id: str) -> NotFound:
    """What to say of a sortie that there is not."""
    return NotFound(
        f"there is no sortie {sortie_id!r}",
        remedy="see 'fleet sortie list' for those there are",
        sortie=sortie_id,
    )


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
        dependencies=created.dependencies or (),
        files=created.files or (),
        review=created.review,
        parent=created.parent,
        progress=0,
        created_at=event.occurred_at,
        last_event=event.id,
    )


_NOT_BLOCKED: Final[dict[str, Any]] = {"blocked_reason": None, "blocker_type": None, "blocker": None}
_NOT_REVIEWED: Final[dict[str, Any]] = {"reviewer": None, "review_id": None}
_NOT_OVER: Final[dict[str, Any]] = {"completed_at": None, "duration_ms": None, "summary": None}


def _changes(state: Sortie, known: EventType | None) -> dict[str, Any] | None:
    match known:
        case SortieUpdated():
            return _updated(known)
        case SortieStatusChanged():
            return _moved(known)
        case SortieStarted():
            return _started(state, known)
        case SortieProgress():
            return {"progress": known.progress, "status_message": known.status_message}
        case SortieBlocked():
            return _blocked(known)
        case ReviewStarted():
            return {"reviewer": known.reviewer_id, "review_id": known.review_id}
        case ReviewCompleted():
            return {"strikes": state.strikes + (known.verdict != "approved"), **_NOT_REVIEWED}
        case SortieCompleted():
            return _completed(state, known)
        case SortieClosed():
            return _closed(known)
    return None


def _updated(known: SortieUpdated) -> dict[str, Any]:
    changes = known.changes
    said = {
        "title": changes.title,
        "description": changes.description,
        "priority": changes.priority,
        "assigned_to": changes.assigned_to,
        "dependencies": changes.dependencies,
    }
    return {field: value for field, value in said.items() if value is not None}


def _moved(known: SortieStatusChanged) -> dict[str, Any] | None:
    """Back in the queue it is nobody's, and one that is blocked still is, for the same reason."""
    if known.new_status not in _STATUSES:
        return None
    changes = {"status": known.new_status, **_NOT_OVER, **_NOT_REVIEWED}
    if known.new_status in ("pending", "blocked"):
        changes["assigned_to"] = None
    return changes if known.new_status == "blocked" else changes | _NOT_BLOCKED


def _started(state: Sortie, known: SortieStarted) -> dict[str, Any]:
    return {
        "status": "in_progress",
        "assigned_to": known.specialist_id,
        "started_at": state.started_at or known.started_at,
        **_NOT_BLOCKED,
    }


def _blocked(known: SortieBlocked) -> dict[str, Any]:
    return {
        "status": "blocked",
        "blocked_reason": known.reason,
        "blocker_type": known.blocker_type,
        "blocker": known.blocker_id,
    }


def _completed(state: Sortie, known: SortieCompleted) -> dict[str, Any]:
    success = known.result.success
    return {
        "status": "completed" if success else "failed",
        "progress": 100 if success else state.progress,
        "summary": known.result.summary,
        "completed_at": known.completed_at,
        "duration_ms": known.duration_ms,
        **_NOT_BLOCKED,
        **_NOT_REVIEWED,
    }


def _closed(known: SortieClosed) -> dict[str, Any]:
    status = "completed" if known.close_reason == "completed" else "cancelled"
    ended = {"status": status, "completed_at": known.closed_at, **_NOT_BLOCKED, **_NOT_REVIEWED}
    return ended if known.reason is None else ended | {"summary": known.reason}


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
        ReviewStarted.type_name,
        ReviewCompleted.type_name,
        SortieCompleted.type_name,
        SortieClosed.type_name,
    ),
    key=key,
    evolve=evolve,
    version=2,
)
"""The sorties, by id."""
