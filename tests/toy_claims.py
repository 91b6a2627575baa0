"""A toy domain on leases: things that specialists claim, reserve parts of, and write notes on."""

from typing import Any

from fleet_core.api import Conflict, Done, EventType, Fleet, Recorded, Stream, Write
from fleet_core.operations import Decision
from fleet_leases.api import (
    HeldWrite,
    Holding,
    Lease,
    LeaseGranted,
    carry_out_held,
    end,
    fence,
    found,
    grant,
    granting,
    renew,
    settle,
)


class Noted(EventType, frozen=True):
    """Somebody wrote something on a thing that is theirs, showing a token."""

    type_name = "toy_noted"
    lease_id: str
    token: int
    by: str


class Claim(HeldWrite, frozen=True, kw_only=True):
    """Have a thing, for a time of its own or for as long as the session."""

    thing: str
    ttl_ms: int | None = None


class Reserve(HeldWrite, frozen=True, kw_only=True):
    """Have a part of something, under the lease whose token is shown."""

    part: str
    ttl_ms: int | None = None


class Note(HeldWrite, frozen=True, kw_only=True):
    """Write on what is held."""

    lease_id: str


class Renew(HeldWrite, frozen=True, kw_only=True):
    """Prolong what is held."""

    lease_id: str
    ttl_ms: int


class Release(HeldWrite, frozen=True, kw_only=True):
    """Give something back."""

    lease_id: str


class Poke(Write, frozen=True, kw_only=True):
    """A write that concerns no lease."""

    what: str = "poked"


def claim(fleet: Fleet, request: Claim) -> Done[int]:
    """Claim a thing; the answer is its token."""

    def decide(decision: Decision, holding: Holding) -> None:
        lease_id = f"claim:{request.thing}"
        _check_free(decision, lease_id)
        grant(
            decision,
            lease_id=lease_id,
            kind="claim",
            holder=holding.specialist,
            under=holding.session.token,
            ttl_ms=request.ttl_ms,
        )

    return _granted(carry_out_held(fleet, request, decide))


def reserve(fleet: Fleet, request: Reserve) -> Done[int]:
    """Reserve a part; the answer is its token."""

    def decide(decision: Decision, holding: Holding) -> None:
        lease_id = f"file:{request.part}"
        _check_free(decision, lease_id)
        grant(
            decision,
            lease_id=lease_id,
            kind="file",
            holder=holding.specialist,
            under=holding.lease.token,
            ttl_ms=request.ttl_ms,
        )

    return _granted(carry_out_held(fleet, request, decide))


def note(fleet: Fleet, request: Note) -> int:
    """Write on a thing; gives the position."""

    def decide(decision: Decision, holding: Holding) -> None:
        _covered(decision, holding, request)
        noted = Noted(request.lease_id, request.token or 0, holding.specialist)
        decision.record(Stream("toy", request.lease_id), noted)

    return carry_out_held(fleet, request, decide).position


def prolong(fleet: Fleet, request: Renew) -> int:
    """Renew a lease; gives the position."""

    def decide(decision: Decision, holding: Holding) -> None:
        renew(decision, _covered(decision, holding, request), request.ttl_ms)

    return carry_out_held(fleet, request, decide).position


def release(fleet: Fleet, request: Release) -> int:
    """Release a lease; gives the position."""

    def decide(decision: Decision, holding: Holding) -> None:
        end(decision, _covered(decision, holding, request), "released", by=holding.specialist)

    return carry_out_held(fleet, request, decide).position


def poke(fleet: Fleet, request: Poke) -> int:
    """Write something under no lease."""
    settle(fleet)
    poked = Noted(request.what, 0, "nobody")
    return fleet.carry_out(
        request, lambda decision: decision.record(Stream("toy", request.what), poked)
    ).position


def _check_free(decision: Decision, lease_id: str) -> None:
    lease = found(decision, lease_id)
    if lease is not None:
        raise Conflict(f"{lease_id} is {lease.status} by {lease.holder}")


def _covered(decision: Decision, holding: Holding, request: Note | Renew | Release) -> Lease:
    """The lease that is written under; what the token's holder has no more is fenced."""
    lease = found(decision, request.lease_id)
    if lease is not None and holding.covers(lease):
        return lease
    granted = granting(decision.fleet, request.token)
    if granted.data.lease_id == request.lease_id:
        fence(decision, granted)
    raise Conflict(f"{request.lease_id} is not {holding.specialist}'s")


def _granted(outcome: Any) -> Done[int]:
    event: Recorded = outcome.events[0]
    assert isinstance(event.known, LeaseGranted)
    return Done(event.position, outcome.position, outcome.replayed)
