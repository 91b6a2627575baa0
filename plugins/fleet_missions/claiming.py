"""Claiming a sortie and starting it, in one step: the next that is ready, or a certain one."""

from itertools import chain, islice
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from fleet_core.api import (
    Decision,
    Done,
    Fleet,
    Match,
    NothingReady,
    Outcome,
    Query,
    Recorded,
    as_datetime,
    fold,
)
from fleet_leases.api import (
    LEASES,
    HeldWrite,
    Holding,
    LeaseGranted,
    carry_out_held,
    found,
    grant,
    granting,
    now,
)
from fleet_leases.api import stream as lease_stream
from fleet_missions.claims import check_assignee, claim_id
from fleet_missions.events import Priority, SortieStarted
from fleet_missions.ids import MissionId, SortieId
from fleet_missions.moves import SORTIE_MOVES, check_move
from fleet_missions.readiness import Prospects, nothing_ready
from fleet_missions.sortie_queue import OPEN_SORTIES
from fleet_missions.sortie_state import SORTIES, Sortie, evolve, stream, tags_of, unknown_sortie

SPREAD: Final = 64
"""Among how many ready sorties those choose at most who keep losing the race for one."""

Ttl = Annotated[
    Annotated[float, Meta(ge=0.1, le=86_400 * 7)] | None,
    Meta(description="Seconds after which the claim is over; it lasts as long as the session when left out."),
]


class SortieClaim(HeldWrite, frozen=True, kw_only=True):
    """What kind of sortie is wanted."""

    mission: Annotated[MissionId | None, Meta(description="Only one of this mission.")] = None
    priority: Annotated[Priority | None, Meta(description="Only one as urgent as this.")] = None
    ttl: Ttl = None


class SortieStart(HeldWrite, frozen=True, kw_only=True):
    """Which sortie to start."""

    sortie: SortieId
    ttl: Ttl = None


class Claimed(msgspec.Struct, frozen=True, kw_only=True):
    """A sortie that is yours now, and the lease that says so.

    The claim is over `expires_in_ms` milliseconds after it was granted or, without a time of its own, after
    its holder's last sign of life.
    """

    sortie: str
    title: str
    status: str
    assigned_to: str
    lease_id: str
    token: int
    expires_in_ms: int
    progress: int
    mission: str | None
    files: tuple[str, ...]
    description: str


def sortie_claim(fleet: Fleet, request: SortieClaim) -> Done[Claimed]:
    """Claim the sortie that is next, and start it; of many claimants each gets another.

    The answer's token is for what you write on it; that of your session will do, too.

    Example: fleet sortie claim --mission oauth
    """
    taken: list[Sortie] = []

    def decide(decision: Decision, holding: Holding) -> None:
        taken.append(_claim(decision, holding, request, attempt=len(taken)))

    return _claimed(fleet, carry_out_held(fleet, request, decide), taken)


def sortie_start(fleet: Fleet, request: SortieStart) -> Done[Claimed]:
    """Claim a certain sortie, and start it: one that is assigned to you, or nobody's and ready.

    Example: fleet sortie start routes
    """

    taken: list[Sortie] = []

    def decide(decision: Decision, holding: Holding) -> None:
        sortie = decision.look(SORTIES, stream(request.sortie))
        if sortie is None:
            raise unknown_sortie(request.sortie)
        _check_startable(decision, sortie, holding.specialist)
        _take(decision, holding, sortie, request.ttl)
        taken.append(sortie)

    return _claimed(fleet, carry_out_held(fleet, request, decide), taken)


def _claim(decision: Decision, holding: Holding, request: SortieClaim, *, attempt: int) -> Sortie:
    """Take the first that is ready; who has lost a race takes one of the first few, lest all meet again."""
    said = {"mission_id": request.mission, "priority": request.priority}
    where = {field: value for field, value in said.items() if value is not None}
    prospects = _prospects(decision)
    ready = prospects.ready(where, holding.specialist)
    passed_over = list(islice(ready, _drawn(decision.fleet, min(SPREAD, 1 << attempt))))
    for row in chain(ready, passed_over):
        sortie = decision.look(SORTIES, stream(row.sortie_id))
        if sortie is not None and _is_free(decision, sortie, holding.specialist):
            _take(decision, holding, sortie, request.ttl)
            return sortie
    raise nothing_ready(prospects, where, holding.specialist)


def _drawn(fleet: Fleet, among: int) -> int:
    return int.from_bytes(fleet.ids()[-4:], "big") % among


def _prospects(decision: Decision) -> Prospects:
    leases = decision.view(LEASES)
    return Prospects(
        decision.view(OPEN_SORTIES),
        decision.view(SORTIES),
        lambda sortie_id: leases.get(claim_id(sortie_id)),
        lambda: now(decision),
    )


def _is_free(decision: Decision, sortie: Sortie, specialist: str) -> bool:
    """Whether a sortie that was ready a moment ago still is. The decision depends on its being so, and on the
    lease, which was free: what was recorded since the decision began would have it taken again.
    """
    decision.depend_on(Match(streams=(lease_stream(claim_id(sortie.sortie_id)),)))
    return sortie.status in SORTIE_MOVES["start"].sources and sortie.assigned_to in (None, specialist)


def _check_startable(decision: Decision, sortie: Sortie, specialist: str) -> None:
    check_assignee(sortie, specialist)
    check_move("sortie", sortie.sortie_id, sortie.status, "start")
    found(decision, claim_id(sortie.sortie_id))
    row = decision.view(OPEN_SORTIES).get(sortie.sortie_id)
    why_not = None if row is None else _prospects(decision).why_not(row, specialist)
    if why_not is not None:
        raise NothingReady(
            f"sortie {sortie.sortie_id} is not ready: it {why_not}",
            remedy="try again when it is, or take another: 'fleet sortie claim'",
            sortie=sortie.sortie_id,
            why_not=why_not,
        )


def _take(decision: Decision, holding: Holding, sortie: Sortie, ttl: float | None) -> None:
    started = SortieStarted(
        sortie_id=sortie.sortie_id,
        specialist_id=holding.specialist,
        started_at=as_datetime(decision.now),
    )
    cause = decision.record(
        stream(sortie.sortie_id), started, cause=sortie.last_event, tags=tags_of(sortie.mission_id)
    )
    grant(
        decision,
        lease_id=claim_id(sortie.sortie_id),
        kind="claim",
        holder=holding.specialist,
        under=holding.session.token,
        ttl_ms=None if ttl is None else int(ttl * 1000),
        cause=cause,
    )


def _claimed(fleet: Fleet, outcome: Outcome, taken: list[Sortie]) -> Done[Claimed]:
    """The answer, from the events. `taken` ends with the sortie as it was before, unless it is a replay."""
    started = outcome.events[0]
    granted = next(event for event in outcome.events if isinstance(event.known, LeaseGranted))
    before = _before(fleet, started) if outcome.replayed else taken[-1]
    sortie = evolve(before, started)
    assert sortie is not None
    lease: LeaseGranted = granted.data
    claimed = Claimed(
        sortie=sortie.sortie_id,
        title=sortie.title,
        status=sortie.status,
        assigned_to=lease.holder,
        lease_id=lease.lease_id,
        token=granted.position,
        expires_in_ms=lease.ttl_ms or granting(fleet, lease.under).data.ttl_ms,
        progress=sortie.progress,
        mission=sortie.mission_id,
        files=sortie.files,
        description=sortie.description,
    )
    return Done(claimed, outcome.position, outcome.replayed)


def _before(fleet: Fleet, event: Recorded) -> Sortie:
    """A sortie as it was before an event of its stream."""
    own = Query.of(streams=(stream(event.stream_id),))
    return fold(SORTIES, fleet.store.read(own, before=event.position))[event.stream_id]
