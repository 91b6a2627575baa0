"""Recording a checkpoint, by itself or together with what made for it."""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from fleet_checkpoints import files
from fleet_checkpoints.context import Context, Trigger
from fleet_checkpoints.events import CheckpointCreated
from fleet_checkpoints.gathering import gather
from fleet_checkpoints.state import stream
from fleet_core.api import Decision, EventType, Fleet, Query, id_text
from fleet_leases.api import Holding
from fleet_missions.api import Sortie, SortieBlocked, SortieCompleted, SortieProgress

QUARTERS: Final = (25, 50, 75)
"""Percentages at whose crossing a checkpoint is made."""


def record(decision: Decision, context: Context, *, cause: str | None = None) -> str:
    """Have a checkpoint recorded, and copied to a file once it is; returns its id."""
    checkpoint_id = id_text(decision.fleet.ids())
    created = CheckpointCreated(
        checkpoint_id=checkpoint_id,
        specialist_id=context.specialist_id,
        context=msgspec.to_builtins(context),
        active_sorties=(context.sortie_id,) if context.sortie_id else (),
        pending_messages=tuple(mail.message_id for mail in context.unread),
        held_locks=tuple(each.lease_id for each in context.reservations),
    )
    event_id = decision.record(stream(checkpoint_id), created, cause=cause, tags=_tags(context))
    decision.afterwards(lambda: _copy(decision.fleet, event_id, checkpoint_id, context))
    return checkpoint_id


def _tags(context: Context) -> tuple[str, ...]:
    named = {"sortie": context.sortie_id, "mission": context.mission_id}
    return tuple(f"{kind}:{value}" for kind, value in named.items() if value)


def _copy(fleet: Fleet, event_id: str, checkpoint_id: str, context: Context) -> None:
    event = next(fleet.store.read(Query.of(ids=(event_id,))))
    files.write(
        fleet.project, files.Copy(checkpoint_id=checkpoint_id, position=event.position, context=context)
    )


def join_in(
    decision: Decision, before: Sortie, event: EventType, event_id: str, holding: Holding | None
) -> None:
    """Make a checkpoint when progress crosses a quarter, each of those it crosses, and when work fails."""
    specialist = holding.specialist if holding else before.assigned_to
    if specialist is None:
        return
    after = _after(before, event)
    artifacts = (event.artifacts if isinstance(event, SortieProgress) else None) or ()
    for trigger, details in _reasons(before, event):
        context = gather(decision, specialist, after, trigger, details=details, files=artifacts)
        record(decision, context, cause=event_id)


def _reasons(before: Sortie, event: EventType) -> Iterator[tuple[Trigger, str]]:
    match event:
        case SortieProgress():
            crossed = [quarter for quarter in QUARTERS if before.progress < quarter <= event.progress]
            yield from (("progress", f"{quarter} %") for quarter in crossed)
        case SortieBlocked():
            yield "error", event.reason
        case SortieCompleted() if not event.result.success:
            yield "error", event.result.summary or "the sortie failed"


def _after(before: Sortie, event: EventType) -> Sortie:
    """The sortie as it stands with an event that is not recorded yet."""
    changes: dict[str, Any] = {}
    match event:
        case SortieProgress():
            changes = {"progress": event.progress, "status_message": event.status_message}
        case SortieBlocked():
            changes = {"status": "blocked", "blocked_reason": event.reason}
        case SortieCompleted() if not event.result.success:
            changes = {"status": "failed"}
    return msgspec.structs.replace(before, **changes)
