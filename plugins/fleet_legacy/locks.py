"""Locks: each becomes the reservation it was, and its release where it had one."""

from collections import Counter
from collections.abc import Iterable
from typing import Any, Final

from fleet_core.api import NewEvent, Stream
from fleet_legacy.findings import Findings, Steps
from fleet_legacy.planned import Planned, derived_id, with_original
from fleet_legacy.rows import Row, row_of
from fleet_legacy.values import holdable
from fleet_legacy.vocabulary import FOREIGN, LOCK, RELEASED, RESERVED

PURPOSES: Final = frozenset(("edit", "read", "delete"))


def lock(key: str, value: Any, findings: Findings) -> list[Planned]:
    """A row of the file's locks; nothing when it is faulty."""
    steps: Steps = ("locks", key)
    row = row_of(value, steps, findings)
    if row is None:
        return []
    reserved_at, released_at = row.time("reserved_at"), row.optional_time("released_at")
    facts = {
        "lock_id": key,
        "file_path": holdable(row.text("file")),
        "specialist_id": holdable(row.text("reserved_by")),
    }
    terms = {
        "purpose": row.optional_text("purpose"),
        "timeout_ms": row.optional_number("timeout_ms"),
        "checksum": row.optional_text("checksum"),
    }
    if not row.good:
        return []
    _note_oddities(row, key, reserved_at, released_at)
    # A release is an event of its own, so that one that comes later changes nothing about the reservation.
    original = {name: each for name, each in row.fields.items() if name != "released_at"}
    data = holdable(facts | {name: each for name, each in terms.items() if each is not None})
    reserved = _event(RESERVED, key, data, reserved_at, with_original(None, original))
    planned = [Planned("locks", steps, Stream(LOCK, key), reserved)]
    if released_at is not None:
        original = {"released_at": row.fields["released_at"]}
        released = _event(RELEASED, key, facts, released_at, with_original(None, original))
        planned.append(Planned("releases", (*steps, "released_at"), Stream(LOCK, key), released))
    return planned


def _event(type: str, key: str, data: dict[str, Any], occurred_at: int, metadata: dict[str, Any]) -> NewEvent:
    return NewEvent(
        data=data,
        type=type,
        id=derived_id(type, key),
        schema_version=FOREIGN,
        metadata=metadata,
        occurred_at=occurred_at,
    )


def _note_oddities(row: Row, key: str, reserved_at: int, released_at: int | None) -> None:
    timeout = row.fields.get("timeout_ms")
    if row.fields.get("id") != key:
        row.oddity("id that is not the row's key", "id")
    if row.fields.get("purpose") not in PURPOSES:
        row.oddity("lock of another purpose than edit, read and delete", "purpose")
    if timeout is None or timeout <= 0 or timeout % 1:
        row.oddity("lock whose timeout is no positive whole number", "timeout_ms")
    if released_at is not None and released_at < reserved_at:
        row.oddity("lock released before it was reserved", "released_at")


def note_shared_files(locks: Iterable[Planned], released: set[str], findings: Findings) -> None:
    """Note the locks that were never released and share their file with another such lock."""
    held = [each for each in locks if each.stream.id not in released]
    holders = Counter(each.event.data["file_path"] for each in held)
    for each in held:
        if holders[each.event.data["file_path"]] > 1:
            findings.oddity(each.steps, "unreleased lock of a file with other unreleased locks")
