"""Going on from a checkpoint: what is still free is reserved again, what is not is said."""

from collections.abc import Callable
from typing import NamedTuple

import msgspec

from fleet_checkpoints.events import CheckpointCreated, FleetRecovered
from fleet_checkpoints.files import Copy
from fleet_checkpoints.state import CHECKPOINTS, stream
from fleet_core.api import Decision, as_datetime
from fleet_ctk.api import free_of, reserve_again
from fleet_leases.api import Holding
from fleet_missions.api import claimed_by


class Prospect(NamedTuple):
    """What can be reserved again, and what others hold by now."""

    free: tuple[str, ...]
    lost: tuple[str, ...]


def prospect(decision: Decision, holding: Holding, copy: Copy) -> Prospect:
    """What would come of a recovery now."""
    return _parted(copy, lambda patterns, shared: free_of(decision, holding, patterns, shared=shared))


def _parted(copy: Copy, try_to: Callable[[list[str], bool], list[str]]) -> Prospect:
    """Try something with the exclusive reservations of a checkpoint, and with the shared ones."""
    free: list[str] = []
    for shared in (False, True):
        free += try_to([each.pattern for each in copy.context.reservations if each.shared is shared], shared)
    wanted = [each.pattern for each in copy.context.reservations]
    return Prospect(tuple(free), tuple(pattern for pattern in wanted if pattern not in free))


def recover(decision: Decision, holding: Holding, copy: Copy) -> None:
    """Have a recovery recorded, and reserve what is free. The same session goes on from a checkpoint once.

    Raises:
        Fenced, Conflict: the sortie's claim is not what was shown.
    """
    target = stream(copy.checkpoint_id)
    known = decision.look(CHECKPOINTS, target)
    if known is not None and known.recovered_under == holding.session.token:
        return
    sortie_id = copy.context.sortie_id
    if sortie_id is not None:
        claim = claimed_by(decision, holding, sortie_id, "release")[1]
        holding = holding._replace(lease=claim)  # what is reserved again ends with the claim
    found = prospect(decision, holding, copy)
    recovered = FleetRecovered(
        checkpoint_id=copy.checkpoint_id,
        specialist_id=holding.specialist,
        recovered_at=as_datetime(decision.now),
        context_restored=True,
        sorties_resumed=() if sortie_id is None else (sortie_id,),
        session=holding.session.token,
        reservations=found.free,
        lost=found.lost,
    )
    decision.record(target, recovered, cause=known.last_event if known else _restored(decision, copy))
    _parted(copy, lambda patterns, shared: reserve_again(decision, holding, patterns, shared=shared))


def _restored(decision: Decision, copy: Copy) -> str:
    """Have a checkpoint in the log again that only its file had kept."""
    created = CheckpointCreated(
        checkpoint_id=copy.checkpoint_id,
        specialist_id=copy.context.specialist_id,
        context=msgspec.to_builtins(copy.context),
        active_sorties=(copy.context.sortie_id,) if copy.context.sortie_id else (),
        pending_messages=(),
        held_locks=(),
    )
    return decision.record(stream(copy.checkpoint_id), created)
