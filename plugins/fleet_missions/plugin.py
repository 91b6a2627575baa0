"""What this plugin contributes to a fleet."""

from collections.abc import Sequence
from typing import Any

from fleet_core.api import EventType, Projection, hookimpl


@hookimpl
def fleet_event_types() -> Sequence[type[EventType]]:
    """The event types of missions, sorties and reviews."""
    from fleet_missions.events import EVENT_TYPES

    return EVENT_TYPES


@hookimpl
def fleet_projections() -> Sequence[Projection[Any]]:
    """Missions, sorties and reviews as they are."""
    from fleet_missions.mission_state import MISSIONS
    from fleet_missions.review_state import REVIEWS
    from fleet_missions.sortie_queue import OPEN_SORTIES
    from fleet_missions.sortie_state import SORTIES

    return (MISSIONS, SORTIES, OPEN_SORTIES, REVIEWS)
