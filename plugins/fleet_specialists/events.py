"""What happens to specialists."""

from typing import ClassVar, Literal

import msgspec

from fleet_core.api import EventType, JsonObject, Moment, Uuid

Activity = Literal["active", "busy", "idle"]
"""What a living specialist is doing."""

CompletionReason = Literal["success", "error", "timeout", "cancelled"]
"""Why a specialist's work ended."""


class Metrics(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a specialist's process uses: memory in megabytes, age in seconds."""

    memory_mb: float | None = None
    uptime_seconds: float | None = None


class SpecialistRegistered(EventType, frozen=True, kw_only=True):
    """A specialist joined the fleet under a name, or said anew who it is.

    `role` is what it is there for, such as coordinator or reviewer; `program` and `model` are what it is.
    """

    type_name: ClassVar[str] = "specialist_registered"

    specialist_id: str
    name: str
    role: str | None = None
    program: str | None = None
    model: str | None = None
    capabilities: tuple[str, ...] | None = None
    metadata: JsonObject | None = None


class SpecialistActive(EventType, frozen=True, kw_only=True):
    """A specialist said that it is alive, and what it is doing."""

    type_name: ClassVar[str] = "specialist_active"

    specialist_id: str
    status: Activity = "active"
    current_sortie: str | None = None
    metrics: Metrics | None = None


class SpecialistSpawned(EventType, frozen=True, kw_only=True):
    """A specialist was started by somebody, perhaps for a mission or a sortie."""

    type_name: ClassVar[str] = "specialist_spawned"

    specialist_id: str
    name: str
    spawned_by: str
    mission_id: str | None = None
    sortie_id: str | None = None
    config: JsonObject | None = None


class SpecialistCompleted(EventType, frozen=True, kw_only=True):
    """A specialist's work ended, well or not."""

    type_name: ClassVar[str] = "specialist_completed"

    specialist_id: str
    completed_at: Moment
    reason: CompletionReason
    final_checkpoint_id: Uuid | None = None
    summary: str | None = None


class SpecialistLost(EventType, frozen=True, kw_only=True):
    """A specialist's session ended without its doing: nothing was heard of it, or somebody took it away.

    FleetTools has no type for this one.
    """

    type_name: ClassVar[str] = "specialist_lost"

    specialist_id: str
    lost_at: Moment
    last_seen: Moment | None = None
    reason: str | None = None


EVENT_TYPES: tuple[type[EventType], ...] = (
    SpecialistRegistered,
    SpecialistActive,
    SpecialistSpawned,
    SpecialistCompleted,
    SpecialistLost,
)
"""All of them, as the plugin contributes them."""
