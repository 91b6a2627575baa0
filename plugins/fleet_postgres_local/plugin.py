"""What this plugin offers: the provider `postgres-local`."""

from pathlib import Path
from typing import Any

from fleet_core.api import ServiceProvider, hookimpl


@hookimpl
def fleet_make_provider(
    name: str, service: str, settings: dict[str, Any], directory: Path
) -> ServiceProvider:
    """Make the provider of one service; nothing is started or looked for yet."""
    from fleet_postgres_local.provider import make_provider

    return make_provider(name, service, settings, directory)
