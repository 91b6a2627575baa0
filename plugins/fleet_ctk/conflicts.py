"""What stands in the way of a reservation, and how it is told: who, what, for how long, what to do next."""

import shlex
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from fleet_core.api import Conflict, View
from fleet_ctk.patterns import witness
from fleet_ctk.resources import Resource, name_of, pattern_of
from fleet_leases.api import Lease, Mark, remaining_ms, session_id

CODE: Final = "CTK_CONFLICT"


class Taken(Conflict):
    """What was asked for is somebody else's. `conflicts` says everything, the other fields the one that lasts
    longest.
    """

    code = CODE


class Obstacle(NamedTuple):
    """A lease that stands in the way, and of what."""

    lease: Lease
    asked: Resource


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """An obstacle as it is told.

    `witness` is a path, or the slot, that both are of. `seconds_left` is when it ends unless its holder
    prolongs it: with its own time; or, `with_session`, with that of the claim or session it is under; or, if
    it is `barred`, when the delay after its expiry is over. It is None where time is not told: of the past.
    """

    holder: str
    pattern: str
    requested: str
    witness: str
    seconds_left: int | None
    barred: bool
    with_session: bool
    shared: bool
    lease: str
    token: int


def obstacles(
    wanted: Iterable[Resource], leases: Sequence[Lease], *, shared: bool, session: Lease | None
) -> Iterator[Obstacle]:
    """What stands in the way of each thing wanted. What was granted in one's own session never does."""
    others = [lease for lease in leases if not (shared and lease.shared) and not is_own(lease, session)]
    for asked in wanted:
        yield from (Obstacle(lease, asked) for lease in others if asked.meets(lease))


def is_own(lease: Lease, session: Lease | None) -> bool:
    """Whether a lease was granted in a session. A holder's sessions follow on one another, so its leases
    since the current one began are of that.
    """
    return session is not None and lease.holder == session.holder and lease.token > session.token


def taken(found: Sequence[Obstacle], leases: View[Lease], at: Mark | None, *, shared: bool) -> Taken:
    """The refusal, with everything in the way."""
    told = [_told(each, leases, at) for each in found]
    longest = max(told, key=lambda each: each.seconds_left or 0)
    command = _next_command(longest, shared)
    fields: dict[str, Any] = msgspec.structs.asdict(longest)
    return Taken(
        _sentence(longest) + (f"; {len(told) - 1} more are in the way" if len(told) > 1 else ""),
        remedy=f"nothing was reserved; wait until it is free: {command}",
        next=command,
        conflicts=[msgspec.structs.asdict(each) for each in told],
        **fields,
    )


def _told(obstacle: Obstacle, leases: View[Lease], at: Mark | None) -> Told:
    lease, asked = obstacle
    left = None if at is None else _remaining_ms(lease, leases, at)
    return Told(
        holder=lease.holder,
        pattern=name_of(lease),
        requested=asked.name,
        witness=_witness(obstacle),
        seconds_left=None if left is None else -(-left // 1000),
        barred=lease.status == "expired",
        with_session=lease.due_at is None,
        shared=lease.shared,
        lease=lease.lease_id,
        token=lease.token,
    )


def _remaining_ms(lease: Lease, leases: View[Lease], at: Mark) -> int | None:
    """Until its own time is over; without one, until that of its claim or session is."""
    if lease.due_at is not None:
        return remaining_ms(lease, at)
    above = [leases.get(session_id(lease.holder)), *leases.select({"token": lease.under}).items]
    times = [remaining_ms(each, at) for each in above if each is not None]
    return min((time for time in times if time is not None), default=None)


def _witness(obstacle: Obstacle) -> str:
    lease, asked = obstacle
    if asked.pattern is None:
        return asked.name
    return witness(asked.pattern, pattern_of(lease, asked.pattern.case_sensitive)) or asked.name


def _sentence(told: Told) -> str:
    overlap = told.requested if told.requested == told.pattern else f"{told.requested} ({told.witness})"
    held = f"{told.holder} holds {told.pattern}{' shared' if told.shared else ''}"
    if told.barred:
        held = f"{told.holder}'s {told.pattern} has expired, and is barred until its last writes have arrived"
    return f"{overlap} is not free: {held}, {_how_long(told)}"


def _how_long(told: Told) -> str:
    if told.seconds_left is None:
        return "at that time"
    if told.with_session:
        return f"until its claim or session ends, in {told.seconds_left} s if nothing is heard of it"
    return f"for {told.seconds_left} s more"


def _next_command(told: Told, shared: bool) -> str:
    kind = "ctk-shared" if shared else "ctk"
    return f"fleet wait --for {shlex.quote(f'{kind}:{told.requested}')}"
