"""What this plugin offers: the store `sqlite`, and read tables beside a store that has none."""

from pathlib import Path
from typing import Any

from fleet_core.api import Clock, EventCodec, EventStore, Views, hookimpl


@hookimpl
def fleet_open_store(
    name: str, settings: dict[str, Any], codec: EventCodec, clock: Clock, directory: Path
) -> EventStore:
    """Open `.fleet/events.db`, creating it when it does not exist yet."""
    from fleet_sqlite.store import open_store

    return open_store(settings, codec, clock, directory, origin=f"[plugins.{name}]")


@hookimpl
def fleet_open_views(name: str, settings: dict[str, Any], directory: Path) -> Views:
    """Open `.fleet/views.db`, creating it when it does not exist yet."""
    from fleet_sqlite.views import open_views

    return open_views(settings, directory, origin=f"[plugins.{name}]")
