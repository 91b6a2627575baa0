"""A plugin of somebody else's that wants to join in when sorties move, and can't."""

from fleet_core.api import Decision


def fail(decision: Decision, *what: object) -> None:
    """Fail."""
    raise RuntimeError("never mind")
