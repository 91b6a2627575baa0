"""What this plugin contributes to a fleet."""

from collections.abc import Sequence

from fleet_core.api import EventType, hookimpl


@hookimpl
def fleet_event_types() -> Sequence[type[EventType]]:
    """The event types of compactions."""
    from fleet_compaction.events import EVENT_TYPES

    return EVENT_TYPES
