"""What this plugin contributes to a fleet."""

from collections.abc import Sequence
from typing import Any

from fleet_core.api import EventType, Projection, hookimpl


@hookimpl
def fleet_event_types() -> Sequence[type[EventType]]:
    """The event types of file reservations."""
    from fleet_ctk.events import EVENT_TYPES

    return EVENT_TYPES


@hookimpl
def fleet_projections() -> Sequence[Projection[Any]]:
    """The rule of case. What is reserved stands among the leases."""
    from fleet_ctk.state import CASE_RULE

    return (CASE_RULE,)
