"""Which reservations are meant when they are named: one's own, and nobody else's."""

import re
from collections.abc import Callable
from typing import Final, NoReturn

from fleet_core.api import Conflict, Decision, Match, NotFound, Query, Usage
from fleet_ctk.requests import CtkRelease, CtkRenew
from fleet_ctk.resources import FILES, Resource, name_of, resources
from fleet_ctk.state import known_rule
from fleet_leases.api import LEASES, Holding, Lease, LeaseGranted, fence, found, stream, unknown_lease

_LEASE_ID: Final = re.compile(r"file:[0-9a-f-]{36}|slot:(?!//).+")


def chosen(decision: Decision, holding: Holding, request: CtkRenew | CtkRelease) -> list[Lease]:
    """The reservations that a request names, each once; the decision depends on their being held.

    Raises:
        Fenced: one of them is over; recorded.
        Conflict: one of them is somebody else's, or that of another claim.
        NotFound: there is none such, or none at all.
        Usage: nothing is named, or too much.
    """
    if request.all == bool(request.paths):
        raise Usage(
            "this needs the names of reservations, or --all, and not both",
            remedy="'fleet ctk list' shows those there are",
        )
    own = _own(decision, holding)
    if request.all:
        return own or _nothing_held(holding, own)
    rule = known_rule(decision.fleet)
    ids = [name for name in request.paths if _LEASE_ID.fullmatch(name)]
    typed = [name for name in request.paths if name not in ids]
    project = decision.fleet.project
    wanted = resources(typed, project, request.where, case_sensitive=rule)
    leases = [_by_id(decision, holding, lease_id) for lease_id in ids]
    leases += [lease for asked in wanted for lease in _by_name(decision, holding, own, asked)]
    return list({lease.token: lease for lease in leases}.values())


def _own(decision: Decision, holding: Holding) -> list[Lease]:
    leases = decision.view(LEASES).select({"holder": holding.specialist, "status": "held"}).items
    reserved = [lease for lease in leases if lease.kind in ("file", "slot") and holding.covers(lease)]
    return [lease for lease in reserved if found(decision, lease.lease_id) == lease]


def _by_id(decision: Decision, holding: Holding, lease_id: str) -> Lease:
    lease = found(decision, lease_id)
    if lease is not None and holding.covers(lease):
        return lease
    if lease is not None and lease.status == "held":
        _refuse_others(lease, holding)
    _fence_own(decision, holding, Match(streams=(stream(lease_id),)), 0, lambda granted: True)
    raise unknown_lease(lease_id)


def _by_name(decision: Decision, holding: Holding, own: list[Lease], asked: Resource) -> list[Lease]:
    leases = [lease for lease in own if asked.is_of(lease)]
    if leases:
        return leases
    held = decision.view(LEASES).select({"kind": asked.kind, "status": "held"}).items
    for lease in held:
        if asked.is_of(lease):
            _refuse_others(lease, holding)
    grants = Match(streams=(stream(asked.slot_id),)) if asked.pattern is None else Match(tags=(FILES,))
    _fence_own(decision, holding, grants, holding.session.token, asked.is_of)
    return _nothing_held(holding, own, asked.name)


def _fence_own(
    decision: Decision, holding: Holding, grants: Match, since: int, is_meant: Callable[[LeaseGranted], bool]
) -> None:
    """Refuse if what is meant was granted to whoever asks: it is over, then."""
    for event in decision.fleet.store.read(Query((grants,)), after=since, backwards=True):
        granted = event.known
        if not isinstance(granted, LeaseGranted) or granted.holder != holding.specialist:
            continue
        if is_meant(granted):
            fence(decision, event, remedy="nothing was changed; reserve it anew: 'fleet ctk reserve'")


def _refuse_others(lease: Lease, holding: Holding) -> NoReturn:
    name = name_of(lease)
    if lease.holder == holding.specialist:
        raise Conflict(
            f"your {name} was reserved under another lease than the one whose token you showed",
            remedy="show the token of that, or of your session",
            lease=lease.lease_id,
            under=lease.under,
        )
    raise Conflict(
        f"{lease.holder} holds {name}, not you",
        remedy=f"ask {lease.holder} to release it; a coordinator can take it away:"
        f" 'fleet lease release {lease.lease_id} --reason ...'",
        lease=lease.lease_id,
        holder=lease.holder,
    )


def _nothing_held(holding: Holding, own: list[Lease], name: str = "anything") -> NoReturn:
    held = ", ".join(sorted(map(name_of, own)))
    raise NotFound(
        f"{holding.specialist} has not reserved {name}",
        remedy=f"reserved with this token: {held}" if held else "nothing is reserved with this token",
        holder=holding.specialist,
    )
