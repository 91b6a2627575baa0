"""The sorties that are not over, a narrow row for each: what is ready is found here, however long the log."""

from typing import Any, Final, get_args

import msgspec

from fleet_core.api import EventType, Projection, Recorded
from fleet_missions.events import (
    Priority,
    ReviewCompleted,
    ReviewStarted,
    SortieBlocked,
    SortieClosed,
    SortieCompleted,
    SortieCreated,
    SortieStarted,
    SortieStatusChanged,
    SortieUpdated,
)
from fleet_missions.moves import SORTIE_OPEN, SortieStatus
from fleet_missions.sortie_state import key

RANKS: Final = {"critical": 0, "high": 1, "medium": 2, "low": 3}

_RANK: Final = 56
"""Bits of `place` below those of the rank: more than any log has positions."""


class OpenSortie(msgspec.Struct, frozen=True, kw_only=True):
    """A sortie that still needs somebody.

    `waits` is whether it waits for somebody to start it; `place` rises in the order in which that shall be
    done: the most urgent first, and of those the oldest.
    """

    sortie_id: str
    title: str
    status: SortieStatus
    waits: bool
    place: int
    priority: Priority
    mission_id: str | None
    assigned_to: str | None
    reviewer: str | None
    dependencies: tuple[str, ...]


def evolve(state: OpenSortie | None, event: Recorded) -> OpenSortie | None:
    """The row after an event; it leaves with its sortie's end. What is not understood changes nothing."""
    known = event.known
    if state is None:
        return _created(known, event) if isinstance(known, SortieCreated) else None
    if isinstance(known, SortieClosed) or (isinstance(known, SortieCompleted) and known.result.success):
        return None
    changes = _changes(state, known)
    status = changes.get("status", state.status)
    if status not in SORTIE_OPEN:
        return state if status not in get_args(SortieStatus) else None
    return msgspec.structs.replace(state, waits=status in ("pending", "assigned"), **changes)


def _created(created: SortieCreated, event: Recorded) -> OpenSortie:
    return OpenSortie(
        sortie_id=event.stream_id,
        title=created.title,
        status="assigned" if created.assigned_to else "pending",
        waits=True,
        place=_place(created.priority, event.position),
        priority=created.priority,
        mission_id=created.mission_id,
        assigned_to=created.assigned_to,
        reviewer=None,
        dependencies=created.dependencies or (),
    )


def _place(priority: Priority, position: int) -> int:
    return RANKS[priority] << _RANK | position


def _changes(state: OpenSortie, known: EventType | None) -> dict[str, Any]:
    match known:
        case SortieUpdated():
            return _updated(state, known)
        case SortieStatusChanged(new_status="pending" | "blocked"):
            return {"status": known.new_status, "assigned_to": None, "reviewer": None}
        case SortieStatusChanged():
            return {"status": known.new_status, "reviewer": None}
        case SortieStarted():
            return {"status": "in_progress", "assigned_to": known.specialist_id}
        case SortieBlocked():
            return {"status": "blocked"}
        case ReviewStarted():
            return {"reviewer": known.reviewer_id}
        case ReviewCompleted():
            return {"reviewer": None}
        case SortieCompleted():
            return {"status": "failed", "reviewer": None}
    return {}


def _updated(state: OpenSortie, known: SortieUpdated) -> dict[str, Any]:
    changes = known.changes
    said = {
        "title": changes.title,
        "priority": changes.priority,
        "assigned_to": changes.assigned_to,
        "dependencies": changes.dependencies,
    }
    found: dict[str, Any] = {field: value for field, value in said.items() if value is not None}
    if changes.priority is not None:
        found["place"] = _place(changes.priority, state.place & ((1 << _RANK) - 1))
    return found


OPEN_SORTIES: Final = Projection(
    name="open_sorties",
    state=OpenSortie,
    types=(
        SortieCreated.type_name,
        SortieUpdated.type_name,
        SortieStatusChanged.type_name,
        SortieStarted.type_name,
        SortieBlocked.type_name,
        ReviewStarted.type_name,
        ReviewCompleted.type_name,
        SortieCompleted.type_name,
        SortieClosed.type_name,
    ),
    key=key,
    evolve=evolve,
)
"""The open sorties, by id."""
