"""Granting and renewing leases, inside a decision."""

from fleet_core.api import Decision
from fleet_leases.clock import now
from fleet_leases.events import Kind, LeaseGranted, LeaseRenewed, Mark
from fleet_leases.state import LEASES, Lease, stream


def found(decision: Decision, lease_id: str) -> Lease | None:
    """What is held, or barred, under an id; the decision depends on it."""
    return decision.look(LEASES, stream(lease_id))


def remaining_ms(lease: Lease, at: Mark) -> int | None:
    """Milliseconds until a lease's time, or the lock-delay after it, is over; None if it has no time of its
    own.
    """
    return None if lease.due_at is None else max(0, (lease.due_at - at.steady) // 1000)


def grant(
    decision: Decision,
    *,
    lease_id: str,
    kind: Kind,
    holder: str,
    resources: tuple[str, ...] = (),
    shared: bool = False,
    under: int | None = None,
    ttl_ms: int | None = None,
    reason: str | None = None,
    cause: str | None = None,
    tags: tuple[str, ...] = (),
) -> str:
    """Grant a lease that the caller has found to be free; returns the event's id. The token is the event's
    position, which is known once it is recorded.
    """
    granted = LeaseGranted(
        lease_id=lease_id,
        kind=kind,
        holder=holder,
        resources=resources,
        shared=shared,
        under=under,
        ttl_ms=ttl_ms,
        reason=reason,
        at=now(decision),
    )
    joined = tags if under is None else (*tags, under_tag(under))
    return decision.record(stream(lease_id), granted, cause=cause, tags=joined)


def under_tag(token: int) -> str:
    """What marks the grants under a token."""
    return f"under:{token}"


def renew(decision: Decision, lease: Lease, ttl_ms: int, *, cause: str | None = None) -> str:
    """Have a lease last `ttl_ms` milliseconds from now; returns the event's id. The cause is the grant, if
    there is no better one: chains of renewals would explain nothing.
    """
    renewed = LeaseRenewed(lease_id=lease.lease_id, token=lease.token, ttl_ms=ttl_ms, at=now(decision))
    return decision.record(stream(lease.lease_id), renewed, cause=cause or lease.grant_event)
