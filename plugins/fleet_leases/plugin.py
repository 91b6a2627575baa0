"""What this plugin contributes to a fleet."""

from collections.abc import Sequence
from typing import Any

from fleet_core.api import EventType, Projection, hookimpl


@hookimpl
def fleet_event_types() -> Sequence[type[EventType]]:
    """The event types of leases."""
    from fleet_leases.events import EVENT_TYPES

    return EVENT_TYPES


@hookimpl
def fleet_projections() -> Sequence[Projection[Any]]:
    """What is held, and the clock it is held by."""
    from fleet_leases.clock import STEADY_CLOCK
    from fleet_leases.state import LEASES

    return (LEASES, STEADY_CLOCK)
