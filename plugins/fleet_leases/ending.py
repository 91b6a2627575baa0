"""How leases end, and what follows from it: those under them end too, and plugins join in.

A plugin that wants something to follow, such as a sortie's return to the queue, offers a function in the
entry-point group `fleet.lease_endings`: `(decision, lease, ending) -> None`. It records into the same append.
One that fails keeps no lease alive: see `Decision.invite`.
"""

from typing import Final, NamedTuple

from fleet_core.api import Decision, Match
from fleet_leases.clock import now
from fleet_leases.events import How, LeaseExpired, LeaseReleased
from fleet_leases.granting import found, under_tag
from fleet_leases.settings import settings_of
from fleet_leases.state import LEASES, Lease, stream

GROUP: Final = "fleet.lease_endings"


class Ending(NamedTuple):
    """How a lease ended, by whose doing, why, and the id of the event that says so."""

    how: How
    by: str
    reason: str | None
    event: str


def end(
    decision: Decision,
    lease: Lease,
    how: How,
    *,
    by: str,
    reason: str | None = None,
    cause: str | None = None,
) -> None:
    """End a lease that is held, and all that are under it, in the decision's append.

    Only an expiry bars others for the lock-delay: its holder may be at work still. What the decision has
    ended already, it does not end again.
    """
    if _is_ended(decision, lease):
        return
    ended = _record(decision, lease, how, by, reason, cause or lease.last_event)
    ending = Ending(how, by, reason, ended)
    decision.invite(GROUP, lease, ending)
    for other in under(decision, lease):
        end(decision, other, how, by=by, reason=reason, cause=ended)


def under(decision: Decision, lease: Lease) -> list[Lease]:
    """What is held under a lease; the decision depends on it."""
    decision.depend_on(Match(tags=(under_tag(lease.token),)))
    held = decision.view(LEASES).select({"under": lease.token, "status": "held"}).items
    return [each for each in held if found(decision, each.lease_id) == each]


def _is_ended(decision: Decision, lease: Lease) -> bool:
    return any(
        target == stream(lease.lease_id) and isinstance(event.data, LeaseExpired | LeaseReleased)
        for target, event in decision.recorded
    )


def _record(decision: Decision, lease: Lease, how: How, by: str, reason: str | None, cause: str) -> str:
    if how == "expired":
        delay = int(settings_of(decision.fleet).lock_delay * 1000)
        expired = LeaseExpired(
            lease_id=lease.lease_id, token=lease.token, lock_delay_ms=delay, at=now(decision)
        )
        return decision.record(stream(lease.lease_id), expired, cause=cause)
    released = LeaseReleased(
        lease_id=lease.lease_id, token=lease.token, how=how, by=by, reason=reason, at=now(decision)
    )
    return decision.record(stream(lease.lease_id), released, cause=cause)
