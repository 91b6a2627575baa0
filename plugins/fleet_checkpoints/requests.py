"""What can be asked of checkpoints, and what is answered."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from fleet_checkpoints.context import Context, Trigger
from fleet_core.api import Read, Write
from fleet_leases.api import HeldWrite, Token
from fleet_missions.api import SortieId
from fleet_specialists.api import SpecialistId

Line = Annotated[str, Meta(min_length=1, max_length=1000)]

Named = Annotated[
    str, Meta(description="A sortie, whose newest one is meant, or a checkpoint's id.", min_length=1)
]


class CheckpointSave(HeldWrite, frozen=True, kw_only=True):
    """What shall be kept, beside what the log knows by itself."""

    sortie: Annotated[
        SortieId | None, Meta(description="The sortie it is of; yours when left out, if it is but one.")
    ] = None
    note: Annotated[tuple[Line, ...], Meta(description="Something that must not be forgotten.")] = ()
    next: Annotated[
        tuple[Line, ...], Meta(description="What to do next; replaces what was said before.")
    ] = ()
    files: Annotated[tuple[Line, ...], Meta(description="A file that was worked on.")] = ()
    trigger: Annotated[Literal["manual", "error", "compaction"], Meta(description="Why it is made.")] = (
        "manual"
    )


class CheckpointList(Read, frozen=True, kw_only=True):
    """Which checkpoints."""

    sortie: Annotated[SortieId | None, Meta(description="Only those of this sortie.")] = None
    mission: Annotated[str | None, Meta(description="Only those of this mission.")] = None
    specialist: Annotated[SpecialistId | None, Meta(description="Only those of this specialist.")] = None
    after: Annotated[
        str | None, Meta(description="Go on after this id, which an earlier answer gave as next.")
    ] = None
    limit: Annotated[int, Meta(description="How many at most.", ge=1, le=1000)] = 50


class CheckpointShow(Read, frozen=True, kw_only=True):
    """Which checkpoint."""

    checkpoint: Named


class CheckpointRecover(HeldWrite, frozen=True, kw_only=True):
    """From which checkpoint to go on."""

    checkpoint: Named
    dry_run: Annotated[bool, Meta(description="Only show what would come of it.")] = False


class CheckpointPrune(Write, frozen=True, kw_only=True):
    """Which checkpoints are not needed any more."""

    older_than_days: Annotated[float, Meta(description="Only those that are older.", ge=0)] = 7.0
    keep: Annotated[int, Meta(description="How many of each sortie's newest to keep.", ge=0)] = 3
    mission: Annotated[str | None, Meta(description="Only those of this mission.")] = None
    dry_run: Annotated[bool, Meta(description="Only say which they are.")] = False


class Prime(Read, frozen=True, kw_only=True):
    """Who wants to know where it stands."""

    specialist: Annotated[SpecialistId | None, Meta(description="Who; without it, whose token it is.")] = None
    token: Token = None


class Saved(msgspec.Struct, frozen=True, kw_only=True):
    """A checkpoint and all that it holds."""

    checkpoint_id: str
    specialist_id: str
    context: Context


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A checkpoint, where it is whole, and the prompt for whoever goes on from it."""

    checkpoint_id: str
    created_at: datetime
    trigger: Trigger
    in_log: bool
    in_file: bool
    context: Context
    prompt: str


class Recovered(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a recovery: what was reserved again, what others have by now, and how to go on."""

    checkpoint_id: str
    sortie_id: str | None
    recovered_by: str
    reservations: tuple[str, ...]
    lost: tuple[str, ...]
    prompt: str
    dry_run: bool = False


class Pruned(msgspec.Struct, frozen=True, kw_only=True):
    """The checkpoints that are gone, and the bytes of their files."""

    checkpoints: tuple[str, ...]
    freed_bytes: int
    dry_run: bool = False


class Primed(msgspec.Struct, frozen=True, kw_only=True):
    """What a specialist must know to begin, in at most 1,600 bytes."""

    specialist_id: str | None
    prompt: str
