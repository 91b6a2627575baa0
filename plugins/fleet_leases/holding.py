"""Writing under a lease: every such write shows a fencing token, and a stale one changes nothing.

The token is that of a session or of any lease under one; it says who writes. It is checked where the write
takes effect, in the decision whose append depends on the lease. After the sequencers of Chubby (Burrows,
2006) and Kleppmann, "How to do distributed locking" (2016).
"""

from collections.abc import Callable
from typing import Annotated, Final, NamedTuple, NoReturn, TypeVar

from msgspec import Meta

from fleet_core.api import (
    Decision,
    Done,
    Fenced,
    Fleet,
    Invalid,
    NotFound,
    Outcome,
    PositiveInteger,
    Projection,
    Query,
    Recorded,
    Stream,
    Write,
)
from fleet_leases.clock import now
from fleet_leases.events import LeaseExpired, LeaseGranted, LeaseReleased, WriteFenced
from fleet_leases.granting import found, renew
from fleet_leases.settling import settle
from fleet_leases.state import Lease, stream

S = TypeVar("S")

TOKEN: Final = "FLEET_TOKEN"
"""The environment variable that a token is read from."""

Token = Annotated[
    PositiveInteger | None,
    Meta(description="The fencing token of your session, or of a lease under it.", extra={"env": TOKEN}),
]
"""A token as requests take it."""

RENEWALS: Final = 12
"""A session is renewed by a write once a twelfth of its time is over; renewing at each would double the log.
"""


class HeldWrite(Write, frozen=True, kw_only=True):
    """Base of requests that a specialist makes under its session."""

    token: Token = None


class Holding(NamedTuple):
    """The lease whose token was shown, and the session it is under, or is."""

    lease: Lease
    session: Lease

    @property
    def specialist(self) -> str:
        """Who holds them."""
        return self.session.holder

    def covers(self, lease: Lease | None) -> bool:
        """Whether a write that needs `lease` may be made with what was shown: that lease, one that it is
        under, or the session. Whatever its holder has is under the session, for all of it ended with the
        last one.
        """
        if lease is None or lease.status != "held":
            return False
        if self.lease.kind == "session":
            return lease.holder == self.session.holder
        return self.lease.token in (lease.token, lease.under)


def session_id(specialist_id: str) -> str:
    """The id of a specialist's session lease."""
    return f"session:{specialist_id}"


def carry_out_held(
    fleet: Fleet, request: HeldWrite, decide: Callable[[Decision, Holding], object]
) -> Outcome:
    """Carry out what a specialist asks for under its session: settle what is due, check the token, decide. A
    write counts as a sign of life.

    Raises:
        Fenced: the lease is over; recorded.
        Invalid, NotFound: there is no token, or nobody was granted it.
    """
    settle(fleet)
    return fleet.carry_out(request, lambda decision: _decide_held(decision, request, decide))


def decide_held(
    fleet: Fleet,
    request: HeldWrite,
    projection: Projection[S],
    decide: Callable[[Decision, Holding], Stream],
) -> Done[S]:
    """The same for a request whose answer is the state of the stream that `decide` returns."""
    settle(fleet)
    return fleet.decide(request, projection, lambda decision: _decide_held(decision, request, decide))


def _decide_held(decision: Decision, request: HeldWrite, decide: Callable[[Decision, Holding], S]) -> S:
    holding = held(decision, request.token)
    answer = decide(decision, holding)
    if decision.recorded:
        keep_alive(decision, holding.session)
    return answer


def keep_alive(decision: Decision, session: Lease) -> None:
    """Renew a session whose last renewal is a while ago. To be called last: a request's first event is what a
    retry finds its answer by.
    """
    if session.ttl_ms is None or session.due_at is None or _is_touched(decision, session):
        return
    spent_ms = session.ttl_ms - (session.due_at - now(decision).steady) // 1000
    if spent_ms * RENEWALS > session.ttl_ms:
        renew(decision, session, session.ttl_ms)


def _is_touched(decision: Decision, lease: Lease) -> bool:
    return any(target == stream(lease.lease_id) for target, _ in decision.recorded)


def held(decision: Decision, token: int | None) -> Holding:
    """What a token stands for; the decision depends on its being held.

    Raises:
        Fenced: it was, and is over; recorded.
        Invalid, NotFound: there is no token, or nobody was granted it.
    """
    granted = granting(decision.fleet, token)
    lease = found(decision, granted.stream_id)
    if lease is None or lease.token != token or lease.status != "held":
        fence(decision, granted)
    session = lease if lease.kind == "session" else found(decision, session_id(lease.holder))
    if session is None or session.status != "held":
        fence(decision, granted)
    return Holding(lease, session)


def granting(fleet: Fleet, token: int | None) -> Recorded:
    """The event that granted a token.

    Raises:
        Invalid: there is no token.
        NotFound: nobody was granted it.
    """
    if token is None:
        raise Invalid(
            "this needs the token of your session",
            path="$.token",
            remedy=f"give --token, or set {TOKEN}; 'fleet specialist register NAME' gives you one",
        )
    event = next(fleet.store.read(after=token - 1, before=token + 1), None)
    if event is None or not isinstance(event.known, LeaseGranted):
        raise NotFound(
            f"{token} is no lease's token",
            remedy="see 'fleet lease list', or run 'fleet specialist register NAME' for your own session",
            token=token,
        )
    return event


def fence(decision: Decision, granted: Recorded, *, remedy: str | None = None) -> NoReturn:
    """Refuse a write under a lease that is over, and have that recorded. `remedy` says what to do when the
    session itself goes on.

    Raises:
        Fenced: once it is; says when the lease ended, and who holds its like now.
    """
    lease: LeaseGranted = granted.data
    over = ending_of(decision.fleet, granted)
    current = found(decision, lease.lease_id)
    holder = current.holder if current is not None and current.status == "held" else None
    error = Fenced(
        f"{_named(lease)}, token {granted.position}, ended{_at(over)}"
        + (f"; {holder} holds {lease.lease_id} now" if holder else ""),
        remedy=remedy
        or f"nothing was changed; 'fleet specialist register {lease.holder}' begins a new session,"
        " and 'fleet prime' says what you hold",
        lease=lease.lease_id,
        token=granted.position,
        ended_at=over.position if over else None,
        holder=holder,
    )
    fenced = WriteFenced(
        lease_id=lease.lease_id,
        token=granted.position,
        holder=lease.holder,
        operation=type(decision.request).__name__,
    )
    decision.refuse(error, stream(lease.lease_id), fenced, cause=granted.id)


def ending_of(fleet: Fleet, granted: Recorded) -> Recorded | None:
    """The event that ended a grant; None while it lasts."""
    own = Query.of(
        streams=(stream(granted.stream_id),), types=(LeaseExpired.type_name, LeaseReleased.type_name)
    )
    return next(fleet.store.read(own, after=granted.position, limit=1), None)


def _named(lease: LeaseGranted) -> str:
    return f"{lease.holder}'s lease {lease.lease_id}"


def _at(over: Recorded | None) -> str:
    return "" if over is None else f" at position {over.position}"
