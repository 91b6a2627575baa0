"""FleetTools files for tests: a large one like a real fleet's, small ones of every kind, rows given back."""

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from fleet_core.api import Recorded

DATA = Path(__file__).parent / "data"
SMALL = DATA / "squawk-small.json"
FROM_HTTP = DATA / "squawk-from-http.json"

BEGINNING = datetime(2026, 1, 2, 8, tzinfo=UTC)

Content = dict[str, Any]


def javascript_time(moment: datetime) -> str:
    """A time as JavaScript writes it."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def javascript_json(value: Any) -> str:
    """A value as JavaScript's JSON.stringify writes it, but for numbers beyond 15 digits."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text if text.isascii() or _is_utf8(text) else json.dumps(value, separators=(",", ":"))


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def written(content: Any, path: Path) -> Path:
    """The file as FleetTools writes it."""
    path.write_text(json.dumps(content, indent=2), encoding="utf-8")
    return path


def event_row(mailbox: str, **fields: Any) -> dict[str, Any]:
    """An event as FleetTools writes it."""
    row = {
        "id": "64df53d5-f432-4102-b233-fa08570b8f1f",
        "mailbox_id": mailbox,
        "type": "TaskAssigned",
        "stream_id": mailbox,
        "data": '{"task_id":"task-456"}',
        "occurred_at": "2026-01-04T12:00:00.000Z",
        "causation_id": None,
        "metadata": None,
    }
    return row | fields


def mailbox_row(mailbox: str, **fields: Any) -> dict[str, Any]:
    """A mailbox as FleetTools writes it."""
    time = "2026-01-02T08:00:04.123Z"
    return {"id": mailbox, "created_at": time, "updated_at": time} | fields


def cursor_row(mailbox: str, **fields: Any) -> dict[str, Any]:
    """A cursor as FleetTools writes it."""
    time = "2026-01-02T08:00:04.123Z"
    return {"id": f"{mailbox}_cursor", "stream_id": mailbox, "position": 1, "updated_at": time} | fields


def lock_row(lock: str, **fields: Any) -> dict[str, Any]:
    """A lock as FleetTools writes it."""
    row = {
        "id": lock,
        "file": "/src/index.ts",
        "reserved_by": "spec_abc",
        "reserved_at": "2026-01-04T12:00:00.000Z",
        "released_at": None,
        "purpose": "edit",
        "checksum": None,
        "timeout_ms": 30000,
        "metadata": None,
    }
    return row | fields


def one_of_each() -> Content:
    """A file with a row of each kind, nothing unusual about any."""
    return {
        "mailboxes": {"a": mailbox_row("a")},
        "events": {"a": [event_row("a")]},
        "cursors": {"a_cursor": cursor_row("a")},
        "locks": {"l": lock_row("l", released_at="2026-01-04T12:00:20.000Z")},
    }


def large(events: int = 20_000, causes: int = 14_006, mailboxes: int = 200, seed: int = 1) -> Content:
    """A file of a fleet's busy day. Causes are earlier events anywhere, so that about half of them stand
    further down in the file, where events are grouped by mailbox.
    """
    rng = random.Random(seed)
    names = [
        f"{rng.choice(('specialist', 'mission', 'équipe', '日本'))}-{number}" for number in range(mailboxes)
    ]
    caused = set(rng.sample(range(1, events), causes))
    lists: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    ids: list[str] = []
    moment = BEGINNING
    for number in range(events):
        moment += timedelta(milliseconds=rng.choice((0, 0, 17, 4200)))
        name = rng.choice(names)
        ids.append(_uuid(rng))
        cause = ids[rng.randrange(max(0, number - 400), number)] if number in caused else None
        kind, data = _happening(rng, number)
        metadata = javascript_json({"source": "cli", "version": "1.0.0"}) if rng.random() < 0.3 else None
        row = event_row(name, id=ids[-1], type=kind, data=data, metadata=metadata, causation_id=cause)
        lists[name].append(row | {"occurred_at": javascript_time(moment)})
    return {
        "mailboxes": {name: mailbox_row(name) for name in names},
        "events": lists,
        "cursors": {f"{name}_cursor": cursor_row(name, position=len(lists[name])) for name in names[:145]},
        "locks": dict(_locks(rng, 300)),
    }


def _uuid(rng: random.Random) -> str:
    return str(UUID(int=rng.getrandbits(128), version=4))


def _happening(rng: random.Random, number: int) -> tuple[str, str]:
    """A type and data, in all the forms that clients sent."""
    text = rng.choice(
        ("plain", "naïve café", "日本語 ✈️", 'quote" and \\', "nul\0byte", "x" * rng.randrange(300))
    )
    values: list[tuple[str, Any]] = [
        ("sortie_progress", {"sortie_id": f"srt-{number}", "progress": number % 101, "status_message": text}),
        ("sortie_created", {"sortie_id": f"srt-{number}", "title": text, "priority": "medium"}),
        (
            "squawk_sent",
            {"content": {"text": text, "nested": {"a": [1, None, {"b": False}]}}, "priority": "high"},
        ),
        ("ctk_reserved", {"lock_id": f"lock-{number}", "file_path": "/src/auth.ts", "timeout_ms": 30000}),
        ("CustomVendorEvent", rng.choice((None, number, [1, 2], javascript_json({"already": "json"})))),
    ]
    kind, value = rng.choice(values)
    return kind, javascript_json(value)


def _locks(rng: random.Random, count: int) -> Iterator[tuple[str, dict[str, Any]]]:
    for number in range(count):
        lock, reserved = _uuid(rng), BEGINNING + timedelta(minutes=number)
        released = javascript_time(reserved + timedelta(seconds=20)) if number % 3 == 0 else None
        row = lock_row(lock, file=f"/src/mod{number % 250}.ts", reserved_at=javascript_time(reserved))
        yield lock, row | {"released_at": released, "timeout_ms": rng.choice((30000, 315360000000))}


# Small files of every kind.

NAMES = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=8)
TIMES = st.datetimes(
    datetime(1970, 1, 2), datetime(2200, 1, 1), timezones=st.just(UTC), allow_imaginary=False
).map(javascript_time)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=8) | st.sampled_from(["\0", "\ud800", "a\udc00\0b"])
NUMBERS = st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
JSON_TEXTS = VALUES.map(javascript_json) | VALUES.map(json.dumps)


@st.composite
def files(draw: st.DrawFn) -> Content:
    """A file without faults."""
    keys = draw(st.lists(NAMES, unique=True, max_size=4))
    listed = [key for key in keys if draw(st.booleans())]
    ids = draw(st.lists(NAMES | st.uuids().map(str), unique=True, max_size=8))
    lists: dict[str, list[dict[str, Any]]] = {key: [] for key in keys if draw(st.booleans())}
    if lists:
        for event_id in ids:
            key = draw(st.sampled_from(sorted(lists)))
            lists[key].append(draw(_event_rows(key, event_id, ids)))
    content = {
        "mailboxes": {key: mailbox_row(key, id=draw(VALUES), created_at=draw(TIMES)) for key in listed},
        "events": lists,
        "cursors": {key: draw(_cursor_rows(key)) for key in draw(st.lists(NAMES, unique=True, max_size=2))},
        "locks": {key: draw(_lock_rows(key)) for key in draw(st.lists(NAMES, unique=True, max_size=3))},
    }
    return {part: rows for part, rows in content.items() if rows or draw(st.booleans())}


@st.composite
def _event_rows(draw: st.DrawFn, key: str, event_id: str, ids: list[str]) -> dict[str, Any]:
    row = event_row(
        key,
        id=event_id,
        type=draw(NAMES),
        data=draw(JSON_TEXTS),
        occurred_at=draw(TIMES),
        causation_id=draw(st.none() | st.sampled_from(ids) | NAMES),
        metadata=draw(st.none() | JSON_TEXTS | TEXTS | VALUES),
    )
    if draw(st.booleans()):
        row["mailbox_id"] = draw(VALUES)
    if draw(st.booleans()):
        del row["stream_id"]
    return row


@st.composite
def _cursor_rows(draw: st.DrawFn, key: str) -> dict[str, Any]:
    return cursor_row("somewhere", id=key, stream_id=draw(NAMES | st.integers()), position=draw(NUMBERS))


@st.composite
def _lock_rows(draw: st.DrawFn, key: str) -> dict[str, Any]:
    return lock_row(
        key,
        file=draw(TEXTS.filter(bool)),
        reserved_by=draw(TEXTS.filter(bool)),
        reserved_at=draw(TIMES),
        released_at=draw(st.none() | TIMES),
        purpose=draw(st.none() | TEXTS),
        timeout_ms=draw(st.none() | NUMBERS),
        metadata=draw(VALUES),
    )


# Rows given back.


def event_given_back(event: Recorded) -> dict[str, Any]:
    """The row that an imported event was, by what is recorded of it alone."""
    metadata = event.metadata
    if "legacy" in metadata:
        row: dict[str, Any] = json.loads(metadata["legacy"])
        return row
    return {
        "id": event.id,
        "mailbox_id": event.stream_id,
        "type": event.type,
        "stream_id": event.stream_id,
        "data": javascript_json(event.plain),
        "occurred_at": javascript_time(event.occurred_at),
        "causation_id": event.causation_id,
        "metadata": javascript_json(metadata) if metadata else None,
    }


def lock_given_back(events: list[Recorded]) -> dict[str, Any]:
    """The row that an imported lock was; its release, if any, comes last."""
    row: dict[str, Any] = {}
    for event in events:
        row |= json.loads(event.metadata["legacy"])
    return row if "released_at" in row else row | {"released_at": None}


def told(row: dict[str, Any]) -> str:
    """A row to be compared: the order of keys, within JSON texts too, says nothing."""
    values = {name: _value(value) for name, value in row.items()}
    return json.dumps(values, sort_keys=True)


def _value(field: Any) -> Any:
    try:
        return ["json", json.loads(field)]
    except (TypeError, ValueError):
        return field
