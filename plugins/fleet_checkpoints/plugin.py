"""What this plugin contributes to a fleet."""

from collections.abc import Sequence
from typing import Any

from fleet_core.api import EventType, Projection, hookimpl


@hookimpl
def fleet_event_types() -> Sequence[type[EventType]]:
    """The event types of checkpoints and recoveries."""
    from fleet_checkpoints.events import EVENT_TYPES

    return EVENT_TYPES


@hookimpl
def fleet_projections() -> Sequence[Projection[Any]]:
    """The checkpoints that can be recovered from."""
    from fleet_checkpoints.state import CHECKPOINTS

    return (CHECKPOINTS,)
