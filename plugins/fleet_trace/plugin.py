"""The observer's hooks: one line on standard error for each thing that happened."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from fleet_core.api import Recorded, hookimpl

if TYPE_CHECKING:
    from fleet_core.api import Fleet


@hookimpl
def fleet_opened(fleet: "Fleet") -> None:
    """Name the project and its store."""
    _say(f"opened {fleet.project.directory} ({fleet.settings.store.backend})")


@hookimpl
def fleet_events_recorded(events: Sequence[Recorded]) -> None:
    """Name each event by position, type and stream."""
    for event in events:
        _say(f"recorded #{event.position} {event.type} in {event.stream_type}/{event.stream_id}")


@hookimpl
def fleet_projection_advanced(name: str, position: int) -> None:
    """Name the read table and where it stands."""
    _say(f"projection {name} stands at #{position}")


@hookimpl
def fleet_closed(fleet: "Fleet") -> None:
    """Name the project."""
    _say(f"closed {fleet.project.directory}")


def _say(text: str) -> None:
    print(f"fleet: {text}", file=sys.stderr)
