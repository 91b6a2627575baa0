"""Which reservations cover a path, and what reservations covered that are over: for guards and audits."""

from typing import NamedTuple

from fleet_core.api import Fleet, Query, Recorded
from fleet_ctk.patterns import Pattern, matches
from fleet_ctk.resources import pattern_of
from fleet_ctk.state import known_rule
from fleet_leases.api import LEASES, Lease, LeaseGranted, ending_of, granting, under_tag


class Reserved(NamedTuple):
    """A lease of files that bars others, and the pattern it is of."""

    lease: Lease
    pattern: Pattern

    def covers(self, path: str) -> bool:
        """Whether it covers a path, which is relative to the project's root, as git spells it."""
        return matches(self.pattern, path)


class Granted(NamedTuple):
    """A grant of files, the pattern it was of, and the event that ended it; None while it lasts."""

    event: Recorded
    lease: LeaseGranted
    pattern: Pattern
    ended: Recorded | None

    @property
    def token(self) -> int:
        """Its fencing token."""
        return self.event.position

    def covers(self, path: str) -> bool:
        """As `Reserved.covers`."""
        return matches(self.pattern, path)


def reservations(fleet: Fleet, as_of: str | None = None) -> list[Reserved]:
    """All reservations of files that bar others: held ones, and expired ones during the lock-delay."""
    rule = known_rule(fleet, as_of)
    leases = fleet.view(LEASES, as_of).select({"kind": "file"}).items
    return [Reserved(lease, pattern_of(lease, rule)) for lease in leases]


def covering(fleet: Fleet, path: str, as_of: str | None = None) -> list[Reserved]:
    """Those that cover a path, which is relative to the project's root."""
    return [each for each in reservations(fleet, as_of) if each.covers(path)]


def granted_under(fleet: Fleet, token: int) -> list[Granted]:
    """What files a token stands or stood for: those of a reservation, or of all that were made under a claim
    or a session, whether they last or are over.

    Raises:
        NotFound: it is no lease's token.
    """
    rule = known_rule(fleet)
    return [
        Granted(event, lease, pattern_of(lease, rule), ending_of(fleet, event))
        for event, lease in _files_under(fleet, granting(fleet, token))
    ]


def _files_under(fleet: Fleet, granted: Recorded) -> list[tuple[Recorded, LeaseGranted]]:
    lease: LeaseGranted = granted.data
    if lease.kind == "file":
        return [(granted, lease)]
    below = Query.of(types=(LeaseGranted.type_name,), tags=(under_tag(granted.position),))
    return [each for event in fleet.store.read(below) for each in _files_under(fleet, event)]
