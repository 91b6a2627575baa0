"""Who may write on a sortie: a specialist that works on it does so under a lease, its claim.

A claim is under its holder's session and ends with it; its token is for whatever is written on the sortie.
"""

from typing import Final, NoReturn

from fleet_core.api import Conflict, Decision, Fleet, Query, Recorded
from fleet_leases.api import (
    Holding,
    How,
    Lease,
    LeaseGranted,
    LeaseReleased,
    end,
    ending_of,
    fence,
    found,
)
from fleet_leases.api import stream as lease_stream
from fleet_missions.moves import SORTIE_OPEN, check_move
from fleet_missions.sortie_state import SORTIES, Sortie, stream, unknown_sortie

_CLAIM: Final = "claim:"


def claim_id(sortie_id: str) -> str:
    """The id of the lease on a sortie."""
    return f"{_CLAIM}{sortie_id}"


def claimed_sortie(lease: Lease) -> str:
    """The sortie that a claim is of."""
    return lease.lease_id.removeprefix(_CLAIM)


def claimed_by(decision: Decision, holding: Holding, sortie_id: str, move: str) -> tuple[Sortie, Lease]:
    """A sortie that whoever shows the token works on, and the claim; the move must be legal.

    Raises:
        Fenced: the claim is over; recorded.
        Conflict: it is somebody else's, or its state does not allow the move.
    """
    sortie = decision.look(SORTIES, stream(sortie_id))
    if sortie is None:
        raise unknown_sortie(sortie_id)
    lease = found(decision, claim_id(sortie_id))
    if lease is None or not holding.covers(lease):
        _refuse(decision, holding, sortie, move)
    check_move("sortie", sortie_id, sortie.status, move)
    return sortie, lease


def _refuse(decision: Decision, holding: Holding, sortie: Sortie, move: str) -> NoReturn:
    """To whom a claim was taken away, or who gave it back, must hear that first: the state may be another's
    doing. Who completed the work knows.
    """
    granted = _claim_once(decision.fleet, holding, sortie.sortie_id)
    over = None if granted is None else ending_of(decision.fleet, granted)
    if granted is not None and over is not None and not _is_completion(over):
        fence(decision, granted)
    check_assignee(sortie, holding.specialist)
    check_move("sortie", sortie.sortie_id, sortie.status, move)
    claim = claim_id(sortie.sortie_id)
    raise Conflict(
        f"token {holding.lease.token} is that of {holding.lease.lease_id}, not of {claim}",
        remedy=f"give the token of your session, or that of 'fleet lease show {claim}'; if there is none,"
        f" 'fleet sortie assign {sortie.sortie_id} {holding.specialist}', and start it",
        sortie=sortie.sortie_id,
    )


def _claim_once(fleet: Fleet, holding: Holding, sortie_id: str) -> Recorded | None:
    """The last grant of a sortie under this session."""
    own = Query.of(streams=(lease_stream(claim_id(sortie_id)),), types=(LeaseGranted.type_name,))
    grants = fleet.store.read(own, backwards=True)
    return next((each for each in grants if each.data.under == holding.session.token), None)


def _is_completion(over: Recorded) -> bool:
    return isinstance(over.known, LeaseReleased) and over.known.how == "completed"


def check_assignee(sortie: Sortie, specialist_id: str) -> None:
    """Accept who may work on a sortie. What is over is nobody's any more, and its state says so better.

    Raises:
        Conflict: it is another's.
    """
    if sortie.status in SORTIE_OPEN and sortie.assigned_to not in (None, specialist_id):
        raise Conflict(
            f"sortie {sortie.sortie_id} is {sortie.status} and belongs to {sortie.assigned_to},"
            f" not to {specialist_id}",
            remedy=f"take another: 'fleet sortie claim'; or have it handed over:"
            f" 'fleet sortie assign {sortie.sortie_id} {specialist_id}'",
            assigned_to=sortie.assigned_to,
            status=sortie.status,
        )


def end_claim(
    decision: Decision, sortie_id: str, how: How, *, by: str, reason: str | None = None, cause: str
) -> None:
    """End the claim on a sortie, if there is one; whoever held it is fenced from then on."""
    lease = found(decision, claim_id(sortie_id))
    if lease is not None and lease.status == "held":
        end(decision, lease, how, by=by, reason=reason, cause=cause)
