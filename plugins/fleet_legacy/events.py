"""What is found of an earlier fleet."""

from typing import ClassVar

from fleet_core.api import EventType, Moment


class FleetDetected(EventType, frozen=True, kw_only=True):
    """A project was looked at, and perhaps data of an earlier fleet were found."""

    type_name: ClassVar[str] = "fleet_detected"

    project_path: str
    project_hash: str
    detected_at: Moment
    existing_data: bool
    migration_required: bool


EVENT_TYPES: tuple[type[EventType], ...] = (FleetDetected,)
"""All of them, as the plugin contributes them."""
