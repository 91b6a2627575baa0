"""What can be set in `[plugins.leases]`."""

from typing import Annotated

import msgspec
from msgspec import Meta

from fleet_core.api import Fleet, checked


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The settings of leases."""

    lock_delay: Annotated[
        float,
        Meta(
            description="Seconds for which nobody is granted what a lease was of, after it expired: time for"
            " its holder's last writes to arrive.",
            ge=0,
            le=3600,
        ),
    ] = 5.0


def settings_of(fleet: Fleet) -> Settings:
    """What the project sets."""
    return checked(fleet.settings.plugins.get("leases", {}), Settings, "[plugins.leases]")
