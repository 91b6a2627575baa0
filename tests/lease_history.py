"""What the log says of leases, position by position, judged without the code that grants them."""

from collections.abc import Iterator
from typing import NamedTuple

from fleet_core.api import Fleet, Query, Recorded
from fleet_ctk.events import CtkCaseRule
from fleet_ctk.patterns import overlap, parse, witness
from fleet_leases.api import LeaseExpired, LeaseGranted, LeaseReleased

_TYPES = tuple(each.type_name for each in (LeaseGranted, LeaseReleased, LeaseExpired, CtkCaseRule))


class Grant(NamedTuple):
    """A grant in force. Grants of one session may overlap."""

    token: int
    session: int
    lease: LeaseGranted


class Clash(NamedTuple):
    """Two grants of different sessions that were in force at once, though one of them is exclusive."""

    position: int
    one: Grant
    other: Grant
    witness: str | None


def overlapping_holders(fleet: Fleet) -> list[Clash]:
    """Every pair of sessions that ever held the same file or slot at once; none, if all is well.

    Read from the grants, releases and expiries of the log alone, up to each of its positions.
    """
    return list(_clashes(fleet.store.read(Query.of(types=_TYPES))))


def _clashes(events: Iterator[Recorded]) -> Iterator[Clash]:
    in_force: dict[str, Grant] = {}
    sessions: dict[str, int] = {}
    case_sensitive = True
    for event in events:
        known = event.known
        if isinstance(known, CtkCaseRule):
            case_sensitive = known.case_sensitive
        elif isinstance(known, LeaseReleased | LeaseExpired):
            over = in_force.get(event.stream_id)
            if over is not None and over.token == known.token:
                del in_force[event.stream_id]
        elif not isinstance(known, LeaseGranted):
            continue
        elif known.kind == "session":
            sessions[known.holder] = event.position
        else:
            grant = Grant(event.position, sessions[known.holder], known)
            for other in in_force.values():
                if _clash(grant, other, case_sensitive):
                    yield Clash(event.position, grant, other, _shown(grant, other, case_sensitive))
            before = in_force.get(event.stream_id)
            if before is not None and before.session != grant.session:
                yield Clash(event.position, grant, before, event.stream_id)
            in_force[event.stream_id] = grant


def _clash(one: Grant, other: Grant, case_sensitive: bool) -> bool:
    if one.session == other.session or (one.lease.shared and other.lease.shared):
        return False
    if one.lease.kind != "file" or other.lease.kind != "file":
        return False
    return any(
        overlap(parse(mine, case_sensitive=case_sensitive), parse(theirs, case_sensitive=case_sensitive))
        for mine in one.lease.resources
        for theirs in other.lease.resources
    )


def _shown(one: Grant, other: Grant, case_sensitive: bool) -> str | None:
    mine, theirs = one.lease.resources[0], other.lease.resources[0]
    return witness(parse(mine, case_sensitive=case_sensitive), parse(theirs, case_sensitive=case_sensitive))
