"""Specialists as they are, folded from what happened to them and to their sessions."""

from datetime import datetime
from typing import Any, Final, Literal

import msgspec

from fleet_core.api import EventType, Projection, Recorded, Stream
from fleet_leases.api import LeaseGranted, LeaseRenewed
from fleet_specialists.events import (
    SpecialistActive,
    SpecialistCompleted,
    SpecialistLost,
    SpecialistRegistered,
)

STREAM_TYPE: Final = "specialist"

_SESSION: Final = "session:"

Status = Literal["active", "busy", "idle", "late", "lost", "retired"]
"""What a specialist is doing. It is `late` while its time is over and nobody has recorded that yet, which
only readers of the present see; `lost` once somebody has; `retired` by its own word or its coordinator's.
"""


class Specialist(msgspec.Struct, frozen=True, kw_only=True):
    """A worker of the fleet. `last_seen` is its last sign of life, `token` that of its latest session."""

    specialist_id: str
    name: str
    status: Status
    role: str | None
    current_sortie: str | None
    last_seen: datetime
    capabilities: tuple[str, ...]
    program: str | None
    model: str | None
    token: int | None
    registered_at: datetime
    last_event: str


def stream(specialist_id: str) -> Stream:
    """The stream of a specialist's events."""
    return Stream(STREAM_TYPE, specialist_id)


def key(event: Recorded) -> str | None:
    """Whose state an event concerns: its own stream's, or that of the session's holder. Nobody's in streams
    of other kinds, such as imported mailboxes.
    """
    if event.stream_type == STREAM_TYPE:
        return event.stream_id
    if event.stream_type == "lease" and event.stream_id.startswith(_SESSION):
        return event.stream_id.removeprefix(_SESSION)
    return None


def evolve(state: Specialist | None, event: Recorded) -> Specialist | None:
    """The specialist after an event. What is not understood, or precedes a registration, changes nothing."""
    known = event.known
    if state is None:
        return _newcomer(known, event) if isinstance(known, SpecialistRegistered) else None
    changes = _changes(state, known, event)
    if changes is None:
        return state
    own = {"last_event": event.id} if event.stream_type == STREAM_TYPE else {}
    return msgspec.structs.replace(state, **own, **changes)


def _newcomer(registered: SpecialistRegistered, event: Recorded) -> Specialist:
    return Specialist(
        specialist_id=event.stream_id,
        name=registered.name,
        status="active",
        role=registered.role,
        capabilities=registered.capabilities or (),
        program=registered.program,
        model=registered.model,
        current_sortie=None,
        token=None,
        registered_at=event.occurred_at,
        last_seen=event.occurred_at,
        last_event=event.id,
    )


def _changes(state: Specialist, known: EventType | None, event: Recorded) -> dict[str, Any] | None:
    seen = {"last_seen": event.occurred_at}
    match known:
        case SpecialistRegistered():
            return seen | {
                "name": known.name,
                "role": known.role,
                "program": known.program,
                "model": known.model,
                "capabilities": known.capabilities or (),
            }
        case SpecialistActive():
            return seen | {"status": known.status, "current_sortie": known.current_sortie}
        case LeaseGranted():
            return seen | {"status": "active", "token": event.position}
        case LeaseRenewed() if known.token == state.token:
            return seen
        case SpecialistLost():
            return {"status": "lost", "current_sortie": None}
        case SpecialistCompleted():
            return seen | {"status": "retired", "current_sortie": None}
    return None


SPECIALISTS: Final = Projection(
    name="specialists",
    state=Specialist,
    types=(
        SpecialistRegistered.type_name,
        SpecialistActive.type_name,
        SpecialistLost.type_name,
        SpecialistCompleted.type_name,
        LeaseGranted.type_name,
        LeaseRenewed.type_name,
    ),
    key=key,
    evolve=evolve,
    version=2,
)
"""The specialists of the fleet, by id."""
