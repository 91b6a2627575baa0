"""What can be done with specialists. Each function is offered under its name in pyproject.toml."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from fleet_core.api import (
    AtMost,
    Conflict,
    Decision,
    Done,
    Fleet,
    NotFound,
    Outcome,
    Page,
    Read,
    Stream,
    Write,
    as_datetime,
)
from fleet_leases.api import (
    LEASES,
    HeldWrite,
    Holding,
    Lease,
    LeaseGranted,
    LeaseRenewed,
    decide_held,
    end,
    found,
    grant,
    read_clock,
    renew,
    session_id,
    settle,
)
from fleet_specialists.events import (
    Activity,
    CompletionReason,
    SpecialistActive,
    SpecialistCompleted,
    SpecialistRegistered,
)
from fleet_specialists.settings import lost_after_ms
from fleet_specialists.state import SPECIALISTS, Specialist, Status, stream

SpecialistId = Annotated[
    str, Meta(description="The specialist's id.", min_length=1, max_length=100, pattern=r"^[^\s/@][^\s/]*$")
]
"""A specialist's id as requests take it. A leading @ is for roles."""

Short = Annotated[str, Meta(min_length=1, max_length=100)]


class Register(Write, frozen=True, kw_only=True):
    """A specialist joins the fleet, or says anew who it is."""

    specialist: SpecialistId
    name: Annotated[str | None, Meta(description="What people call it; its id when left out.")] = None
    role: Annotated[
        Short | None, Meta(description="What it is there for, such as builder, reviewer or coordinator.")
    ] = None
    program: Annotated[Short | None, Meta(description="The program it is, such as claude-code.")] = None
    model: Annotated[Short | None, Meta(description="The language model behind it.")] = None
    capabilities: Annotated[tuple[str, ...], Meta(description="What it can do.")] = ()
    anew: Annotated[bool, Meta(description="End its session, with all that it holds, and begin another.")] = (
        False
    )


class Heartbeat(HeldWrite, frozen=True, kw_only=True):
    """A specialist says that it is alive."""

    status: Annotated[Activity, Meta(description="What it is doing.")] = "active"
    current_sortie: Annotated[str | None, Meta(description="The sortie it works on.")] = None


class Retire(Write, frozen=True, kw_only=True):
    """A specialist whose work is over."""

    specialist: SpecialistId
    reason: Annotated[CompletionReason, Meta(description="How its work ended.")] = "success"
    summary: Annotated[str | None, Meta(description="What came of it.")] = None
    by: Annotated[str | None, Meta(description="Who decides it; the specialist when left out.")] = None


class Show(Read, frozen=True, kw_only=True):
    """Which specialist."""

    specialist: SpecialistId


class ListSpecialists(Read, frozen=True, kw_only=True):
    """Which specialists."""

    status: Annotated[Status | None, Meta(description="Only those that are doing this.")] = None
    role: Annotated[str | None, Meta(description="Only those that are there for this.")] = None
    after: Annotated[
        str | None, Meta(description="Go on after this id, which an earlier answer gave as next.")
    ] = None
    limit: Annotated[int, Meta(description="How many at most.", ge=1, le=1000)] = 50


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A specialist's session: whoever shows its `token` writes in its name, for `expires_in_ms` milliseconds
    after its last sign of life."""

    specialist_id: str
    name: str
    role: str | None
    token: int
    expires_in_ms: int


def register(fleet: Fleet, request: Register) -> Done[Session]:
    """Register a specialist and begin its session, or change what is known of it.

    The answer's token goes with everything it writes: export FLEET_TOKEN, or give --token. Registering again
    during the session gives the same token; after the session a new one, and the old one is refused.

    Example: fleet specialist register ada --role builder --capabilities python
    """
    settle(fleet)
    outcome = fleet.carry_out(request, lambda decision: _register(decision, request))
    return Done(_session(request, outcome), outcome.position, outcome.replayed)


def _register(decision: Decision, request: Register) -> None:
    target = stream(request.specialist)
    known = decision.look(SPECIALISTS, target)
    wanted = SpecialistRegistered(
        specialist_id=request.specialist,
        name=request.name or request.specialist,
        role=request.role,
        program=request.program,
        model=request.model,
        capabilities=request.capabilities or None,
    )
    cause = known.last_event if known else None
    if known is None or not _says(known, wanted):
        cause = decision.record(target, wanted, cause=cause)
    _begin_session(decision, request, cause)


def _says(known: Specialist, wanted: SpecialistRegistered) -> bool:
    return (known.name, known.role, known.program, known.model, known.capabilities) == (
        wanted.name,
        wanted.role,
        wanted.program,
        wanted.model,
        wanted.capabilities or (),
    )


def _begin_session(decision: Decision, request: Register, cause: str | None) -> None:
    """One's own session goes on; a new one begins at once, since no one else's work waits for the old one."""
    lease_id = session_id(request.specialist)
    session = found(decision, lease_id)
    ttl_ms = lost_after_ms(decision.fleet)
    live = session is not None and session.status == "held"
    if session is not None and live and not request.anew:
        renew(decision, session, ttl_ms)
        return
    if session is not None and live:
        end(decision, session, "released", by=request.specialist, reason="begins anew", cause=cause)
    grant(
        decision,
        lease_id=lease_id,
        kind="session",
        holder=request.specialist,
        ttl_ms=ttl_ms,
        cause=cause,
        tags=(stream(request.specialist).tag,),
    )


def _session(request: Register, outcome: Outcome) -> Session:
    granted = [event for event in outcome.events if isinstance(event.known, LeaseGranted | LeaseRenewed)][-1]
    lease: LeaseGranted | LeaseRenewed = granted.data
    return Session(
        specialist_id=request.specialist,
        name=request.name or request.specialist,
        role=request.role,
        token=lease.token if isinstance(lease, LeaseRenewed) else granted.position,
        expires_in_ms=lease.ttl_ms or 0,
    )


def heartbeat(fleet: Fleet, request: Heartbeat) -> Done[Specialist]:
    """Say that a specialist is alive, and what it is doing. Any other write of it says so too.

    Example: fleet specialist heartbeat --status busy --current-sortie routes
    """

    def decide(decision: Decision, holding: Holding) -> Stream:
        target = stream(holding.specialist)
        active = SpecialistActive(
            specialist_id=holding.specialist, status=request.status, current_sortie=request.current_sortie
        )
        said = decision.record(target, active, cause=holding.session.grant_event)
        renew(decision, holding.session, lost_after_ms(fleet), cause=said)
        return target

    return decide_held(fleet, request, SPECIALISTS, decide)


def retire(fleet: Fleet, request: Retire) -> Done[Specialist]:
    """Say that a specialist's work is over; what it holds is free at once, and its sorties are pending again.

    Example: fleet specialist retire ada --summary "all merged"
    """

    def decide(decision: Decision) -> Stream:
        target = stream(request.specialist)
        known = decision.look(SPECIALISTS, target)
        if known is None:
            raise unknown(request.specialist)
        if known.status == "retired":
            raise Conflict(
                f"{request.specialist} is retired already",
                remedy=f"'fleet specialist register {request.specialist}' brings it back",
            )
        completed = SpecialistCompleted(
            specialist_id=request.specialist,
            completed_at=as_datetime(decision.now),
            reason=request.reason,
            summary=request.summary,
        )
        cause = decision.record(target, completed, cause=known.last_event)
        session = found(decision, session_id(request.specialist))
        if session is not None and session.status == "held":
            by = request.by or request.specialist
            end(decision, session, "retired", by=by, reason=request.summary, cause=cause)
        return target

    settle(fleet)
    return fleet.decide(request, SPECIALISTS, decide)


def show(fleet: Fleet, request: Show) -> Specialist:
    """Show one specialist.

    Example: fleet specialist show ada --as-of 2h
    """
    specialist = fleet.view(SPECIALISTS, request.as_of).get(request.specialist)
    if specialist is None:
        raise unknown(request.specialist)
    return specialist if request.as_of else _seen_now([specialist], _late(fleet).items)[0]


def list_specialists(fleet: Fleet, request: ListSpecialists) -> Page[Specialist]:
    """List the specialists of the fleet, by id.

    Example: fleet specialist list --status idle
    """
    if request.status == "late" and not request.as_of:
        return _list_late(fleet, request)
    said = {"status": request.status, "role": request.role}
    where = {field: value for field, value in said.items() if value is not None}
    page = fleet.view(SPECIALISTS, request.as_of).select(where, after=request.after, limit=request.limit)
    if request.as_of:
        return page
    seen = _seen_now(page.items, _late(fleet).items)
    return Page([each for each in seen if request.status in (None, each.status)], page.next)


def _list_late(fleet: Fleet, request: ListSpecialists) -> Page[Specialist]:
    after = None if request.after is None else session_id(request.after)
    sessions = _late(fleet, after=after, limit=request.limit)
    known = fleet.view(SPECIALISTS)
    found = [each for each in (known.get(lease.holder) for lease in sessions.items) if each is not None]
    late = _seen_now(found, sessions.items)
    following = sessions.items[-1].holder if sessions.next else None
    return Page([each for each in late if request.role in (None, each.role)], following)


def _late(fleet: Fleet, **page: Any) -> Page[Lease]:
    """The sessions whose time is over, and of which nobody has recorded that yet."""
    due = AtMost(read_clock(fleet).steady)
    return fleet.view(LEASES).select({"kind": "session", "status": "held", "due_at": due}, **page)


def _seen_now(specialists: list[Specialist], late: list[Lease]) -> list[Specialist]:
    holders = {lease.holder for lease in late}
    return [
        msgspec.structs.replace(each, status="late") if each.specialist_id in holders else each
        for each in specialists
    ]


def unknown(specialist_id: str) -> NotFound:
    """What to say of a specialist that nobody registered."""
    return NotFound(
        f"no specialist is registered as {specialist_id!r}",
        remedy=f"see 'fleet specialist list', or run 'fleet specialist register {specialist_id}'",
        specialist=specialist_id,
    )
