"""Deciding about reservations: all that was asked for, or nothing.

A reservation is a lease of its own, under the lease whose token was shown: that of a sortie's claim, or of
the session. Under a session that works on one sortie it is that claim's, too. All grants of files depend on
one another, so that of two that meet at most one is recorded.
"""

from collections.abc import Iterator, Sequence

from fleet_core.api import Decision, Invalid, Match, id_text
from fleet_ctk.choosing import chosen
from fleet_ctk.conflicts import Obstacle, is_own, obstacles, taken
from fleet_ctk.events import CtkConflict, CtkReserved, Purpose
from fleet_ctk.locks import lock_of, lock_stream, purpose_of
from fleet_ctk.requests import CtkRelease, CtkRenew, CtkReserve
from fleet_ctk.resources import FILE_ID, FILES, Resource, name_of, resources
from fleet_ctk.settings import settings_of
from fleet_ctk.state import rule_for, settle_rule
from fleet_leases.api import LEASES, Holding, Lease, LeaseGranted, end, found, grant, now, renew


def reserve(decision: Decision, holding: Holding, request: CtkReserve) -> None:
    """Have everything reserved that a request names. What one holds already is renewed, or made exclusive.

    Raises:
        Taken: something is in the way; every such thing is recorded.
        Invalid: what is asked for is nothing that can be reserved.
    """
    holding = at_work(decision, holding)
    wanted = _wanted(decision, request)
    leases = _competing(decision, wanted)
    in_the_way = list(_in_the_way(wanted, leases, holding, request.shared))
    if in_the_way:
        _refuse(decision, holding, request, in_the_way)
    serving = [lease for lease in leases if _serves(lease, holding)]
    for asked in wanted:
        own = next((lease for lease in serving if asked.is_of(lease)), None)
        _reserve_one(decision, holding, request, asked, own)


def at_work(decision: Decision, holding: Holding) -> Holding:
    """Under a session's token, the claim it works under: what is reserved for a sortie ends with its claim.
    With no claim, or several, what is reserved is the session's.
    """
    if holding.lease.kind != "session":
        return holding
    mine = {"holder": holding.specialist, "kind": "claim", "status": "held"}
    claims = decision.view(LEASES).select(mine, limit=2).items
    claim = found(decision, claims[0].lease_id) if len(claims) == 1 else None
    return holding if claim is None else holding._replace(lease=claim)


def in_the_way_of(decision: Decision, holding: Holding, request: CtkReserve) -> list[Obstacle]:
    """What stands in the way of a request; the decision depends on it."""
    wanted = _wanted(decision, request)
    return list(_in_the_way(wanted, _competing(decision, wanted), holding, request.shared))


def prolong(decision: Decision, holding: Holding, request: CtkRenew) -> None:
    """Have reservations last longer. Those that last as long as the session do so by a sign of life.

    Raises:
        Fenced, Conflict, NotFound, Usage: as `chosen`.
    """
    leases = chosen(decision, holding, request)
    for lease in leases:
        ttl_ms = lease.ttl_ms if request.ttl is None else _milliseconds(request.ttl)
        cause = lease.last_event if ttl_ms is None else renew(decision, lease, ttl_ms)
        lock_id = lock_of(decision.fleet, lease)
        purpose = purpose_of(decision.fleet, lock_id)
        _tell(decision, holding, lock_id, (name_of(lease), name_of(lease)), purpose, ttl_ms, cause)
    session = holding.session
    if session.ttl_ms is not None and any(lease.due_at is None for lease in leases):
        renew(decision, session, session.ttl_ms)


def give_back(decision: Decision, holding: Holding, request: CtkRelease) -> None:
    """Have reservations end.

    Raises:
        Fenced, Conflict, NotFound, Usage: as `chosen`.
    """
    for lease in chosen(decision, holding, request):
        end(decision, lease, "released", by=holding.specialist)


def _wanted(decision: Decision, request: CtkReserve) -> list[Resource]:
    rule = rule_for(decision)
    wanted = resources(request.paths, decision.fleet.project, request.where, case_sensitive=rule)
    slot = next((each for each in wanted if each.pattern is None), None)
    if slot is not None and request.shared:
        raise Invalid(
            f"{slot.name} can't be shared",
            path="$.shared",
            remedy="a slot has one holder at a time; reserve it without --shared",
        )
    return wanted


def _competing(decision: Decision, wanted: Sequence[Resource]) -> list[Lease]:
    """All leases that could be in the way; the decision depends on there being no more."""
    slots = [found(decision, each.slot_id) for each in wanted if each.pattern is None]
    leases = [lease for lease in slots if lease is not None]
    if len(slots) < len(wanted):
        decision.depend_on(Match(types=(LeaseGranted.type_name,), tags=(FILES,)))
        leases += decision.view(LEASES).select({"kind": "file"}).items
    return leases


def _in_the_way(
    wanted: Sequence[Resource], leases: Sequence[Lease], holding: Holding, shared: bool
) -> Iterator[Obstacle]:
    yield from obstacles(wanted, leases, shared=shared, session=holding.session)
    slots = [each for each in wanted if each.pattern is None]
    for asked in slots:  # there is one lease for a slot; another claim's would end with that
        yield from (
            Obstacle(lease, asked)
            for lease in leases
            if asked.is_of(lease) and _is_live(lease, holding) and not _serves(lease, holding)
        )


def _is_live(lease: Lease, holding: Holding) -> bool:
    return lease.status == "held" and is_own(lease, holding.session)


def _serves(lease: Lease, holding: Holding) -> bool:
    """Whether a lease of one's own lasts as long as what was shown, or longer: renewing it is enough."""
    return _is_live(lease, holding) and lease.under in (_parent(holding), holding.session.token)


def _parent(holding: Holding) -> int | None:
    """Under which token reservations are made: under a claim or session, never under one another."""
    return holding.lease.under if holding.lease.kind in ("file", "slot") else holding.lease.token


def _refuse(
    decision: Decision, holding: Holding, request: CtkReserve, in_the_way: Sequence[Obstacle]
) -> None:
    error = taken(in_the_way, decision.view(LEASES), now(decision), shared=request.shared)
    told = []
    for lease, asked in in_the_way:
        lock_id = lock_of(decision.fleet, lease)
        conflict = CtkConflict(
            file_path=asked.name,
            requesting_specialist=holding.specialist,
            holding_specialist=lease.holder,
            existing_lock_id=lock_id,
            conflict_type="stale_lock" if lease.status == "expired" else "concurrent_edit",
        )
        told.append((lock_stream(lock_id), conflict, lease.last_event))
    (stream, first, cause), *rest = told
    decision.refuse(error, stream, first, cause=cause, besides=rest)


def _reserve_one(
    decision: Decision, holding: Holding, request: CtkReserve, asked: Resource, own: Lease | None
) -> None:
    ttl = settings_of(decision.fleet).ttl if request.ttl is None else request.ttl
    ttl_ms = _milliseconds(ttl) if ttl else None
    if own is not None:
        found(decision, own.lease_id)  # it must not end meanwhile
    if own is not None and _is_enough(own, request, ttl_ms):
        # What lasts as long as the session can't last longer.
        ttl_ms = ttl_ms if own.due_at is not None else None
        cause = own.last_event if ttl_ms is None else renew(decision, own, ttl_ms)
        lock_id = lock_of(decision.fleet, own)
    else:
        if own is not None:
            end(decision, own, "released", by=holding.specialist, reason="reserved anew")
        lock_id, cause = _grant(decision, holding, request, asked, ttl_ms)
    _tell(decision, holding, lock_id, (asked.typed, asked.name), request.purpose, ttl_ms, cause)


def _is_enough(own: Lease, request: CtkReserve, ttl_ms: int | None) -> bool:
    """Whether a lease need only be renewed: whether it is shared, and has a time at all, stays as granted."""
    return (request.shared or not own.shared) and (ttl_ms is not None or own.due_at is None)


def _grant(
    decision: Decision, holding: Holding, request: CtkReserve, asked: Resource, ttl_ms: int | None
) -> tuple[str, str]:
    """Grant a lease; gives the lock's id and the event's."""
    is_file = asked.pattern is not None
    if asked.pattern is not None:
        settle_rule(decision, asked.pattern.case_sensitive, holding.lease.last_event)
    lock_id = id_text(decision.fleet.ids())
    granted = grant(
        decision,
        lease_id=FILE_ID + lock_id if is_file else asked.slot_id,
        kind="file" if is_file else "slot",
        holder=holding.specialist,
        resources=(asked.name,) if is_file else (),
        shared=request.shared,
        under=_parent(holding),
        ttl_ms=ttl_ms,
        reason=request.reason,
        cause=holding.lease.last_event,
        tags=(FILES,) if is_file else (),
    )
    return lock_id if is_file else granted, granted


def _tell(
    decision: Decision,
    holding: Holding,
    lock_id: str,
    spelled: tuple[str, str],
    purpose: Purpose,
    ttl_ms: int | None,
    cause: str,
) -> None:
    """Say it in FleetTools' words too, which know no reservation without a time."""
    reserved = CtkReserved(
        lock_id=lock_id,
        file_path=spelled[0],
        normalized_path=spelled[1],
        specialist_id=holding.specialist,
        purpose=purpose,
        timeout_ms=ttl_ms or holding.session.ttl_ms or 1,
    )
    decision.record(lock_stream(lock_id), reserved, cause=cause)


def _milliseconds(seconds: float) -> int:
    return max(1, round(seconds * 1000))
