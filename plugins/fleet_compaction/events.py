"""What happens when streams are compacted."""

from typing import ClassVar, Literal

from fleet_core.api import EventType, Integer, Uuid

Trigger = Literal["threshold", "scheduled", "manual"]
"""Why a compaction started."""


class CompactionTriggered(EventType, frozen=True, kw_only=True):
    """A compaction started, of one stream or of all."""

    type_name: ClassVar[str] = "compaction_triggered"

    trigger: Trigger
    stream_type: str | None = None
    stream_id: str | None = None
    threshold_events: Integer | None = None
    threshold_age_hours: float | None = None


class ContextCompacted(EventType, frozen=True, kw_only=True):
    """A part of a stream was archived behind a snapshot."""

    type_name: ClassVar[str] = "context_compacted"

    stream_type: str
    stream_id: str
    from_sequence: Integer
    to_sequence: Integer
    events_compacted: Integer
    snapshot_id: Uuid


EVENT_TYPES: tuple[type[EventType], ...] = (CompactionTriggered, ContextCompacted)
"""All of them, as the plugin contributes them."""
