"""What this plugin offers: the provider `podman`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleet_core.api import hookimpl

if TYPE_CHECKING:
    from fleet_core.api import ServiceProvider


@hookimpl
def fleet_make_provider(
    name: str, service: str, settings: dict[str, Any], directory: Path
) -> "ServiceProvider":
    """PostgreSQL in Podman; nothing of it is started or made yet."""
    from fleet_podman.provider import make_provider

    return make_provider(name, service, settings, directory)
