"""What can be done with reservations. Each function is offered under its name in pyproject.toml."""

from collections.abc import Sequence

from fleet_core.api import Done, Fleet, Page, Recorded, View
from fleet_ctk.conflicts import taken
from fleet_ctk.events import CtkReleased, CtkReserved
from fleet_ctk.locks import grant_of, lease_id_of
from fleet_ctk.looking import checked, look
from fleet_ctk.requests import (
    Checked,
    CtkCheck,
    CtkList,
    CtkRelease,
    CtkRenew,
    CtkReserve,
    Listed,
    Released,
    Reservation,
)
from fleet_ctk.reserving import give_back, prolong, reserve
from fleet_ctk.resources import name_of
from fleet_leases.api import (
    LEASES,
    Lease,
    LeaseGranted,
    LeaseReleased,
    LeaseRenewed,
    Mark,
    carry_out_held,
    read_clock,
    shown,
)


def ctk_reserve(fleet: Fleet, request: CtkReserve) -> Done[list[Reservation]]:
    """Reserve files, or slots, so that nobody else does: all that is named, or nothing.

    Reserving again what you hold renews it. It is free again when you release it, when its time is over, and
    when your claim or session is.

    Example: fleet ctk reserve 'src/db/**' src/settings.py --reason "new schema"
    """
    outcome = carry_out_held(fleet, request, lambda decision, holding: reserve(decision, holding, request))
    return Done(_reservations(fleet, outcome.events), outcome.position, outcome.replayed)


def ctk_renew(fleet: Fleet, request: CtkRenew) -> Done[list[Reservation]]:
    """Have reservations last longer: all that are named, or none.

    Example: fleet ctk renew --all --ttl 1800
    """
    outcome = carry_out_held(fleet, request, lambda decision, holding: prolong(decision, holding, request))
    return Done(_reservations(fleet, outcome.events), outcome.position, outcome.replayed)


def ctk_release(fleet: Fleet, request: CtkRelease) -> Done[list[Released]]:
    """Give reservations back: all that are named, or none.

    Example: fleet ctk release src/settings.py
    """
    outcome = carry_out_held(fleet, request, lambda decision, holding: give_back(decision, holding, request))
    return Done(_released(outcome.events), outcome.position, outcome.replayed)


def ctk_list(fleet: Fleet, request: CtkList) -> Page[Listed]:
    """List what is reserved, by whom, and for how long.

    Example: fleet ctk list --holder ada
    """
    at = None if request.as_of else read_clock(fleet)
    page = _page(fleet.view(LEASES, request.as_of), request)
    return Page([_listed(lease, at) for lease in page.items], page.next)


def ctk_check(fleet: Fleet, request: CtkCheck) -> list[Checked]:
    """Say whether files, or slots, could be reserved now; nothing is reserved or recorded.

    Exits with status 6 and says who holds what, as reserving would, if one of them could not. With your
    token what you hold yourself is not in the way.

    Example: fleet ctk check src/settings.py
    """
    looked = look(
        fleet, request.paths, request.where, shared=request.shared, token=request.token, as_of=request.as_of
    )
    if looked.in_the_way:
        raise taken(looked.in_the_way, looked.leases, looked.at, shared=request.shared)
    return checked(looked)


def _page(leases: View[Lease], request: CtkList) -> Page[Lease]:
    """Some of the files' leases; behind them, in order of the ids, those of slots."""
    who = {} if request.holder is None else {"holder": request.holder}
    after, limit = request.after, request.limit
    files = leases.select(who | {"kind": "file"}, after=after, limit=limit)
    if files.next is not None:
        return files
    rest = limit - len(files.items)
    slots = leases.select(who | {"kind": "slot"}, after=after, limit=rest + 1)
    found = [*files.items, *slots.items]
    return Page(found[:limit], found[limit - 1].lease_id if len(found) > limit else None)


def _listed(lease: Lease, at: Mark | None) -> Listed:
    seen = shown(lease, at)
    return Listed(
        pattern=name_of(lease),
        holder=lease.holder,
        shared=lease.shared,
        status=seen.status,
        expires_in_ms=seen.expires_in_ms,
        token=lease.token,
        lease_id=lease.lease_id,
        reason=lease.reason,
    )


def _reservations(fleet: Fleet, events: Sequence[Recorded]) -> list[Reservation]:
    """What was reserved or renewed, in the order of the request."""
    grants: dict[str, Recorded] = {}
    renewed: dict[int, int] = {}
    reserved: list[CtkReserved] = []
    for event in events:
        match event.known:
            case LeaseGranted():
                grants[event.stream_id] = event
            case LeaseRenewed(token=token, ttl_ms=ttl_ms):
                renewed[token] = ttl_ms
            case CtkReserved() as told:
                reserved.append(told)
    found = [grants.get(lease_id_of(each.lock_id, each.normalized_path)) for each in reserved]
    granted = [event or grant_of(fleet, each) for event, each in zip(found, reserved, strict=True)]
    return [_reservation(event, renewed.get(event.position)) for event in granted]


def _reservation(granted: Recorded, renewed_ms: int | None) -> Reservation:
    lease: LeaseGranted = granted.data
    return Reservation(
        pattern=name_of(lease),
        lease_id=lease.lease_id,
        token=granted.position,
        holder=lease.holder,
        shared=lease.shared,
        expires_in_ms=renewed_ms or lease.ttl_ms,
    )


def _released(events: Sequence[Recorded]) -> list[Released]:
    tokens = {event.stream_id: event.data.token for event in events if isinstance(event.known, LeaseReleased)}
    told = [event.known for event in events if isinstance(event.known, CtkReleased)]
    ids = [lease_id_of(each.lock_id, each.file_path) for each in told]
    return [
        Released(pattern=each.file_path, lease_id=lease_id, token=tokens[lease_id])
        for each, lease_id in zip(told, ids, strict=True)
    ]
