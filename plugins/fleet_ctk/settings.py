"""What can be set in `[plugins.ctk]`."""

from typing import Annotated

import msgspec
from msgspec import Meta

from fleet_core.api import Fleet, checked


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The settings of reservations."""

    ttl: Annotated[
        float,
        Meta(
            description="Seconds that a reservation lasts when nothing else is asked for; 0 for as long as"
            " the session of its holder.",
            ge=0,
            le=86_400 * 365,
        ),
    ] = 3600.0


def settings_of(fleet: Fleet) -> Settings:
    """What the project sets."""
    return checked(fleet.settings.plugins.get("ctk", {}), Settings, "[plugins.ctk]")
