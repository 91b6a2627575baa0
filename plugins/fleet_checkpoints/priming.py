"""What a specialist must know to begin: who it is, what it holds, what to read, and what to do next."""

from collections.abc import Iterator
from typing import NamedTuple

from fleet_checkpoints.loading import newest
from fleet_checkpoints.prompts import fitted
from fleet_checkpoints.requests import Prime, Primed
from fleet_core.api import Fleet, NotFound
from fleet_leases.api import (
    LEASES,
    Lease,
    LeaseGranted,
    ending_of,
    granting,
    read_clock,
    remaining_ms,
    session_id,
)
from fleet_missions.api import (
    OPEN_SORTIES,
    SORTIES,
    OpenSortie,
    Sortie,
    SortieReady,
    claimed_sortie,
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
    lines = [
        *_who(fleet, standing),
        *_lost(fleet, None if request.specialist else request.token),
        *_holds(standing),
        *_reads(fleet, standing),
    ]
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


def _lost(fleet: Fleet, token: int | None) -> Iterator[str]:
    """What became of the lease whose token was shown, if that is over."""
    granted = None if token is None else granting(fleet, token)
    over = None if granted is None else ending_of(fleet, granted)
    if granted is None or over is None:
        return
    lease: LeaseGranted = granted.data
    now = fleet.view(LEASES).get(lease.lease_id)
    holder = f"; {now.holder} holds it now" if now is not None and now.status == "held" else ""
    yield f"Your lease {lease.lease_id}, token {granted.position}, ended at position {over.position}{holder}."


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
        yield f"{_messages(seen.unread_total)}: fleet squawk receive"
        yield from (f"- {row.sender or '?'}: {row.subject} ({row.priority})" for row in seen.messages)
    for mailbox, count in seen.elsewhere.items():
        yield f"{_messages(count)} in {mailbox}: fleet squawk receive --mailbox {mailbox}"
    late = overdue(fleet, Overdue(mailbox=name, limit=3)).items
    yield from (f"Overdue: fleet squawk ack {each.message_id} ({each.subject})" for each in late)


def _messages(count: int) -> str:
    return f"{count} unread message{'' if count == 1 else 's'}"


def _next(fleet: Fleet, standing: _Standing) -> str:
    if standing.session is None:
        return f"fleet specialist register {standing.specialist.specialist_id}, and export its FLEET_TOKEN"
    if standing.sorties:
        return _go_on(fleet, standing.sorties)
    name = standing.specialist.specialist_id
    if assigned := _is_to_start(fleet, name):
        return f"fleet sortie start {assigned.sortie_id} ({assigned.title}), which is assigned to you"
    if standing.specialist.role == "reviewer" and (waiting := _waits_for_review(fleet, name)):
        return f"fleet review start {waiting}"
    ready = sortie_ready(fleet, SortieReady(limit=1)).items
    if ready:
        return f"fleet sortie claim (next is {ready[0].sortie_id}: {ready[0].title})"
    return "fleet wait --for mail --for ready"


def _is_to_start(fleet: Fleet, name: str) -> OpenSortie | None:
    """A sortie that is assigned to a specialist and needs nothing else any more."""
    assigned = fleet.view(OPEN_SORTIES).select({"assigned_to": name, "status": "assigned"}).items
    sorties = fleet.view(SORTIES)

    def is_met(needed: str) -> bool:
        found = sorties.get(needed)
        return found is not None and found.status == "completed"

    return next((row for row in assigned if all(map(is_met, row.dependencies))), None)


def _waits_for_review(fleet: Fleet, reviewer: str) -> str | None:
    """A sortie that waits for a review, by somebody else than its worker."""
    rows = fleet.view(OPEN_SORTIES).select({"status": "review", "reviewer": None}).items
    return next((row.sortie_id for row in rows if row.assigned_to != reviewer), None)


def _go_on(fleet: Fleet, sorties: list[Sortie]) -> str:
    sortie = next((each for each in sorties if each.status != "blocked"), sorties[0])
    if sortie.status == "blocked":
        return f"{sortie.sortie_id} is blocked ({sortie.blocked_reason}): fleet wait --for mail"
    if newest(fleet, sortie.sortie_id) is None:
        return f"go on with {sortie.sortie_id}; fleet sortie progress {sortie.sortie_id} PERCENT says how far"
    return f"go on with {sortie.sortie_id}; fleet checkpoint show {sortie.sortie_id} tells where it stood"
