"""What can be waited for: a sortie that is ready, or one that waits for a review."""

from typing import Any

from fleet_core.api import Fleet, Look
from fleet_leases.api import attend, granting
from fleet_missions.readiness import as_row, prospects_of
from fleet_missions.sortie_queue import OPEN_SORTIES


def ready(fleet: Fleet, argument: str, token: int | None) -> Look:
    """`ready`, or `ready:MISSION`: the first sortie that can be claimed, by whoever shows the token."""
    again_in = attend(fleet, token)
    where = {"mission_id": argument} if argument else {}
    row = next(prospects_of(fleet).ready(where, _waiting(fleet, token)), None)
    return Look(None if row is None else as_row(row), again_in)


def review(fleet: Fleet, argument: str, token: int | None) -> Look:
    """`review`, or `review:MISSION`: a sortie that waits for a review, by somebody else than its worker."""
    again_in = attend(fleet, token)
    where: dict[str, Any] = {"status": "review", "reviewer": None}
    if argument:
        where["mission_id"] = argument
    worker = _waiting(fleet, token)
    rows = fleet.view(OPEN_SORTIES).select(where).items
    row = next((row for row in rows if worker is None or row.assigned_to != worker), None)
    return Look(None if row is None else as_row(row), again_in)


def _waiting(fleet: Fleet, token: int | None) -> str | None:
    return None if token is None else str(granting(fleet, token).data.holder)
