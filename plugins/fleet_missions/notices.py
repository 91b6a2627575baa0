"""Sorties that want attention."""

from collections.abc import Iterator

from fleet_core.api import Fleet, Notice
from fleet_missions.readiness import named
from fleet_missions.sortie_queue import OPEN_SORTIES


def notice(fleet: Fleet) -> Iterator[Notice]:
    """Those that are blocked, failed, or wait for a review."""
    queue = fleet.view(OPEN_SORTIES)
    for status, what, command in (
        ("blocked", "Blocked", "fleet sortie list --status blocked"),
        ("failed", "Failed, to be assigned anew or cancelled", "fleet sortie list --status failed"),
        ("review", "Waiting for a review", "fleet review list --waiting"),
    ):
        found = [row.sortie_id for row in queue.select({"status": status}).items]
        if found:
            yield Notice(f"{what}: {named(found)}.", command)
