"""Leases that bar others, folded from what happened to them. One that is over leaves the table."""

from datetime import datetime
from typing import Final, Literal

import msgspec

from fleet_core.api import EventType, Projection, Recorded, Stream
from fleet_leases.events import (
    Kind,
    LeaseExpired,
    LeaseFreed,
    LeaseGranted,
    LeaseReleased,
    LeaseRenewed,
)

STREAM_TYPE: Final = "lease"


class Lease(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody holds; or, once it has expired, what nobody may hold yet.

    `due_at` is when that ends unless it is renewed, in microseconds of the steady clock; None for a lease
    that lasts as long as the one it is `under`. `token` is the fencing token: the position of `grant_event`.
    """

    lease_id: str
    kind: Kind
    status: Literal["held", "expired"]
    holder: str
    token: int
    resources: tuple[str, ...]
    shared: bool
    due_at: int | None
    ttl_ms: int | None
    under: int | None
    reason: str | None
    granted_at: datetime
    grant_event: str
    last_event: str


def stream(lease_id: str) -> Stream:
    """The stream of a lease's events, one grant after another."""
    return Stream(STREAM_TYPE, lease_id)


def key(event: Recorded) -> str | None:
    """The lease's id."""
    return event.stream_id if event.stream_type == STREAM_TYPE else None


def evolve(state: Lease | None, event: Recorded) -> Lease | None:
    """The lease after an event. What tells of another grant than the current one changes nothing."""
    known = event.known
    if isinstance(known, LeaseGranted):
        return _granted(known, event)
    if state is None or getattr(known, "token", None) != state.token:
        return state
    return _changed(state, known, event)


def _granted(granted: LeaseGranted, event: Recorded) -> Lease:
    return Lease(
        lease_id=event.stream_id,
        kind=granted.kind,
        status="held",
        holder=granted.holder,
        token=event.position,
        resources=granted.resources,
        shared=granted.shared,
        due_at=_due(granted.at.steady, granted.ttl_ms),
        ttl_ms=granted.ttl_ms,
        under=granted.under,
        reason=granted.reason,
        granted_at=event.recorded_at,
        grant_event=event.id,
        last_event=event.id,
    )


def _changed(state: Lease, known: EventType | None, event: Recorded) -> Lease | None:
    match known:
        case LeaseRenewed() if state.status == "held":
            due_at = _due(known.at.steady, known.ttl_ms)
            return msgspec.structs.replace(state, due_at=due_at, ttl_ms=known.ttl_ms, last_event=event.id)
        case LeaseExpired() if known.lock_delay_ms:
            due_at = _due(known.at.steady, known.lock_delay_ms)
            return msgspec.structs.replace(state, status="expired", due_at=due_at, last_event=event.id)
        case LeaseReleased() | LeaseExpired() | LeaseFreed():
            return None
    return state


def _due(since: int, milliseconds: int | None) -> int | None:
    return None if milliseconds is None else since + milliseconds * 1000


LEASES: Final = Projection(
    name="leases",
    state=Lease,
    types=(
        LeaseGranted.type_name,
        LeaseRenewed.type_name,
        LeaseReleased.type_name,
        LeaseExpired.type_name,
        LeaseFreed.type_name,
    ),
    key=key,
    evolve=evolve,
)
"""What is held, or barred after an expiry, by the lease's id."""
