"""Event types that FleetTools announced and never used, family by family."""

from typing import ClassVar

from fleet_core.api import EventType

# Learning: patterns, feedback and skills gained.


class PatternLearned(EventType, frozen=True, kw_only=True):
    """A way of working proved itself."""

    type_name: ClassVar[str] = "pattern_learned"

    pattern_id: str
    source: str


class PatternApplied(EventType, frozen=True, kw_only=True):
    """A learned pattern was used in a sortie."""

    type_name: ClassVar[str] = "pattern_applied"

    pattern_id: str
    sortie_id: str


class PatternDeprecated(EventType, frozen=True, kw_only=True):
    """A learned pattern should not be used any more."""

    type_name: ClassVar[str] = "pattern_deprecated"

    pattern_id: str
    reason: str


class FeedbackReceived(EventType, frozen=True, kw_only=True):
    """A sortie's work was rated."""

    type_name: ClassVar[str] = "feedback_received"

    sortie_id: str
    rating: float


class SkillAcquired(EventType, frozen=True, kw_only=True):
    """A specialist learned a skill."""

    type_name: ClassVar[str] = "skill_acquired"

    skill_id: str
    specialist_id: str


# Memory: what a fleet keeps under keys.


class MemoryStored(EventType, frozen=True, kw_only=True):
    """Something was remembered, for `ttl_hours` hours or for good."""

    type_name: ClassVar[str] = "memory_stored"

    key: str
    ttl_hours: float | None = None


class MemoryRetrieved(EventType, frozen=True, kw_only=True):
    """Somebody asked for a memory; `hit` says whether it was there."""

    type_name: ClassVar[str] = "memory_retrieved"

    key: str
    hit: bool


class MemoryExpired(EventType, frozen=True, kw_only=True):
    """A memory's time was up."""

    type_name: ClassVar[str] = "memory_expired"

    key: str


class MemoryInvalidated(EventType, frozen=True, kw_only=True):
    """A memory turned out to be wrong."""

    type_name: ClassVar[str] = "memory_invalidated"

    key: str
    reason: str


# History: who did what, and who asked.


class HistoryRecorded(EventType, frozen=True, kw_only=True):
    """Somebody did something worth keeping."""

    type_name: ClassVar[str] = "history_recorded"

    action: str
    actor: str


class HistoryQueried(EventType, frozen=True, kw_only=True):
    """Somebody searched the history."""

    type_name: ClassVar[str] = "history_queried"

    query: str
    results: float


class HistoryPruned(EventType, frozen=True, kw_only=True):
    """Old history was removed."""

    type_name: ClassVar[str] = "history_pruned"

    before: str
    count: float


# Skills: what specialists can call upon.


class SkillRegistered(EventType, frozen=True, kw_only=True):
    """A skill became available."""

    type_name: ClassVar[str] = "skill_registered"

    skill_id: str
    name: str


class SkillInvoked(EventType, frozen=True, kw_only=True):
    """A specialist used a skill."""

    type_name: ClassVar[str] = "skill_invoked"

    skill_id: str
    specialist_id: str


class SkillResult(EventType, frozen=True, kw_only=True):
    """A skill's use ended."""

    type_name: ClassVar[str] = "skill_result"

    skill_id: str
    success: bool


# Dispatch: who gets which sortie.


class DispatchEvaluated(EventType, frozen=True, kw_only=True):
    """Specialists were weighed for a sortie."""

    type_name: ClassVar[str] = "dispatch_evaluated"

    sortie_id: str
    candidates: tuple[str, ...]


class DispatchAssigned(EventType, frozen=True, kw_only=True):
    """A sortie was given to a specialist."""

    type_name: ClassVar[str] = "dispatch_assigned"

    sortie_id: str
    specialist_id: str


class DispatchRejected(EventType, frozen=True, kw_only=True):
    """Nobody was found for a sortie."""

    type_name: ClassVar[str] = "dispatch_rejected"

    sortie_id: str
    reason: str


# Validation: work that is checked by a machine.


class ValidationStarted(EventType, frozen=True, kw_only=True):
    """A check began."""

    type_name: ClassVar[str] = "validation_started"

    target_id: str
    validator: str


class ValidationPassed(EventType, frozen=True, kw_only=True):
    """A check found nothing wrong."""

    type_name: ClassVar[str] = "validation_passed"

    target_id: str


class ValidationFailed(EventType, frozen=True, kw_only=True):
    """A check found errors."""

    type_name: ClassVar[str] = "validation_failed"

    target_id: str
    errors: tuple[str, ...]


EVENT_TYPES: tuple[type[EventType], ...] = (
    PatternLearned,
    PatternApplied,
    PatternDeprecated,
    FeedbackReceived,
    SkillAcquired,
    MemoryStored,
    MemoryRetrieved,
    MemoryExpired,
    MemoryInvalidated,
    HistoryRecorded,
    HistoryQueried,
    HistoryPruned,
    SkillRegistered,
    SkillInvoked,
    SkillResult,
    DispatchEvaluated,
    DispatchAssigned,
    DispatchRejected,
    ValidationStarted,
    ValidationPassed,
    ValidationFailed,
)
"""All of them, as the plugin contributes them."""
