"""Specialists that want attention."""

from collections.abc import Iterator

from fleet_core.api import AtMost, Fleet, Notice
from fleet_leases.api import LEASES, read_clock


def notice(fleet: Fleet) -> Iterator[Notice]:
    """Those who are late: nothing was heard of them in their time, and the next write finds them lost."""
    due = {"kind": "session", "status": "held", "due_at": AtMost(read_clock(fleet).steady)}
    for session in fleet.view(LEASES).select(due).items:
        yield Notice(
            f"{session.holder} is late: nothing was heard of it in its time.",
            f"fleet specialist show {session.holder}",
        )
