"""The figures of a mission, folded from its events. Pure.

Which events are a mission's is decided by names, since causes lead elsewhere: what follows from the loss of
a specialist goes back to its registration.

- Those of its own stream, and those that carry its tag: of its sorties and their reviews.
- Those of the leases `claim:SORTIE` of its sorties.
- A refused write (`write_fenced`) whose token is that of such a claim, of a lease under one, or of a session
  with which one was lost.
- A conflict (`ctk_conflict`) of a specialist that held such a claim at that moment.
- A recovery (`fleet_recovered`) that resumed one of its sorties.

A specialist that works for two missions at once has its conflicts, and the writes under its lost session,
counted for both.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, get_args

import msgspec

from fleet_core.api import EventType, Match, Query, Recorded, as_microseconds
from fleet_ctk.api import CtkConflict
from fleet_leases.api import LeaseExpired, LeaseGranted, LeaseReleased, WriteFenced
from fleet_leases.api import stream as lease_stream
from fleet_missions.claims import claim_id
from fleet_missions.events import ReviewCompleted, SortieCompleted
from fleet_missions.mission_state import Mission, stream
from fleet_missions.moves import MissionStatus, SortieStatus
from fleet_missions.sortie_state import STREAM_TYPE, Sortie, evolve

RECOVERED: Final = "fleet_recovered"
"""The type of the events that tell of a recovery. Its plugin builds on this one, and may be missing."""

LEASES: Final = "lease"
"""The type of the streams of leases."""

LOST: Final = ("expired", "forced", "retired")
"""How claims end that are neither given back nor done."""

Grants = Callable[[int], LeaseGranted | None]
"""What was granted under a token."""


class Spread(msgspec.Struct, frozen=True, kw_only=True):
    """How long things took, in milliseconds. Median and 90th percentile are by nearest rank: times of real
    ones."""

    count: int
    median_ms: int
    p90_ms: int


class SpecialistFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What one specialist did for a mission. `held_ms` is how long it held claims; `strikes` are the reviews
    that found fault with its work, `reviews` those that it did itself.
    """

    specialist: str
    claims: int
    claims_lost: int
    completed: int
    failed: int
    strikes: int
    reviews: int
    conflicts: int
    fenced_writes: int
    recoveries: int
    held_ms: int


class MissionFigures(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of a mission. `progress` and `duration_ms` are those of the mission itself.

    `sorties` counts them by status. Claims are lost by expiry, force or retirement. Lead time runs from a
    sortie's creation to its completion, cycle time from its first start; `blocked_ms` is the time that all
    sorties together were blocked, up to the moment asked about.
    """

    mission_id: str
    status: MissionStatus
    progress: int
    duration_ms: int | None
    sorties: dict[str, int]
    claims: int
    claims_lost: int
    conflicts: int
    fenced_writes: int
    recoveries: int
    reviews: int
    review_strikes: int
    lead_time: Spread | None
    cycle_time: Spread | None
    blocked_ms: int
    specialists: tuple[SpecialistFigures, ...]


def events_of(mission_id: str, sorties: Sequence[str]) -> Query:
    """The events that the figures of a mission with these sorties are folded from, and a few others."""
    own = stream(mission_id)
    claims = tuple(lease_stream(claim_id(each)) for each in sorties)
    anybodys = (WriteFenced.type_name, CtkConflict.type_name, RECOVERED)
    items = (Match(streams=(own,)), Match(tags=(own.tag,)), Match(types=anybodys))
    return Query((*items, Match(streams=claims)) if claims else items)


def figures(
    mission: Mission, sorties: Sequence[str], events: Iterable[Recorded], *, grants: Grants, until: int
) -> MissionFigures:
    """Fold a mission's events to its figures.

    Args:
        mission: the mission as it was then.
        sorties: the ids of its sorties.
        events: what `events_of` asks for, in the order of the log.
        grants: what was granted under a token.
        until: the moment asked about, in microseconds since 1970; what lasts, lasts until then.
    """
    fold = _Fold(sorties, grants)
    for event in events:
        fold.take(event)
    return fold.figures(mission, until)


def spread(microseconds: Iterable[int]) -> Spread | None:
    """How long things took; None if there were none."""
    times = sorted(microseconds)
    if not times:
        return None

    def rank(percent: int) -> int:
        return times[-(-len(times) * percent // 100) - 1] // 1000

    return Spread(count=len(times), median_ms=rank(50), p90_ms=rank(90))


class _Claims:
    """Who held which of a mission's sorties, when, and what became of it."""

    def __init__(self, sorties: Iterable[str]) -> None:
        self._leases = {claim_id(each) for each in sorties}
        self._granted: dict[int, tuple[LeaseGranted, int]] = {}
        self._held: set[int] = set()
        self._lost_with: set[int] = set()

    def has(self, event: Recorded) -> bool:
        """Whether an event is of one of these leases."""
        return event.stream_type == LEASES and event.stream_id in self._leases

    def granted(self, token: int, lease: LeaseGranted, now: int) -> None:
        """A claim begins."""
        self._granted[token] = (lease, now)
        self._held.add(token)

    def ended(self, known: LeaseExpired | LeaseReleased, now: int) -> tuple[str, int, bool] | None:
        """A claim is over: whose it was, for how long, and whether it was lost. None if it is not known."""
        if known.token not in self._held:
            return None
        self._held.remove(known.token)
        lease, since = self._granted[known.token]
        lost = isinstance(known, LeaseExpired) or known.how in LOST
        if lost and lease.under is not None:
            self._lost_with.add(lease.under)
        return lease.holder, max(0, now - since), lost

    def holders(self) -> set[str]:
        """Who holds one at the moment."""
        return {self._granted[token][0].holder for token in self._held}

    def lasting(self, now: int) -> Iterator[tuple[str, int]]:
        """Who holds one at the moment, and for how long."""
        for lease, since in (self._granted[token] for token in sorted(self._held)):
            yield lease.holder, max(0, now - since)

    def covers(self, token: int, grants: Grants) -> bool:
        """Whether a write under a token, which is over, was meant for one of these sorties."""
        ours = self._granted.keys() | self._lost_with
        if token in ours:
            return True
        lease = grants(token)
        return lease is not None and lease.under in ours


class _Blocks:
    """For how long sorties were blocked."""

    def __init__(self) -> None:
        self._since: dict[str, int] = {}
        self._over = 0

    def moved(self, before: Sortie, after: Sortie, now: int) -> None:
        """A sortie stands somewhere else, perhaps."""
        if before.status != "blocked" and after.status == "blocked":
            self._since[after.sortie_id] = now
        elif before.status == "blocked" and after.status != "blocked":
            self._over += max(0, now - self._since.pop(after.sortie_id))

    def total(self, now: int) -> int:
        """All of it, in microseconds; what is blocked has been so until now."""
        return self._over + sum(max(0, now - since) for since in self._since.values())


class _Fold:
    """The figures in the making."""

    def __init__(self, sorties: Sequence[str], grants: Grants) -> None:
        self._names = frozenset(sorties)
        self._grants = grants
        self._sorties: dict[str, Sortie] = {}
        self._claims = _Claims(sorties)
        self._blocks = _Blocks()
        self._counts: dict[str, Counter[str]] = {}

    def take(self, event: Recorded) -> None:
        """Fold one event."""
        match event.known:
            case WriteFenced() as known:
                if self._claims.covers(known.token, self._grants):
                    self._count(known.holder, "fenced_writes")
            case CtkConflict() as known:
                if known.requesting_specialist in self._claims.holders():
                    self._count(known.requesting_specialist, "conflicts")
            case LeaseGranted() | LeaseExpired() | LeaseReleased() as known if self._claims.has(event):
                self._take_claim(event, known)
            case _ if event.stream_type == STREAM_TYPE:
                self._take_sortie(event)
            case _ if event.type == RECOVERED:
                self._take_recovery(event.plain)

    def _count(self, specialist: str, what: str, by: int = 1) -> None:
        self._counts.setdefault(specialist, Counter())[what] += by

    def _take_claim(self, event: Recorded, known: LeaseGranted | LeaseExpired | LeaseReleased) -> None:
        if isinstance(known, LeaseGranted):
            self._claims.granted(event.position, known, event.occurred_us)
            self._count(known.holder, "claims")
        elif ended := self._claims.ended(known, event.occurred_us):
            holder, held, lost = ended
            self._count(holder, "held", held)
            self._count(holder, "claims_lost", lost)

    def _take_sortie(self, event: Recorded) -> None:
        before = self._sorties.get(event.stream_id)
        after = evolve(before, event)
        if after is None:
            return
        self._sorties[event.stream_id] = after
        if before is not None:
            self._blocks.moved(before, after, event.occurred_us)
            self._take_result(before, event.known)

    def _take_result(self, before: Sortie, known: EventType | None) -> None:
        if isinstance(known, SortieCompleted):
            self._count(known.specialist_id, "completed" if known.result.success else "failed")
        elif isinstance(known, ReviewCompleted):
            self._count(known.reviewer_id, "reviews")
            if known.verdict != "approved" and before.assigned_to is not None:
                self._count(before.assigned_to, "strikes")

    def _take_recovery(self, data: Any) -> None:
        if isinstance(data, Mapping) and self._names.intersection(data.get("sorties_resumed") or ()):
            self._count(str(data.get("specialist_id")), "recoveries")

    def figures(self, mission: Mission, until: int) -> MissionFigures:
        """What came of it."""
        for holder, held in self._claims.lasting(until):
            self._count(holder, "held", held)
        sums: Counter[str] = sum(self._counts.values(), Counter())
        stands = Counter(sortie.status for sortie in self._sorties.values())
        done = [sortie for sortie in self._sorties.values() if sortie.status == "completed"]
        return MissionFigures(
            mission_id=mission.mission_id,
            status=mission.status,
            progress=mission.progress,
            duration_ms=mission.duration_ms,
            sorties={status: stands[status] for status in get_args(SortieStatus) if stands[status]},
            claims=sums["claims"],
            claims_lost=sums["claims_lost"],
            conflicts=sums["conflicts"],
            fenced_writes=sums["fenced_writes"],
            recoveries=sums["recoveries"],
            reviews=sums["reviews"],
            review_strikes=sum(sortie.strikes for sortie in self._sorties.values()),
            lead_time=spread(_times(done, lambda sortie: sortie.created_at)),
            cycle_time=spread(_times(done, lambda sortie: sortie.started_at)),
            blocked_ms=self._blocks.total(until) // 1000,
            specialists=tuple(_of_specialist(name, self._counts[name]) for name in sorted(self._counts)),
        )


def _times(sorties: Iterable[Sortie], start: Callable[[Sortie], datetime | None]) -> Iterator[int]:
    for sortie in sorties:
        begun = start(sortie)
        if begun is not None and sortie.completed_at is not None:
            yield max(0, as_microseconds(sortie.completed_at) - as_microseconds(begun))


def _of_specialist(name: str, counts: Counter[str]) -> SpecialistFigures:
    return SpecialistFigures(
        specialist=name,
        claims=counts["claims"],
        claims_lost=counts["claims_lost"],
        completed=counts["completed"],
        failed=counts["failed"],
        strikes=counts["strikes"],
        reviews=counts["reviews"],
        conflicts=counts["conflicts"],
        fenced_writes=counts["fenced_writes"],
        recoveries=counts["recoveries"],
        held_ms=counts["held"] // 1000,
    )
