"""What this plugin contributes to a fleet."""

from collections.abc import Sequence
from typing import Any

from fleet_core.api import EventType, Projection, hookimpl


@hookimpl
def fleet_event_types() -> Sequence[type[EventType]]:
    """The event types that tell of an earlier fleet."""
    from fleet_legacy import events, legacy_events

    return (*events.EVENT_TYPES, *legacy_events.EVENT_TYPES)


@hookimpl
def fleet_projections() -> Sequence[Projection[Any]]:
    """The mailboxes, cursors and locks that FleetTools left."""
    from fleet_legacy.state import PROJECTIONS

    return PROJECTIONS
