"""What the end of a lease means for sorties: whose worker is gone goes back to the queue."""

from fleet_core.api import Decision, Match
from fleet_leases.api import Ending, Lease
from fleet_missions.claims import claimed_sortie
from fleet_missions.events import ReviewCompleted, SortieCreated, SortieStatusChanged, SortieUpdated
from fleet_missions.moves import RETURNS
from fleet_missions.sortie_operations import status_change
from fleet_missions.sortie_queue import OPEN_SORTIES
from fleet_missions.sortie_state import SORTIES, Sortie, stream, tags_of

_HANDED_OVER = (SortieCreated, SortieUpdated, SortieStatusChanged, ReviewCompleted)
"""Events by which a sortie becomes somebody's without its doing."""


def give_back(decision: Decision, lease: Lease, ending: Ending) -> None:
    """Return to the queue what was worked on under a claim, or was to be under a session, that is over."""
    if lease.kind == "claim" and ending.how != "completed":
        _return_claimed(decision, lease, ending)
    elif lease.kind == "session" and ending.how in ("expired", "forced", "retired"):
        _return_expected(decision, lease, ending)


def _return_claimed(decision: Decision, lease: Lease, ending: Ending) -> None:
    sortie = decision.look(SORTIES, stream(claimed_sortie(lease)))
    if sortie is not None and sortie.status in ("in_progress", "blocked"):
        _return(decision, sortie, lease, ending)


def _return_expected(decision: Decision, lease: Lease, ending: Ending) -> None:
    """What a specialist that is gone was to start, or to review."""
    decision.depend_on(Match(types=tuple(each.type_name for each in _HANDED_OVER)))
    queue = decision.view(OPEN_SORTIES)
    assigned = queue.select({"assigned_to": lease.holder, "status": "assigned"}).items
    reviewed = queue.select({"reviewer": lease.holder, "status": "review"}).items
    for row in (*assigned, *reviewed):
        sortie = decision.look(SORTIES, stream(row.sortie_id))
        if sortie is not None and sortie.status == row.status:
            _return(decision, sortie, lease, ending)


def _return(decision: Decision, sortie: Sortie, lease: Lease, ending: Ending) -> None:
    """Unless the decision has moved it already: a claim also ends because its sortie is cancelled, say."""
    target = stream(sortie.sortie_id)
    if any(moved == target for moved, _ in decision.recorded):
        return
    how = (
        f"the {lease.kind} of {lease.holder} was {ending.how}"
        if ending.how != "expired"
        else (f"the {lease.kind} of {lease.holder} expired")
    )
    reason = how if ending.reason is None else f"{how}: {ending.reason}"
    changed = status_change(sortie, RETURNS[sortie.status], ending.by, reason)
    decision.record(target, changed, cause=sortie.last_event, tags=tags_of(sortie.mission_id))
