"""What can be set in `[plugins.squawk]`."""

from typing import Annotated

import msgspec
from msgspec import Meta

from fleet_core.api import Fleet, checked


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The settings of squawks."""

    ack_within: Annotated[
        float,
        Meta(
            description="Seconds after which a confirmation that was asked for is overdue, unless the sender"
            " says otherwise.",
            ge=0.001,
            le=86_400 * 365,
        ),
    ] = 300.0
    broadcasts: Annotated[
        int,
        Meta(
            description="Messages to @all that one specialist may send within broadcast_window.",
            ge=0,
            le=1000,
        ),
    ] = 20
    broadcast_window: Annotated[
        float, Meta(description="Seconds for which a message to @all counts.", ge=1, le=86_400 * 7)
    ] = 3600.0


def settings_of(fleet: Fleet) -> Settings:
    """What the project sets."""
    return checked(fleet.settings.plugins.get("squawk", {}), Settings, "[plugins.squawk]")
