"""What happens to checkpoints, and what is recovered from them."""

from typing import ClassVar, Literal

from fleet_core.api import EventType, Integer, JsonObject, Moment, PositiveNumber, Uuid

Trigger = Literal["scheduled", "manual", "shutdown"]
"""Why the fleet was checkpointed."""

InjectionType = Literal["checkpoint", "manual", "migration"]
"""Where injected context came from."""


class CheckpointCreated(EventType, frozen=True, kw_only=True):
    """A specialist's context was saved, to be kept `ttl_hours` hours or for good."""

    type_name: ClassVar[str] = "checkpoint_created"

    checkpoint_id: Uuid
    specialist_id: str
    context: JsonObject
    active_sorties: tuple[str, ...]
    pending_messages: tuple[str, ...]
    held_locks: tuple[str, ...]
    ttl_hours: PositiveNumber | None = None


class FleetCheckpointed(EventType, frozen=True, kw_only=True):
    """The whole fleet was checkpointed, as of an event's position."""

    type_name: ClassVar[str] = "fleet_checkpointed"

    checkpoint_id: Uuid
    trigger: Trigger
    specialist_count: Integer
    event_sequence: Integer


class FleetRecovered(EventType, frozen=True, kw_only=True):
    """A specialist went on from a checkpoint.

    `session` is the token under which it did, `reservations` are the patterns that it reserved again, and
    `lost` those that others had by then.
    """

    type_name: ClassVar[str] = "fleet_recovered"

    checkpoint_id: Uuid
    specialist_id: str
    recovered_at: Moment
    context_restored: bool
    sorties_resumed: tuple[str, ...]
    session: int | None = None
    reservations: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()


class ContextInjected(EventType, frozen=True, kw_only=True):
    """A specialist was given context."""

    type_name: ClassVar[str] = "context_injected"

    specialist_id: str
    injection_type: InjectionType
    context: JsonObject
    source: str | None = None


class CheckpointPruned(EventType, frozen=True, kw_only=True):
    """A checkpoint is not needed any more: it is offered to nobody, and its file of `bytes` bytes is gone.
    FleetTools has no type for this one.
    """

    type_name: ClassVar[str] = "checkpoint_pruned"

    checkpoint_id: Uuid
    bytes: int = 0


EVENT_TYPES: tuple[type[EventType], ...] = (
    CheckpointCreated,
    FleetCheckpointed,
    FleetRecovered,
    ContextInjected,
    CheckpointPruned,
)
"""All of them, as the plugin contributes them."""
