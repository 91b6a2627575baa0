"""Splitting a sortie: what turned out to be too much for one is planned anew as several, in one append."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import chain
from typing import Annotated

import msgspec
from msgspec import Meta

from fleet_core.api import Conflict, Decision, Done, Fleet, Invalid, Match, Outcome, as_datetime
from fleet_ctk.api import Pattern
from fleet_leases.api import HeldWrite, Holding, How, Lease, end, found, held, keep_alive, settle
from fleet_missions.claims import claim_id
from fleet_missions.events import SortieChanges, SortieClosed, SortieCreated, SortieUpdated
from fleet_missions.ids import SortieId
from fleet_missions.moves import check_move
from fleet_missions.plan_operations import (
    PlannedPart,
    parts_of,
    pattern_reader,
    sortie_created,
    taken_ids,
)
from fleet_missions.planning import (
    Fault,
    Known,
    Piece,
    PlannedSortie,
    ReadPattern,
    draft,
    numbered,
    refusal,
    waves_of,
)
from fleet_missions.sortie_queue import OPEN_SORTIES
from fleet_missions.sortie_requests import By
from fleet_missions.sortie_state import SORTIES, Sortie, stream, tags_of, unknown_sortie
from fleet_specialists.api import SPECIALISTS
from fleet_specialists.api import stream as specialist_stream


class SortieSplit(HeldWrite, frozen=True, kw_only=True):
    """A sortie, and what it falls into. With a token it is its specialist who decides it."""

    sortie: SortieId
    parts: Annotated[tuple[PlannedSortie, ...], Meta(description="What is to be done instead.")]
    by: By = "coordinator"


class SplitSortie(msgspec.Struct, frozen=True, kw_only=True):
    """A sortie that was split: into which parts, in which waves they can be worked on, and which sorties need
    all of them now instead of the one."""

    sortie_id: str
    width: int
    waves: tuple[tuple[str, ...], ...]
    parts: tuple[PlannedPart, ...]
    needed_by: tuple[str, ...]


def sortie_split(fleet: Fleet, request: SortieSplit) -> Done[SplitSortie]:
    """Split a sortie into several that take its place: what it needs they need, and what needs it needs them.

    One that somebody is at work on is split by its worker, or by a coordinator's token; its claim ends.

    Example: fleet sortie split routes --file parts.json
    """
    settle(fleet)
    outcome = fleet.carry_out(request, lambda decision: _split(decision, request))
    return Done(_answer(outcome), outcome.position, outcome.replayed)


def _split(decision: Decision, request: SortieSplit) -> None:
    holding = None if request.token is None else held(decision, request.token)
    sortie = decision.look(SORTIES, stream(request.sortie))
    if sortie is None:
        raise unknown_sortie(request.sortie)
    check_move("sortie", request.sortie, sortie.status, "split")
    claim = found(decision, claim_id(request.sortie))
    if claim is not None and claim.status == "held" and sortie.status == "in_progress":
        _check_authority(decision, sortie, claim, holding)
    neighbours = _neighbours(decision, sortie)
    pieces = _parts(decision, request, sortie, neighbours)
    by = request.by if holding is None else holding.specialist
    cause = _replace(decision, sortie, pieces, neighbours, by)
    if claim is not None and claim.status == "held":
        how: How = "released" if by == claim.holder else "forced"
        end(decision, claim, how, by=by, reason="the sortie was split", cause=cause)
    if holding is not None:
        keep_alive(decision, holding.session)


def _check_authority(decision: Decision, sortie: Sortie, claim: Lease, holding: Holding | None) -> None:
    """Work under way is not taken away by just anybody."""
    if holding is not None and (holding.covers(claim) or _coordinates(decision, holding)):
        return
    raise Conflict(
        f"{claim.holder} is at work on sortie {sortie.sortie_id}",
        remedy=f"split it with {claim.holder}'s token or a coordinator's; or have it given back first:"
        f" 'fleet lease release {claim.lease_id} --reason ...'",
        holder=claim.holder,
        lease=claim.lease_id,
    )


def _coordinates(decision: Decision, holding: Holding) -> bool:
    specialist = decision.look(SPECIALISTS, specialist_stream(holding.specialist))
    return specialist is not None and specialist.role == "coordinator"


def _neighbours(decision: Decision, sortie: Sortie) -> list[Sortie]:
    """The other open sorties of its mission, or of none if it has none; the decision depends on them."""
    changes = (SortieCreated.type_name, SortieUpdated.type_name, SortieClosed.type_name)
    decision.depend_on(Match(types=changes, tags=tags_of(sortie.mission_id)))
    rows = decision.view(OPEN_SORTIES).select({"mission_id": sortie.mission_id}).items
    sorties = decision.view(SORTIES)
    known = [sorties.get(row.sortie_id) for row in rows if row.sortie_id != sortie.sortie_id]
    return [each for each in known if each is not None]


def _parts(
    decision: Decision, request: SortieSplit, sortie: Sortie, neighbours: Sequence[Sortie]
) -> tuple[Piece, ...]:
    """What the sortie falls into.

    Raises:
        Invalid: the parts are no sound plan, by themselves or among the neighbours; lists all faults.
    """
    read = pattern_reader(decision.fleet)
    children = numbered(request.parts, sortie.sortie_id)
    around = [_known(each, sortie, children, read) for each in neighbours]
    pieces, faults = draft(
        request.parts,
        sortie.sortie_id,
        read,
        place="$.parts",
        inherited=sortie.dependencies,
        around=around,
    )
    if len(request.parts) == 1:
        faults = (Fault("$.parts", "one part is no split; there must be two at least"), *faults)
    faults = (*faults, *taken_ids(decision, pieces))
    if faults:
        raise refusal(f"the split of {sortie.sortie_id}", faults)
    return pieces


def _known(neighbour: Sortie, split: Sortie, children: Sequence[str], read: ReadPattern) -> Known:
    """A neighbour as it will be. Without a mission nobody keeps files apart."""
    files = neighbour.files if neighbour.mission_id is not None else ()
    needs = _instead(neighbour.dependencies, split.sortie_id, children)
    return Known(neighbour.sortie_id, needs, tuple(_readable(files, read)))


def _readable(files: Sequence[str], read: ReadPattern) -> Iterator[Pattern]:
    """What was a pattern once need not be one for ever: a link in it may lead out of the project by now."""
    for text in files:
        with suppress(Invalid):
            yield read(text, "$")


def _instead(needs: Sequence[str], one: str, several: Sequence[str]) -> tuple[str, ...]:
    """What is needed, with several sorties in the place of one."""
    return tuple(dict.fromkeys(chain.from_iterable(several if each == one else (each,) for each in needs)))


def _replace(
    decision: Decision, sortie: Sortie, pieces: Sequence[Piece], neighbours: Sequence[Sortie], by: str
) -> str:
    """Have the parts take the place of the sortie; returns the id of the event that closes it."""
    tags = tags_of(sortie.mission_id)
    children = [piece.sortie_id for piece in pieces]
    closed = SortieClosed(
        sortie_id=sortie.sortie_id,
        closed_at=as_datetime(decision.now),
        close_reason="cancelled",
        closed_by=by,
        reason=f"split into {', '.join(children)}",
    )
    cause = decision.record(stream(sortie.sortie_id), closed, cause=sortie.last_event, tags=tags)
    for piece in pieces:
        created = sortie_created(
            piece,
            mission=sortie.mission_id,
            priority=sortie.priority,
            review=sortie.review,
            parent=sortie.sortie_id,
        )
        decision.record(stream(piece.sortie_id), created, cause=cause, tags=tags)
    for each in neighbours:
        if sortie.sortie_id in each.dependencies:
            needs = _instead(each.dependencies, sortie.sortie_id, children)
            updated = SortieUpdated(sortie_id=each.sortie_id, changes=SortieChanges(dependencies=needs))
            decision.record(stream(each.sortie_id), updated, cause=cause, tags=tags)
    return cause


def _answer(outcome: Outcome) -> SplitSortie:
    told = [event.data for event in outcome.events]
    closed = next(each for each in told if isinstance(each, SortieClosed))
    parts = parts_of(told)
    waves, width = waves_of((each.sortie_id, each.needs) for each in parts)
    return SplitSortie(
        sortie_id=closed.sortie_id,
        width=width,
        waves=waves,
        parts=parts,
        needed_by=tuple(each.sortie_id for each in told if isinstance(each, SortieUpdated)),
    )
