"""Reviews as they are, folded from what happened to them."""

from datetime import datetime
from typing import Final, Literal

import msgspec

from fleet_core.api import Projection, Recorded
from fleet_missions.events import ReviewCompleted, ReviewIssue, ReviewStarted, ReviewType, Verdict
from fleet_missions.sortie_state import STREAM_TYPE


class Review(msgspec.Struct, frozen=True, kw_only=True):
    """A look at a sortie's work. One that is `waiting` nobody has started: it has no id and no reviewer."""

    sortie_id: str
    status: Literal["waiting", "started", "completed"]
    review_id: str | None = None
    reviewer: str | None = None
    review_type: ReviewType | None = None
    verdict: Verdict | None = None
    feedback: str | None = None
    issues: tuple[ReviewIssue, ...] = ()
    started_at: datetime | None = None
    completed_at: datetime | None = None


def key(event: Recorded) -> str | None:
    """The review's id, in the stream of a sortie."""
    known = event.known
    if event.stream_type == STREAM_TYPE and isinstance(known, ReviewStarted | ReviewCompleted):
        return known.review_id
    return None


def evolve(state: Review | None, event: Recorded) -> Review | None:
    """The review after an event. What precedes its start changes nothing."""
    known = event.known
    if isinstance(known, ReviewStarted):
        return state or _started(known, event)
    if state is None or not isinstance(known, ReviewCompleted):
        return state
    return msgspec.structs.replace(
        state,
        status="completed",
        verdict=known.verdict,
        feedback=known.feedback,
        issues=known.issues or (),
        completed_at=event.occurred_at,
    )


def _started(started: ReviewStarted, event: Recorded) -> Review:
    return Review(
        review_id=started.review_id,
        sortie_id=event.stream_id,
        reviewer=started.reviewer_id,
        review_type=started.review_type,
        status="started",
        started_at=event.occurred_at,
    )


REVIEWS: Final = Projection(
    name="reviews",
    state=Review,
    types=(ReviewStarted.type_name, ReviewCompleted.type_name),
    key=key,
    evolve=evolve,
)
"""The reviews, by id."""
