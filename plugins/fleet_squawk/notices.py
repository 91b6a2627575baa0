"""Mail that wants attention."""

from collections.abc import Iterator

from fleet_core.api import Fleet, Notice
from fleet_squawk.finding_operations import Overdue, overdue

SHOWN = 3
"""Messages that are told of one by one."""


def notice(fleet: Fleet) -> Iterator[Notice]:
    """Messages whose confirmation is overdue."""
    for awaited in overdue(fleet, Overdue(limit=SHOWN)).items:
        yield Notice(
            f"{awaited.mailbox} has not confirmed {awaited.subject!r}, a message of {awaited.sender}.",
            "fleet squawk overdue",
        )
