"""What a specialist must know to begin: who it is, what it holds, what to read, and what to do next."""

from collections.abc import Iterator
from typing import NamedTuple

from fleet_checkpoints.prompts import fitted
from fleet_checkpoints.requests import Prime, Primed
from fleet_core.api import Fleet, NotFound
from fleet_leases.api import LEASES, Lease, granting, read_clock, remaining_ms, session_id
from fleet_missions.api import (
    SORTIES,
    ReviewList,
    Sortie,
    SortieReady,
    claimed_sortie,
    review_list,
    sortie_ready,
)
from fleet_specialists.api import SPECIALISTS, Specialist, unknown
from fleet_squawk.api import InboxRequest, Overdue, inbox, overdue

REGISTER = "fleet specialist register NAME, then export FLEET_TOKEN with the token it gives you"


class _Standing(NamedTuple):
    """A specialist, its session if that is live, and what it holds."""

    specialist: Specialist
    session: Lease | None
    leases: list[Lease]
    sorties: list[Sortie]


def prime(fleet: Fleet, request: Prime) -> Primed:
    """Say what a specialist is, holds, should read and do next, in at most 1,600 bytes.

    Example: fleet specialist prime --specialist ada
    """
    name = request.specialist or _whose(fleet, request.token)
    if name is None:
        return Primed(
            specialist_id=None, prompt=fitted(["You are not registered here."], f"Next: {REGISTER}")
        )
    standing = _standing(fleet, name)
    lines = [*_who(fleet, standing), *_holds(standing), *_reads(fleet, standing)]
    return Primed(specialist_id=name, prompt=fitted(lines, f"Next: {_next(fleet, standing)}"))


def _whose(fleet: Fleet, token: int | None) -> str | None:
    if token is None:
        return None
    try:
        return str(granting(fleet, token).data.holder)
    except NotFound:
        return None


def _standing(fleet: Fleet, name: str) -> _Standing:
    specialist = fleet.view(SPECIALISTS).get(name)
    if specialist is None:
        raise unknown(name)
    session = fleet.view(LEASES).get(session_id(name))
    live = session if session is not None and session.status == "held" else None
    leases = fleet.view(LEASES).select({"holder": name, "status": "held"}).items if live else []
    claims = [claimed_sortie(lease) for lease in leases if lease.kind == "claim"]
    sorties = [sortie for claim in claims if (sortie := fleet.view(SORTIES).get(claim)) is not None]
    return _Standing(specialist, live, leases, sorties)


def _who(fleet: Fleet, standing: _Standing) -> Iterator[str]:
    specialist, session = standing.specialist, standing.session
    role = f", {specialist.role}" if specialist.role else ""
    if session is None:
        yield f"You are {specialist.specialist_id}{role}. Your session is over ({specialist.status})."
        yield "Whatever you held is free for others; writes under your old tokens are refused."
        return
    left = (remaining_ms(session, read_clock(fleet)) or 0) // 1000
    over = f"over in {left} s unless you write"
    yield f"You are {specialist.specialist_id}{role}. Your session's token is {session.token}; it is {over}."


def _holds(standing: _Standing) -> Iterator[str]:
    tokens = {lease.lease_id: lease.token for lease in standing.leases}
    for sortie in standing.sorties:
        yield (
            f"You work on {sortie.sortie_id} ({sortie.status}, {sortie.progress} %), token"
            f" {tokens[f'claim:{sortie.sortie_id}']}: {sortie.title}"
        )
    files = [lease.resources[0] for lease in standing.leases if lease.kind == "file"]
    slots = [lease.lease_id.replace(":", "://", 1) for lease in standing.leases if lease.kind == "slot"]
    if files or slots:
        yield f"You have reserved: {', '.join([*files, *slots])}"


def _reads(fleet: Fleet, standing: _Standing) -> Iterator[str]:
    name = standing.specialist.specialist_id
    seen = inbox(fleet, InboxRequest(mailbox=name, limit=3))
    if seen.unread_total:
        yield f"{seen.unread_total} unread messages: fleet squawk receive"
        yield from (f"- {row.sender or '?'}: {row.subject} ({row.priority})" for row in seen.messages)
    yield from (f"{count} unread in {mailbox}" for mailbox, count in seen.elsewhere.items())
    late = overdue(fleet, Overdue(mailbox=name, limit=3)).items
    yield from (f"Overdue: acknowledge {each.message_id}" for each in late)


def _next(fleet: Fleet, standing: _Standing) -> str:
    if standing.session is None:
        return f"fleet specialist register {standing.specialist.specialist_id}, and export its FLEET_TOKEN"
    if standing.sorties:
        return _go_on(standing.sorties[0])
    if standing.specialist.role == "reviewer" and (waiting := review_list(fleet, ReviewList(limit=1)).items):
        return f"fleet review start {waiting[0].sortie_id}"
    ready = sortie_ready(fleet, SortieReady(limit=1)).items
    if ready:
        return f"fleet sortie claim (next is {ready[0].sortie_id}: {ready[0].title})"
    return "fleet wait --for mail --for ready"


def _go_on(sortie: Sortie) -> str:
    if sortie.status == "blocked":
        return f"{sortie.sortie_id} is blocked ({sortie.blocked_reason}): fleet wait --for mail"
    return f"go on with {sortie.sortie_id}; fleet checkpoint show {sortie.sortie_id} tells where it stood"
