"""What the outsider lets people wait for."""

from fleet_core.api import Fleet, Look

from .notes import NOTES


def note(fleet: Fleet, argument: str, token: int | None) -> Look:
    """A note of that id.

    Example: fleet wait --for note:shopping
    """
    return Look(fleet.view(NOTES).get(argument))
