"""What happens to file reservations."""

from typing import ClassVar, Literal

from fleet_core.api import EventType, PositiveInteger, Uuid

Purpose = Literal["edit", "read", "delete"]
"""What a file is reserved for."""

ReleaseReason = Literal["explicit", "timeout", "crash"]
"""Why a reservation ended."""

ConflictType = Literal["concurrent_edit", "stale_lock", "checksum_mismatch"]
"""What stood in the way of a reservation."""


class CtkReserved(EventType, frozen=True, kw_only=True):
    """A specialist reserved a file for `timeout_ms` milliseconds."""

    type_name: ClassVar[str] = "ctk_reserved"

    lock_id: Uuid
    file_path: str
    normalized_path: str
    specialist_id: str
    purpose: Purpose = "edit"
    timeout_ms: PositiveInteger = 30_000
    checksum: str | None = None


class CtkReleased(EventType, frozen=True, kw_only=True):
    """A reservation ended."""

    type_name: ClassVar[str] = "ctk_released"

    lock_id: Uuid
    file_path: str
    specialist_id: str
    release_reason: ReleaseReason = "explicit"
    final_checksum: str | None = None


class CtkConflict(EventType, frozen=True, kw_only=True):
    """A reservation was refused, or turned out to be broken."""

    type_name: ClassVar[str] = "ctk_conflict"

    file_path: str
    requesting_specialist: str
    holding_specialist: str
    existing_lock_id: Uuid
    conflict_type: ConflictType


class CtkCaseRule(EventType, frozen=True, kw_only=True):
    """The project's rule of case was settled: whether `README` and `readme` are two files. From here on it is
    the same for all, whatever file system they work on.
    """

    type_name: ClassVar[str] = "ctk_case_rule"

    case_sensitive: bool


EVENT_TYPES: tuple[type[EventType], ...] = (CtkReserved, CtkReleased, CtkConflict, CtkCaseRule)
"""All of them, as the plugin contributes them."""
