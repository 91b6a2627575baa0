"""Looking whether something could be reserved, without reserving it."""

from collections.abc import Sequence
from typing import NamedTuple

from fleet_core.api import Fleet, View
from fleet_ctk.conflicts import Obstacle, is_own, obstacles
from fleet_ctk.requests import Checked
from fleet_ctk.resources import Resource, resources
from fleet_ctk.state import known_rule
from fleet_leases.api import LEASES, Lease, LeaseGranted, Mark, granting, read_clock, remaining_ms, session_id


class Looked(NamedTuple):
    """What was seen: what was asked for, what is in its way, and what of it one holds oneself; and the leases
    as they were then, by the steady clock's time `at`, which is None for the past.
    """

    wanted: list[Resource]
    in_the_way: list[Obstacle]
    own: list[Lease]
    leases: View[Lease]
    at: Mark | None


def look(
    fleet: Fleet,
    paths: Sequence[str],
    where: str | None = None,
    *,
    shared: bool = False,
    token: int | None = None,
    as_of: str | None = None,
) -> Looked:
    """See whether paths, patterns or slots could be reserved by whoever has a token, or by a stranger.

    Raises:
        Invalid: one of them can't be reserved at all.
        NotFound: it is no lease's token; or `as_of` lies beyond the log.
    """
    rule = known_rule(fleet, as_of)
    wanted = resources(paths, fleet.project, where, case_sensitive=rule)
    leases = fleet.view(LEASES, as_of)
    at = None if as_of else read_clock(fleet)
    session = None if token is None else leases.get(session_id(_holder(fleet, token)))
    reserved = [lease for lease in _reserved(leases) if not _is_over(lease, at)]
    in_the_way = list(obstacles(wanted, reserved, shared=shared, session=session))
    own = [lease for lease in reserved if is_own(lease, session)]
    return Looked(wanted, in_the_way, own, leases, at)


def checked(looked: Looked) -> list[Checked]:
    """What can be said of each thing when nothing is in the way."""
    return [
        Checked(
            path=asked.typed,
            pattern=asked.name,
            yours=next((lease.lease_id for lease in looked.own if asked.meets(lease)), None),
        )
        for asked in looked.wanted
    ]


def _reserved(leases: View[Lease]) -> list[Lease]:
    return [*leases.select({"kind": "file"}).items, *leases.select({"kind": "slot"}).items]


def _is_over(lease: Lease, at: Mark | None) -> bool:
    """Whether a lease is in nobody's way any more, though nobody has recorded that yet."""
    return at is not None and lease.status == "expired" and remaining_ms(lease, at) == 0


def _holder(fleet: Fleet, token: int) -> str:
    granted: LeaseGranted = granting(fleet, token).data
    return granted.holder
