"""What the operations on reviews are asked. Required fields are their commands' arguments, in this order."""

from typing import Annotated

from msgspec import Meta

from fleet_core.api import Read
from fleet_leases.api import HeldWrite
from fleet_missions.events import ReviewType, Verdict
from fleet_missions.ids import SortieId
from fleet_specialists.api import SpecialistId


class ReviewStart(HeldWrite, frozen=True, kw_only=True):
    """A sortie whose work is to be looked at."""

    sortie: SortieId
    type: Annotated[ReviewType, Meta(description="What is looked at.")] = "general"


class ReviewComplete(HeldWrite, frozen=True, kw_only=True):
    """What a review came to."""

    sortie: SortieId
    verdict: Annotated[Verdict, Meta(description="What it came to.")]
    issue: Annotated[
        tuple[Annotated[str, Meta(min_length=1)], ...],
        Meta(description="Something that was found, best as PATH:LINE: what is wrong."),
    ] = ()
    feedback: Annotated[str | None, Meta(description="What the worker shall know.")] = None


class ReviewList(Read, frozen=True, kw_only=True):
    """Which reviews."""

    sortie: Annotated[SortieId | None, Meta(description="Only those of this sortie.")] = None
    reviewer: Annotated[SpecialistId | None, Meta(description="Only those by this specialist.")] = None
    waiting: Annotated[
        bool, Meta(description="Instead the sorties that wait for one which nobody has started.")
    ] = False
    after: Annotated[
        str | None, Meta(description="Go on after this id, which an earlier answer gave as next.")
    ] = None
    limit: Annotated[int, Meta(description="How many at most.", ge=1, le=1000)] = 50
