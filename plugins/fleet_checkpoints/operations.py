"""What can be done with checkpoints. Each function is offered under its name in pyproject.toml."""

from collections.abc import Iterator
from functools import partial
from itertools import groupby

import msgspec

from fleet_checkpoints import files
from fleet_checkpoints.context import Context
from fleet_checkpoints.events import CheckpointCreated, CheckpointPruned, FleetRecovered
from fleet_checkpoints.gathering import gather
from fleet_checkpoints.loading import load, logged
from fleet_checkpoints.prompts import recovery_prompt
from fleet_checkpoints.recovering import prospect, recover
from fleet_checkpoints.requests import (
    CheckpointList,
    CheckpointPrune,
    CheckpointRecover,
    CheckpointSave,
    CheckpointShow,
    Pruned,
    Recovered,
    Saved,
    Shown,
)
from fleet_checkpoints.saving import record
from fleet_checkpoints.state import CHECKPOINTS, Checkpoint, stream
from fleet_core.api import Decision, Done, Fleet, Outcome, Page, Query, Usage, as_microseconds
from fleet_leases.api import LEASES, Holding, carry_out_held, held, settle
from fleet_missions.api import SORTIES, Sortie, claimed_by, claimed_sortie


def checkpoint_save(fleet: Fleet, request: CheckpointSave) -> Done[Saved]:
    """Save where a sortie stands, for whoever goes on with it.

    The log knows the sortie, its progress, reservations, unread mail and the git commit; add what it does not
    know. Progress that crosses 25, 50 or 75 percent, and failures, save by themselves.

    Example: fleet checkpoint save --note "the index is missing" --next "write the migration"
    """

    def decide(decision: Decision, holding: Holding) -> None:
        sortie = _sortie(decision, holding, request.sortie)
        context = gather(
            decision,
            holding.specialist,
            sortie,
            request.trigger,
            files=request.files,
            notes=request.note,
            next_steps=request.next,
        )
        record(decision, context, cause=sortie.last_event if sortie else None)

    outcome = carry_out_held(fleet, request, decide)
    created: CheckpointCreated = outcome.events[0].data
    saved = Saved(
        checkpoint_id=created.checkpoint_id,
        specialist_id=created.specialist_id,
        context=msgspec.convert(created.context, Context),
    )
    return Done(saved, outcome.position, outcome.replayed)


def _sortie(decision: Decision, holding: Holding, named: str | None) -> Sortie | None:
    """The sortie that is meant: the one named, that of the claim shown, or the only one that is worked on.

    Raises:
        Fenced, Conflict, NotFound: the one named is not theirs.
        Usage: they work on several.
    """
    if named is not None:
        return claimed_by(decision, holding, named, "release")[0]
    mine = {"holder": holding.specialist, "kind": "claim", "status": "held"}
    claims = [holding.lease] if holding.lease.kind == "claim" else decision.view(LEASES).select(mine).items
    if len(claims) > 1:
        names = ", ".join(claimed_sortie(claim) for claim in claims)
        raise Usage(
            f"{holding.specialist} works on {names}", remedy="say which: 'fleet checkpoint save --sortie ID'"
        )
    return decision.view(SORTIES).get(claimed_sortie(claims[0])) if claims else None


def checkpoint_list(fleet: Fleet, request: CheckpointList) -> Page[Checkpoint]:
    """List checkpoints, by id.

    Example: fleet checkpoint list --sortie routes
    """
    said = {
        "sortie_id": request.sortie,
        "mission_id": request.mission,
        "specialist_id": request.specialist,
    }
    where = {field: value for field, value in said.items() if value is not None}
    return fleet.view(CHECKPOINTS, request.as_of).select(where, after=request.after, limit=request.limit)


def checkpoint_show(fleet: Fleet, request: CheckpointShow) -> Shown:
    """Show a checkpoint, and what whoever goes on from it is told.

    Example: fleet checkpoint show routes
    """
    copy = load(fleet, request.checkpoint, request.as_of)
    row = fleet.view(CHECKPOINTS, request.as_of).get(copy.checkpoint_id)
    return Shown(
        checkpoint_id=copy.checkpoint_id,
        created_at=copy.context.taken_at,
        trigger=copy.context.trigger,
        in_log=row is not None and logged(fleet, row) is not None,
        in_file=files.read(files.path_of(fleet.project, copy)) is not None,
        context=copy.context,
        prompt=recovery_prompt(copy.context),
    )


def checkpoint_recover(fleet: Fleet, request: CheckpointRecover) -> Done[Recovered]:
    """Go on from a sortie's newest checkpoint: reserve again what is still free, and say how to go on.

    Claim the sortie first. Recovering again in the same session changes nothing.

    Example: fleet checkpoint recover routes
    """
    settle(fleet)
    copy = load(fleet, request.checkpoint)
    if request.dry_run:
        return Done(_tried(fleet, request, copy), fleet.store.head())
    outcome = carry_out_held(fleet, request, lambda decision, holding: recover(decision, holding, copy))
    return Done(_recovered(fleet, copy, outcome), outcome.position, outcome.replayed)


def _tried(fleet: Fleet, request: CheckpointRecover, copy: files.Copy) -> Recovered:
    """What would come of it. A decision that records nothing changes nothing."""
    tried: list[Recovered] = []

    def look(decision: Decision) -> None:
        holding = held(decision, request.token)
        found = prospect(decision, holding, copy)
        tried.append(
            Recovered(
                checkpoint_id=copy.checkpoint_id,
                sortie_id=copy.context.sortie_id,
                recovered_by=holding.specialist,
                reservations=found.free,
                lost=found.lost,
                prompt=recovery_prompt(copy.context, lost=found.lost),
                dry_run=True,
            )
        )

    fleet.carry_out(msgspec.structs.replace(request, key=None), look)
    return tried[-1]


def _recovered(fleet: Fleet, copy: files.Copy, outcome: Outcome) -> Recovered:
    """The answer, from what was recorded now or, the second time in a session, then."""
    told = [event for event in outcome.events if isinstance(event.known, FleetRecovered)]
    own = Query.of(streams=(stream(copy.checkpoint_id),), types=(FleetRecovered.type_name,))
    event = told[0] if told else next(fleet.store.read(own, backwards=True, limit=1))
    recovered: FleetRecovered = event.data
    return Recovered(
        checkpoint_id=recovered.checkpoint_id,
        sortie_id=next(iter(recovered.sorties_resumed), None),
        recovered_by=recovered.specialist_id,
        reservations=recovered.reservations,
        lost=recovered.lost,
        prompt=recovery_prompt(copy.context, lost=recovered.lost),
    )


def checkpoint_prune(fleet: Fleet, request: CheckpointPrune) -> Done[Pruned]:
    """Give up old checkpoints, but for the newest of each sortie, and remove their files.

    Their events stay in the log.

    Example: fleet checkpoint prune --older-than-days 30 --dry-run
    """
    if request.dry_run:
        spare = list(_spare(fleet, request, fleet.clock()))
        size = sum(files.size(fleet.project, row.sortie_id, row.checkpoint_id) for row in spare)
        names = tuple(row.checkpoint_id for row in spare)
        return Done(Pruned(checkpoints=names, freed_bytes=size, dry_run=True), fleet.store.head())
    outcome = fleet.carry_out(request, lambda decision: _prune(decision, request))
    gone = [event.data for event in outcome.events]
    pruned = Pruned(
        checkpoints=tuple(each.checkpoint_id for each in gone), freed_bytes=sum(each.bytes for each in gone)
    )
    return Done(pruned, outcome.position, outcome.replayed)


def _prune(decision: Decision, request: CheckpointPrune) -> None:
    project = decision.fleet.project
    for row in _spare(decision.fleet, request, decision.now):
        pruned = CheckpointPruned(
            checkpoint_id=row.checkpoint_id, bytes=files.size(project, row.sortie_id, row.checkpoint_id)
        )
        decision.record(stream(row.checkpoint_id), pruned, cause=row.last_event)
        decision.afterwards(partial(files.remove, project, row.sortie_id, row.checkpoint_id))


def _spare(fleet: Fleet, request: CheckpointPrune, now: int) -> Iterator[Checkpoint]:
    where = {} if request.mission is None else {"mission_id": request.mission}
    rows = fleet.view(CHECKPOINTS).select(where).items
    oldest = now - int(request.older_than_days * 86_400_000_000)
    rows.sort(key=lambda row: (row.sortie_id or "", -row.position))
    for _, together in groupby(rows, key=lambda row: row.sortie_id):
        for row in list(together)[request.keep :]:
            if as_microseconds(row.created_at) < oldest:
                yield row
