"""Specialists as they are, folded from what happened to them."""

from datetime import datetime
from typing import Any, Final

import msgspec

from fleet_core.api import EventType, Projection, Recorded, Stream
from fleet_specialists.events import Activity, SpecialistActive, SpecialistRegistered

STREAM_TYPE: Final = "specialist"


class Specialist(msgspec.Struct, frozen=True, kw_only=True):
    """A worker of the fleet. `last_seen` is when it last spoke of itself, `last_event` what it said."""

    specialist_id: str
    name: str
    status: Activity
    current_sortie: str | None
    last_seen: datetime
    capabilities: tuple[str, ...]
    registered_at: datetime
    last_event: str


def stream(specialist_id: str) -> Stream:
    """The stream of a specialist's events."""
    return Stream(STREAM_TYPE, specialist_id)


def key(event: Recorded) -> str | None:
    """Whose state an event concerns: nobody's in streams of other kinds, such as imported mailboxes."""
    return event.stream_id if event.stream_type == STREAM_TYPE else None


def evolve(state: Specialist | None, event: Recorded) -> Specialist | None:
    """The specialist after an event. What is not understood, or precedes a registration, changes nothing."""
    known = event.known
    if state is None:
        return _newcomer(known, event) if isinstance(known, SpecialistRegistered) else None
    changes = _changes(known)
    if changes is None:
        return state
    return msgspec.structs.replace(state, last_seen=event.occurred_at, last_event=event.id, **changes)


def _newcomer(registered: SpecialistRegistered, event: Recorded) -> Specialist:
    return Specialist(
        specialist_id=event.stream_id,
        name=registered.name,
        status="active",
        capabilities=registered.capabilities or (),
        current_sortie=None,
        registered_at=event.occurred_at,
        last_seen=event.occurred_at,
        last_event=event.id,
    )


def _changes(known: EventType | None) -> dict[str, Any] | None:
    match known:
        case SpecialistRegistered():
            return {"name": known.name, "capabilities": known.capabilities or ()}
        case SpecialistActive():
            return {"status": known.status, "current_sortie": known.current_sortie}
    return None


SPECIALISTS: Final = Projection(
    name="specialists",
    state=Specialist,
    types=(SpecialistRegistered.type_name, SpecialistActive.type_name),
    key=key,
    evolve=evolve,
)
"""The specialists of the fleet, by id."""
