"""Checkpoints that can be recovered from, folded from what happened to them."""

from datetime import datetime
from typing import Any, Final

import msgspec

from fleet_checkpoints.context import Trigger
from fleet_checkpoints.events import CheckpointCreated, CheckpointPruned, FleetRecovered
from fleet_core.api import Projection, Recorded, Stream

STREAM_TYPE: Final = "checkpoint"


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True):
    """A checkpoint; what it holds is in the event at `position`. `recovered_by` is who went on from it last,
    and `recovered_under` the token of its session.
    """

    checkpoint_id: str
    sortie_id: str | None
    mission_id: str | None
    specialist_id: str
    trigger: Trigger
    details: str
    progress: int
    created_at: datetime
    position: int
    recovered_by: str | None = None
    recovered_under: int | None = None
    last_event: str


def stream(checkpoint_id: str) -> Stream:
    """The stream of a checkpoint's events."""
    return Stream(STREAM_TYPE, checkpoint_id)


def key(event: Recorded) -> str | None:
    """The checkpoint that an event concerns."""
    return event.stream_id if event.stream_type == STREAM_TYPE else None


def evolve(state: Checkpoint | None, event: Recorded) -> Checkpoint | None:
    """The checkpoint after an event; one that was pruned is gone."""
    match event.known:
        case CheckpointCreated() as created if state is None:
            return _created(created, event)
        case CheckpointPruned():
            return None
        case FleetRecovered() as recovered if state is not None:
            return msgspec.structs.replace(
                state,
                recovered_by=recovered.specialist_id,
                recovered_under=recovered.session,
                last_event=event.id,
            )
    return state


def _created(created: CheckpointCreated, event: Recorded) -> Checkpoint:
    """Its context may be one that FleetTools wrote, or a stranger: every field of it may be missing."""
    context = created.context
    trigger = context.get("trigger")
    return Checkpoint(
        checkpoint_id=event.stream_id,
        sortie_id=_text(context.get("sortie_id")) or next(iter(created.active_sorties), None),
        mission_id=_text(context.get("mission_id")),
        specialist_id=created.specialist_id,
        trigger=trigger if trigger in ("progress", "error", "compaction") else "manual",
        details=_text(context.get("details")) or "",
        progress=progress if isinstance(progress := context.get("progress"), int) else 0,
        created_at=event.recorded_at,
        position=event.position,
        last_event=event.id,
    )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


CHECKPOINTS: Final = Projection(
    name="checkpoints",
    state=Checkpoint,
    types=(CheckpointCreated.type_name, FleetRecovered.type_name, CheckpointPruned.type_name),
    key=key,
    evolve=evolve,
)
"""The checkpoints, by id."""
