"""Mailboxes, their events and cursors: what becomes of each row.

The key under which a row stands is the truth; ids within the row may be numbers, or anything a client sent.
An event's own `mailbox_id` and `stream_id` are such ids.
"""

from typing import Any, Final

from fleet_core.api import NewEvent, Stream, as_datetime
from fleet_legacy.findings import Findings, Steps
from fleet_legacy.legacy_events import LegacyCursorImported, LegacyMailboxImported, Position
from fleet_legacy.planned import ORIGINAL, Planned, derived_id, with_original
from fleet_legacy.rows import Row, row_of
from fleet_legacy.values import as_ascii_json, decode, is_usual_time
from fleet_legacy.vocabulary import CURSOR, FOREIGN, MAILBOX

_EVENT_FIELDS: Final = frozenset(
    ("id", "mailbox_id", "type", "stream_id", "data", "occurred_at", "causation_id", "metadata")
)


def mailbox(key: str, value: Any, has_events: bool, findings: Findings) -> Planned | None:
    """A row of the file's mailboxes; has it events or not, it is kept."""
    steps: Steps = ("mailboxes", key)
    row = row_of(value, steps, findings)
    if row is None:
        return None
    created, updated = row.optional_time("created_at"), row.optional_time("updated_at")
    if row.fields.get("id") != key:
        row.oddity("id that is not the row's key", "id")
    if created is None or updated is None:
        row.oddity("mailbox without its times")
    if not has_events:
        row.oddity("mailbox without a list of events")
    if not row.good:
        return None
    event = LegacyMailboxImported(
        mailbox_id=key,
        created_at=None if created is None else as_datetime(created),
        updated_at=None if updated is None else as_datetime(updated),
        has_events=has_events,
    )
    usual = _is_usual(row.fields, {"id": key}, ("created_at", "updated_at"))
    return _mailbox(event, steps, None if usual else row.fields, updated if created is None else created)


def unlisted_mailbox(key: str, findings: Findings) -> Planned:
    """A mailbox that only the events know."""
    steps: Steps = ("events", key)
    findings.oddity(steps, "events of a mailbox that is not listed")
    return _mailbox(LegacyMailboxImported(mailbox_id=key, listed=False), steps, None, None)


def _mailbox(event: LegacyMailboxImported, steps: Steps, original: Any, occurred_at: int | None) -> Planned:
    times = f"{event.created_at} {event.updated_at}"
    said = as_ascii_json([original, times, event.listed, event.has_events])
    new = NewEvent(
        data=event,
        id=derived_id(event.type_name, event.mailbox_id, said),
        occurred_at=occurred_at,
        metadata=None if original is None else with_original(None, original),
    )
    return Planned("mailboxes", steps, Stream(MAILBOX, event.mailbox_id), new)


def squawk(stream: Stream, index: int, value: Any, findings: Findings) -> Planned | None:
    """A row of a mailbox's events."""
    steps: Steps = ("events", stream.id, index)
    row = row_of(value, steps, findings)
    if row is None:
        return None
    event_id, type, data = row.name("id"), row.name("type"), row.json("data")
    occurred_at, cause = row.time("occurred_at"), row.optional_name("causation_id")
    metadata, usual_metadata = _metadata(row)
    if not row.good:
        return None
    usual = data.same and usual_metadata and _is_usual_event(row.fields, stream.id, cause)
    event = NewEvent(
        data=data.value,
        type=type,
        id=event_id,
        schema_version=FOREIGN,
        metadata=metadata if usual else with_original(metadata, row.fields),
        causation_id=cause,
        occurred_at=occurred_at,
    )
    _note_oddities(row, data.value, data.same and usual_metadata, stream.id)
    return Planned("events", steps, stream, event)


def _metadata(row: Row) -> tuple[dict[str, Any] | None, bool]:
    """What a row's metadata says, if it is an object, and whether that object gives the row's text back."""
    text = row.fields.get("metadata")
    if text is None:
        return None, True
    try:
        decoded = decode(text)
    except (ValueError, TypeError):
        return None, False
    if not isinstance(decoded.value, dict) or not decoded.value:
        return None, False
    return decoded.value, decoded.same and ORIGINAL not in decoded.value


def _is_usual_event(fields: dict[str, Any], key: str, cause: str | None) -> bool:
    """Whether the event gives back all of the row but data and metadata."""
    return (
        fields.keys() == _EVENT_FIELDS
        and fields["mailbox_id"] == fields["stream_id"] == key
        and fields["causation_id"] == cause
        and is_usual_time(fields["occurred_at"])
    )


def _note_oddities(row: Row, data: Any, usual_texts: bool, key: str) -> None:
    fields = row.fields
    if not isinstance(data, dict):
        row.oddity("data that is no object", "data")
    if not usual_texts:
        row.oddity("data or metadata whose text is kept beside its value")
    if fields.get("mailbox_id") != key or fields.get("stream_id") != key:
        row.oddity("event that names another mailbox than its list")


def cursor(key: str, value: Any, lengths: dict[str, int], findings: Findings) -> Planned | None:
    """A row of the file's cursors. `lengths` are the numbers of events in each mailbox."""
    steps: Steps = ("cursors", key)
    row = row_of(value, steps, findings)
    if row is None:
        return None
    stream_id, position, updated = _stream_id(row), row.number("position"), row.optional_time("updated_at")
    if not row.good:
        return None
    event = LegacyCursorImported(
        cursor_id=key,
        stream_id=stream_id,
        position=_held(position),
        updated_at=None if updated is None else as_datetime(updated),
    )
    usual = _is_usual(
        row.fields, {"id": key, "stream_id": stream_id, "position": event.position}, ("updated_at",)
    )
    _note_cursor_oddities(row, key, stream_id, position, lengths)
    new = NewEvent(
        data=event,
        id=derived_id(event.type_name, key, as_ascii_json(row.fields)),
        occurred_at=updated,
        metadata=None if usual else with_original(None, row.fields),
    )
    return Planned("cursors", steps, Stream(CURSOR, key), new)


def _stream_id(row: Row) -> str:
    number = row.fields.get("stream_id")
    if isinstance(number, int) and not isinstance(number, bool):
        return str(number)
    return row.name("stream_id")


def _held(position: float) -> Position:
    if isinstance(position, int) and not -(2**63) <= position < 2**63:
        return str(position)
    return position


def _note_cursor_oddities(
    row: Row, key: str, stream_id: str, position: float, lengths: dict[str, int]
) -> None:
    if row.fields.get("id") != key:
        row.oddity("id that is not the row's key", "id")
    if stream_id not in lengths:
        row.oddity("cursor of a mailbox that is not in the file", "stream_id")
    elif position > lengths[stream_id]:
        row.oddity("cursor beyond the end of its mailbox", "position")
    if position < 0 or position % 1:
        row.oddity("cursor position that counts nothing", "position")


def _is_usual(fields: dict[str, Any], expected: dict[str, Any], times: tuple[str, ...]) -> bool:
    """Whether a row has just the expected fields, and times as JavaScript writes them."""
    rest = {name: value for name, value in fields.items() if name not in times}
    return (
        rest == expected
        and fields.keys() == expected.keys() | set(times)
        and all(isinstance(fields[name], str) and is_usual_time(fields[name]) for name in times)
    )
