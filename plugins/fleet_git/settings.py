"""What can be set in `[plugins.git]`."""

from typing import Annotated

import msgspec
from msgspec import Meta

from fleet_core.api import Fleet, checked


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The settings of the guard."""

    reserve_all: Annotated[
        bool,
        Meta(
            description="A specialist may commit only what it has reserved. When false, also what nobody has."
        ),
    ] = True


def settings_of(fleet: Fleet) -> Settings:
    """What the project sets."""
    return checked(fleet.settings.plugins.get("git", {}), Settings, "[plugins.git]")
