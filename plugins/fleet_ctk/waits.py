"""Waiting until something could be reserved."""

from fleet_core.api import Fleet, Look
from fleet_ctk.looking import checked, look
from fleet_leases.api import attend


def until_free(fleet: Fleet, argument: str, token: int | None) -> Look:
    """A path, pattern or slot can be reserved: ctk:src/settings.py, from the project's root."""
    return _look(fleet, argument, token, shared=False)


def until_sharable(fleet: Fleet, argument: str, token: int | None) -> Look:
    """A path or pattern can be reserved as shared: ctk-shared:src/settings.py."""
    return _look(fleet, argument, token, shared=True)


def _look(fleet: Fleet, argument: str, token: int | None, *, shared: bool) -> Look:
    again_in = attend(fleet, token)
    looked = look(fleet, [argument], shared=shared, token=token)
    return Look(again_in=again_in) if looked.in_the_way else Look(found=checked(looked)[0])
