"""Finding a checkpoint's context: in the log or, where that is damaged or has lost it, in its file."""

import msgspec

from fleet_checkpoints import files
from fleet_checkpoints.context import Context
from fleet_checkpoints.files import Copy
from fleet_checkpoints.state import CHECKPOINTS, Checkpoint
from fleet_core.api import Fleet, FleetError, NotFound


def newest(fleet: Fleet, sortie_id: str) -> Context | None:
    """The context of a sortie's last checkpoint in the log."""
    rows = fleet.view(CHECKPOINTS).select({"sortie_id": sortie_id}).items
    last = max(rows, key=lambda row: row.position, default=None)
    return None if last is None else logged(fleet, last)


def load(fleet: Fleet, name: str, as_of: str | None = None) -> Copy:
    """The newest usable checkpoint of a sortie, or the one of that id. Of the past, the log alone tells.

    Raises:
        NotFound: there is none, neither in the log nor as a file.
    """
    rows = fleet.view(CHECKPOINTS, as_of)
    row = rows.get(name)
    named = [row] if row is not None else rows.select({"sortie_id": name}).items
    usable = [copy for row in named if (copy := _copy(fleet, row)) is not None]
    if as_of is None:
        usable += files.copies(fleet.project, name)
        usable += files.of_id(fleet.project, name)
    if not usable:
        raise NotFound(
            f"there is no checkpoint of {name!r} that is whole",
            remedy="see 'fleet checkpoint list'",
            checkpoint=name,
        )
    return max(usable, key=lambda copy: copy.position)


def _copy(fleet: Fleet, row: Checkpoint) -> Copy | None:
    context = logged(fleet, row)
    if context is None:
        return None
    return Copy(checkpoint_id=row.checkpoint_id, position=row.position, context=context)


def logged(fleet: Fleet, row: Checkpoint) -> Context | None:
    """What the log has; None if it can't be read, or is of somebody else's making."""
    try:
        event = next(fleet.store.read(after=row.position - 1, before=row.position + 1), None)
        return None if event is None else msgspec.convert(event.plain["context"], Context)
    except (FleetError, msgspec.ValidationError, LookupError, TypeError):
        return None
