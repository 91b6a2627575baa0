"""Taking in another store's log, and leaving this one for another."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from fleet_core.api import EventCodec, IdReused, Invalid, Recorded, Row, StoredId, Stream, id_text
from fleet_sqlite.database import SEALED, Connection, bindable
from fleet_sqlite.hashing import link
from fleet_sqlite.witness import Head

_CHUNK: Final = 500
"""Ids looked up in one statement."""

_INSERT: Final = """\
INSERT INTO events (
    position, id, stream, version, type, schema_version, data, tags, metadata, causation_id, correlation_id,
    occurred_at, recorded_at, hash
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""


def load(connection: Connection, codec: EventCodec, head: Head, rows: Sequence[Row]) -> Head:
    """Write another log's rows behind the head, within the caller's transaction; gives the new head.

    Raises:
        Invalid, IdReused: a row does not fit; the caller undoes the transaction.
    """
    _check_ids(connection, rows)
    streams: dict[Stream, tuple[int, int]] = {}
    types: dict[str, int] = {}
    for row in rows:
        if row.position <= head.position:
            raise Invalid(f"position {row.position} does not lie beyond {head.position}", path="$.position")
        stream = Stream(row.stream_type, row.stream_id)
        key, version = streams.get(stream) or _stream(connection, stream)
        if row.version != version + 1:
            raise Invalid(f"{stream} goes on with version {version + 1}, not {row.version}", path="$.version")
        type = types.setdefault(row.type, 0) or _interned(connection, "types", row.type)
        types[row.type] = type
        head = Head(row.position, link(head.hash, tuple(row)))
        connection.execute(_INSERT, _values(row, key, type, head))
        _tag(connection, codec, row)
        streams[stream] = (key, row.version)
    return head


def _values(row: Row, stream: int, type: int, head: Head) -> list[Any]:
    return [
        row.position,
        bindable(row.id),
        stream,
        row.version,
        type,
        row.schema_version,
        *map(bindable, row[7:13]),
        row.recorded_at,
        bindable(head.hash),
    ]


def _check_ids(connection: Connection, rows: Sequence[Row]) -> None:
    ids = [row.id for row in rows]
    if len(set(ids)) < len(ids):
        raise IdReused(id_text(next(id for id in ids if ids.count(id) > 1)), "is given twice")
    for known in _known(connection, ids):
        raise IdReused(id_text(known), "is recorded already")


def _known(connection: Connection, ids: Sequence[StoredId]) -> Iterable[StoredId]:
    for start in range(0, len(ids), _CHUNK):
        chunk = [bindable(id) for id in ids[start : start + _CHUNK]]
        marks = ", ".join("?" * len(chunk))
        for (id,) in connection.execute(f"SELECT id FROM events WHERE id IN ({marks})", chunk).fetchall():
            yield id


def _stream(connection: Connection, stream: Stream) -> tuple[int, int]:
    """A stream's key and version; it is made when it is new."""
    connection.execute("INSERT OR IGNORE INTO streams (type, id) VALUES (?, ?)", stream)
    sql = (
        "SELECT key, coalesce((SELECT max(version) FROM events WHERE stream = key), 0)"
        " FROM streams WHERE type = ? AND id = ?"
    )
    [(key, version)] = connection.execute(sql, stream).fetchall()
    return key, version


def _interned(connection: Connection, table: str, name: str) -> int:
    connection.execute(f"INSERT OR IGNORE INTO {table} (name) VALUES (?)", (name,))
    [(key,)] = connection.execute(f"SELECT key FROM {table} WHERE name = ?", (name,)).fetchall()
    return key  # type: ignore[no-any-return]


def _tag(connection: Connection, codec: EventCodec, row: Row) -> None:
    for name in Recorded(row, codec).tags:
        key = _interned(connection, "tags", name)
        connection.execute("INSERT INTO event_tags (tag, position) VALUES (?, ?)", (key, row.position))


def seal(connection: Connection, reason: str) -> None:
    """Have the database itself refuse new events, by whatever program."""
    unseal(connection)
    connection.execute("INSERT INTO meta (name, value) VALUES ('sealed', ?)", (reason,))
    text = f"{SEALED}{reason}".replace("'", "''")
    connection.execute(
        f"CREATE TRIGGER events_are_sealed BEFORE INSERT ON events BEGIN SELECT RAISE(ABORT, '{text}'); END"
    )


def unseal(connection: Connection) -> str | None:
    """Take the seal off; gives its reason, None when there was none."""
    found = connection.execute("SELECT value FROM meta WHERE name = 'sealed'").fetchall()
    connection.execute("DROP TRIGGER IF EXISTS events_are_sealed")
    connection.execute("DELETE FROM meta WHERE name = 'sealed'")
    return found[0][0] if found else None
