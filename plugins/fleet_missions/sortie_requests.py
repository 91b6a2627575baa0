"""What the operations on sorties are asked. Required fields are their commands' arguments, in this order."""

from typing import Annotated, Literal

from msgspec import Meta

from fleet_core.api import Percent, Read, Write
from fleet_leases.api import HeldWrite
from fleet_missions.events import BlockerType, Priority
from fleet_missions.ids import MissionId, SortieId
from fleet_missions.moves import SortieStatus
from fleet_specialists.api import SpecialistId

Artifacts = Annotated[tuple[str, ...], Meta(description="A file, commit or address that holds the work.")]
By = Annotated[str, Meta(description="Who decides it.", min_length=1)]
Reason = Annotated[str | None, Meta(description="Why.")]


class SortieCreate(Write, frozen=True, kw_only=True):
    """A sortie to plan."""

    title: Annotated[
        str, Meta(description="What is to be done, in a few words.", min_length=1, max_length=200)
    ]
    mission: Annotated[MissionId | None, Meta(description="The mission it belongs to.")] = None
    description: Annotated[str | None, Meta(description="What a worker must know of it.")] = None
    priority: Annotated[Priority, Meta(description="How urgent it is.")] = "medium"
    needs: Annotated[tuple[SortieId, ...], Meta(description="A sortie that must be completed before.")] = ()
    files: Annotated[tuple[str, ...], Meta(description="A pattern of files that it will change.")] = ()
    review: Annotated[bool, Meta(description="It is completed by a reviewer's word only.")] = False
    assign_to: Annotated[SpecialistId | None, Meta(description="The specialist who shall do it.")] = None
    id: Annotated[SortieId | None, Meta(description="Its id; made up when left out.")] = None


class SortieAssign(Write, frozen=True, kw_only=True):
    """A sortie, and whose it shall be."""

    sortie: SortieId
    specialist: SpecialistId
    reason: Reason = None
    by: By = "coordinator"


class SortieReport(HeldWrite, frozen=True, kw_only=True):
    """How far a sortie is."""

    sortie: SortieId
    percent: Annotated[Percent, Meta(description="How much of it is done, from 0 to 100.")]
    message: Annotated[str | None, Meta(description="What was done, or comes next.")] = None
    artifacts: Artifacts = ()


class SortieBlock(HeldWrite, frozen=True, kw_only=True):
    """What a sortie waits for."""

    sortie: SortieId
    reason: Annotated[str, Meta(description="Why it can't go on.", min_length=1)]
    kind: Annotated[BlockerType, Meta(description="What kind of thing it waits for.")] = "external"
    blocker: Annotated[str | None, Meta(description="The id of what it waits for.")] = None


class SortieUnblock(HeldWrite, frozen=True, kw_only=True):
    """A sortie that can go on."""

    sortie: SortieId
    reason: Reason = None


class SortieComplete(HeldWrite, frozen=True, kw_only=True):
    """A sortie whose work is done."""

    sortie: SortieId
    summary: Annotated[str | None, Meta(description="What came of it.")] = None
    artifacts: Artifacts = ()


class SortieFail(HeldWrite, frozen=True, kw_only=True):
    """A sortie whose work ended without success."""

    sortie: SortieId
    reason: Annotated[str, Meta(description="What went wrong.", min_length=1)]


class SortieRelease(HeldWrite, frozen=True, kw_only=True):
    """A sortie to give back."""

    sortie: SortieId
    reason: Reason = None


class SortieCancel(Write, frozen=True, kw_only=True):
    """A sortie to give up."""

    sortie: SortieId
    because: Annotated[
        Literal["cancelled", "duplicate", "invalid"], Meta(description="Why it needs no more work.")
    ] = "cancelled"
    by: By = "coordinator"


class SortieShow(Read, frozen=True, kw_only=True):
    """Which sortie."""

    sortie: SortieId


class SortieList(Read, frozen=True, kw_only=True):
    """Which sorties."""

    mission: Annotated[MissionId | None, Meta(description="Only those of this mission.")] = None
    specialist: Annotated[
        SpecialistId | None, Meta(description="Only those that belong to this specialist.")
    ] = None
    status: Annotated[SortieStatus | None, Meta(description="Only those that stand there.")] = None
    priority: Annotated[Priority | None, Meta(description="Only those as urgent as this.")] = None
    after: Annotated[
        str | None, Meta(description="Go on after this id, which an earlier answer gave as next.")
    ] = None
    limit: Annotated[int, Meta(description="How many at most.", ge=1, le=1000)] = 50
