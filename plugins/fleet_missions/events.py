"""What happens to missions, sorties and their reviews."""

from typing import ClassVar, Literal

import msgspec

from fleet_core.api import EventType, Integer, JsonObject, Moment, Percent, PositiveInteger, Uuid

Priority = Literal["low", "medium", "high", "critical"]
"""How urgent a mission or a sortie is."""

BlockerType = Literal["sortie", "specialist", "external", "resource"]
"""What a blocked sortie waits for."""

CloseReason = Literal["completed", "cancelled", "duplicate", "invalid"]
"""Why a sortie was closed."""

ReviewType = Literal["code", "design", "security", "general"]
"""What a review looks at."""

Verdict = Literal["approved", "rejected", "needs_changes"]
"""What a review came to."""

Severity = Literal["info", "warning", "error", "critical"]
"""How bad an issue is that a review found."""


class MissionCreated(EventType, frozen=True, kw_only=True):
    """A mission was planned. With `review` all its sorties need one."""

    type_name: ClassVar[str] = "mission_created"

    mission_id: str
    title: str
    description: str | None = None
    priority: Priority = "medium"
    review: bool = False
    initial_sorties: tuple[str, ...] | None = None
    metadata: JsonObject | None = None


class MissionStarted(EventType, frozen=True, kw_only=True):
    """Work on a mission began with these sorties."""

    type_name: ClassVar[str] = "mission_started"

    mission_id: str
    started_at: Moment
    initial_sorties: tuple[str, ...]


class MissionResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of a mission."""

    success: bool
    sorties_completed: Integer
    sorties_failed: Integer
    summary: str | None = None


class MissionCompleted(EventType, frozen=True, kw_only=True):
    """A mission came to its end, well or not."""

    type_name: ClassVar[str] = "mission_completed"

    mission_id: str
    completed_at: Moment
    duration_ms: PositiveInteger
    result: MissionResult


class MissionCancelled(EventType, frozen=True, kw_only=True):
    """A mission was given up, and its open sorties with it. FleetTools has no type for this one."""

    type_name: ClassVar[str] = "mission_cancelled"

    mission_id: str
    cancelled_at: Moment
    cancelled_by: str
    reason: str | None = None


class SortieCreated(EventType, frozen=True, kw_only=True):
    """A piece of work was planned, within a mission or by itself.

    `files` are patterns of what it will change, `dependencies` the sorties that must be completed first,
    `parent` the one it was split from. With `review` it is completed by a reviewer's word only.
    """

    type_name: ClassVar[str] = "sortie_created"

    sortie_id: str
    mission_id: str | None = None
    title: str
    description: str | None = None
    priority: Priority = "medium"
    assigned_to: str | None = None
    files: tuple[str, ...] | None = None
    dependencies: tuple[str, ...] | None = None
    review: bool = False
    parent: str | None = None
    metadata: JsonObject | None = None


class SortieStarted(EventType, frozen=True, kw_only=True):
    """A specialist began to work on a sortie."""

    type_name: ClassVar[str] = "sortie_started"

    sortie_id: str
    specialist_id: str
    started_at: Moment


class SortieProgress(EventType, frozen=True, kw_only=True):
    """A specialist reported how far a sortie is."""

    type_name: ClassVar[str] = "sortie_progress"

    sortie_id: str
    specialist_id: str
    progress: Percent
    status_message: str | None = None
    artifacts: tuple[str, ...] | None = None


class SortieResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of a sortie."""

    success: bool
    summary: str | None = None
    artifacts: tuple[str, ...] | None = None
    metrics: dict[str, float] | None = None


class SortieCompleted(EventType, frozen=True, kw_only=True):
    """A specialist finished a sortie, well or not."""

    type_name: ClassVar[str] = "sortie_completed"

    sortie_id: str
    specialist_id: str
    completed_at: Moment
    duration_ms: PositiveInteger
    result: SortieResult


class SortieBlocked(EventType, frozen=True, kw_only=True):
    """A sortie can't go on until something else happens."""

    type_name: ClassVar[str] = "sortie_blocked"

    sortie_id: str
    specialist_id: str
    blocked_at: Moment
    reason: str
    blocker_type: BlockerType
    blocker_id: str | None = None


class SortieChanges(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The fields of a sortie that an update sets; the others stay as they are."""

    title: str | None = None
    description: str | None = None
    priority: Priority | None = None
    assigned_to: str | None = None
    dependencies: tuple[str, ...] | None = None
    metadata: JsonObject | None = None


class SortieUpdated(EventType, frozen=True, kw_only=True):
    """The description of a sortie changed."""

    type_name: ClassVar[str] = "sortie_updated"

    sortie_id: str
    changes: SortieChanges


class SortieStatusChanged(EventType, frozen=True, kw_only=True):
    """A sortie moved to another state by somebody's decision."""

    type_name: ClassVar[str] = "sortie_status_changed"

    sortie_id: str
    previous_status: str
    new_status: str
    changed_by: str
    reason: str | None = None


class SortieClosed(EventType, frozen=True, kw_only=True):
    """A sortie needs no more work."""

    type_name: ClassVar[str] = "sortie_closed"

    sortie_id: str
    closed_at: Moment
    close_reason: CloseReason
    closed_by: str
    reason: str | None = None


class ReviewStarted(EventType, frozen=True, kw_only=True):
    """Somebody began to review a sortie's work."""

    type_name: ClassVar[str] = "review_started"

    review_id: Uuid
    sortie_id: str
    reviewer_id: str
    review_type: ReviewType


class ReviewIssue(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that a reviewer found."""

    severity: Severity
    message: str
    location: str | None = None


class ReviewCompleted(EventType, frozen=True, kw_only=True):
    """A review came to a verdict."""

    type_name: ClassVar[str] = "review_completed"

    review_id: Uuid
    sortie_id: str
    reviewer_id: str
    verdict: Verdict
    feedback: str | None = None
    issues: tuple[ReviewIssue, ...] | None = None


EVENT_TYPES: tuple[type[EventType], ...] = (
    MissionCreated,
    MissionStarted,
    MissionCompleted,
    MissionCancelled,
    SortieCreated,
    SortieStarted,
    SortieProgress,
    SortieCompleted,
    SortieBlocked,
    SortieUpdated,
    SortieStatusChanged,
    SortieClosed,
    ReviewStarted,
    ReviewCompleted,
)
"""All of them, as the plugin contributes them."""
