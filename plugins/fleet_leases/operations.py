"""What can be done with leases of any kind. Each function is offered under its name in pyproject.toml."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from fleet_core.api import Conflict, Decision, Done, Fleet, NotFound, Page, Read, Write
from fleet_leases.clock import read_clock
from fleet_leases.ending import end
from fleet_leases.events import How, Kind, LeaseReleased, Mark
from fleet_leases.granting import found, remaining_ms
from fleet_leases.settling import settle
from fleet_leases.state import LEASES, Lease

Standing = Literal["held", "due", "barred"]
"""Held; to be over at the next write; or over, and not to be granted until the lock-delay is over too."""

LeaseId = Annotated[
    str, Meta(description="The lease's id, such as claim:routes.", min_length=1, max_length=250)
]


class LeaseList(Read, frozen=True, kw_only=True):
    """Which leases."""

    kind: Annotated[Kind | None, Meta(description="Only those of this kind.")] = None
    holder: Annotated[str | None, Meta(description="Only those of this specialist.")] = None
    after: Annotated[
        str | None, Meta(description="Go on after this id, which an earlier answer gave as next.")
    ] = None
    limit: Annotated[int, Meta(description="How many at most.", ge=1, le=1000)] = 50


class LeaseShow(Read, frozen=True, kw_only=True):
    """Which lease."""

    lease: LeaseId


class LeaseRelease(Write, frozen=True, kw_only=True):
    """A lease to take away from its holder."""

    lease: LeaseId
    reason: Annotated[str, Meta(description="Why; its holder will read it.", min_length=1)]
    by: Annotated[str, Meta(description="Who decides it.", min_length=1)] = "coordinator"


class LeaseShown(msgspec.Struct, frozen=True, kw_only=True):
    """A lease as people see it.

    `expires_in_ms` counts down by the store's clock; it is None for one that lasts as long as its holder's
    session, and of the past.
    """

    lease_id: str
    kind: Kind
    status: Standing
    holder: str
    token: int
    resources: tuple[str, ...]
    shared: bool
    expires_in_ms: int | None
    reason: str | None


class LeaseEnded(msgspec.Struct, frozen=True, kw_only=True):
    """A lease that is over."""

    lease_id: str
    token: int
    holder: str
    how: How
    reason: str | None


def lease_list(fleet: Fleet, request: LeaseList) -> Page[LeaseShown]:
    """List what is held, by whom, and for how long.

    Example: fleet lease list --holder ada
    """
    said = {"kind": request.kind, "holder": request.holder}
    where = {field: value for field, value in said.items() if value is not None}
    page = fleet.view(LEASES, request.as_of).select(where, after=request.after, limit=request.limit)
    at = None if request.as_of else read_clock(fleet)
    return Page([shown(lease, at) for lease in page.items], page.next)


def lease_show(fleet: Fleet, request: LeaseShow) -> LeaseShown:
    """Show one lease.

    Example: fleet lease show slot:build
    """
    lease = fleet.view(LEASES, request.as_of).get(request.lease)
    if lease is None:
        raise unknown_lease(request.lease)
    return shown(lease, None if request.as_of else read_clock(fleet))


def lease_release(fleet: Fleet, request: LeaseRelease) -> Done[LeaseEnded]:
    """Take a lease away from its holder, for a reason; what follows from its end, follows.

    Its holder's next write under it is refused. Leases under it end too: with a session all that it holds.

    Example: fleet lease release slot:build --reason "ada is on holiday"
    """

    def decide(decision: Decision) -> None:
        lease = found(decision, request.lease)
        if lease is None:
            raise unknown_lease(request.lease)
        if lease.status != "held":
            raise Conflict(
                f"lease {request.lease} has expired already",
                remedy="it is free again as soon as its lock-delay is over; see 'fleet lease list'",
            )
        end(decision, lease, "forced", by=request.by, reason=request.reason)

    settle(fleet)
    outcome = fleet.carry_out(request, decide)
    event = outcome.events[0]
    released: LeaseReleased = event.data
    ended = LeaseEnded(
        lease_id=released.lease_id,
        token=released.token,
        holder=_holder(fleet, released),
        how=released.how,
        reason=released.reason,
    )
    return Done(ended, outcome.position, outcome.replayed)


def shown(lease: Lease, at: Mark | None) -> LeaseShown:
    """A lease as people see it at a moment of the steady clock."""
    left = None if at is None else remaining_ms(lease, at)
    standing: Standing = "barred" if lease.status == "expired" else "due" if left == 0 else "held"
    return LeaseShown(
        lease_id=lease.lease_id,
        kind=lease.kind,
        status=standing,
        holder=lease.holder,
        token=lease.token,
        resources=lease.resources,
        shared=lease.shared,
        expires_in_ms=left,
        reason=lease.reason,
    )


def unknown_lease(lease_id: str) -> NotFound:
    """What to say of a lease that nobody holds."""
    return NotFound(
        f"nobody holds a lease {lease_id!r}",
        remedy="see 'fleet lease list' for those there are",
        lease=lease_id,
    )


def _holder(fleet: Fleet, released: LeaseReleased) -> str:
    granted = next(fleet.store.read(after=released.token - 1, before=released.token + 1))
    return str(granted.data.holder)
