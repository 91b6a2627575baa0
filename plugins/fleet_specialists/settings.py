"""What can be set in `[plugins.specialists]`."""

from typing import Annotated

import msgspec
from msgspec import Meta

from fleet_core.api import Fleet, checked


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The settings of specialists."""

    lost_after: Annotated[
        float,
        Meta(
            description="Seconds without a word, be it a heartbeat or any other write, after which a"
            " specialist is lost.",
            ge=0.1,
            le=86_400 * 7,
        ),
    ] = 60.0


def lost_after_ms(fleet: Fleet) -> int:
    """The time of a session, in milliseconds."""
    table = fleet.settings.plugins.get("specialists", {})
    return int(checked(table, Settings, "[plugins.specialists]").lost_after * 1000)
