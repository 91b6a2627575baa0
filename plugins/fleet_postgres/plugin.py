"""What this plugin offers: the store `postgres`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from fleet_core.api import Clock, EventCodec, EventStore, hookimpl


@hookimpl
def fleet_open_store(
    name: str,
    settings: dict[str, Any],
    codec: EventCodec,
    clock: Clock,
    directory: Path,
    service_url: Callable[[str], str],
) -> EventStore:
    """Open the project's schema in a PostgreSQL database, creating it when it does not exist yet."""
    from fleet_postgres.store import open_store

    return open_store(settings, codec, clock, directory, f"[plugins.{name}]", service_url)
