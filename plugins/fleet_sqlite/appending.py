"""Inside a write transaction: everything an append depends on is decided, then its rows are written."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import islice
from typing import Any, Final

from fleet_core.api import (
    Appended,
    Batch,
    Clock,
    Condition,
    ConditionFailed,
    EventCodec,
    Expected,
    IdReused,
    Prepared,
    Recorded,
    StoredId,
    Stream,
    VersionConflict,
    id_text,
)
from fleet_sqlite import reading
from fleet_sqlite.database import Connection, bindable
from fleet_sqlite.hashing import link
from fleet_sqlite.links import Links
from fleet_sqlite.witness import NOTHING, Head

Row = tuple[Any, ...]

_HEAD: Final = """\
SELECT
    (SELECT seq FROM sqlite_sequence WHERE name = 'events'),
    (SELECT hash FROM events ORDER BY position DESC LIMIT 1)"""

_STREAM: Final = """\
SELECT s.key, (SELECT max(version) FROM events WHERE stream = s.key)
FROM streams s WHERE s.type = ? AND s.id = ?"""

_ALWAYS: Final = (
    "position",
    "id",
    "stream",
    "version",
    "type",
    "schema_version",
    "data",
    "recorded_at",
    "hash",
)
_SOMETIMES: Final = ("tags", "metadata", "causation_id", "correlation_id", "occurred_at")
_BITS: Final = (1, 2, 4, 8, 16)
"""The columns of an event: those that always have a value, those that may be NULL, and a bit for each of
these."""


_INSERT_TAG: Final = "INSERT INTO event_tags (tag, position) VALUES (?, ?)"

_CHUNK: Final = 500
"""Ids looked up in one statement."""

_REMEMBERED: Final = 10_000
"""Streams whose version is kept in memory."""


class Request:
    """One append, prepared: ids made, data validated and encoded. Its outcome is `answer` or `error`."""

    def __init__(self, batches: Sequence[Batch], condition: Condition | None, codec: EventCodec) -> None:
        self.writes: list[tuple[Stream, Expected | int, list[Prepared]]] = [
            (batch.stream, batch.expected, [codec.prepare(event) for event in batch.events])
            for batch in batches
        ]
        self.condition = condition
        self.has_given_ids = self.inherits = self.has_tags = False
        self.answer: Appended | None = None
        self.error: BaseException | None = None
        for _, _, events in self.writes:
            for event in events:
                if event.given_id:
                    self.has_given_ids = True
                if event.causation_id is not None and event.correlation_id is None:
                    self.inherits = True
                if event.tags:
                    self.has_tags = True
        if self.has_given_ids:
            self._check_distinct()

    def events(self) -> Iterator[tuple[Stream, Prepared]]:
        """All events with their streams, in order."""
        return ((stream, event) for stream, _, events in self.writes for event in events)

    def ids(self) -> list[StoredId]:
        """The events' ids, in order."""
        return [event.id for _, _, events in self.writes for event in events]

    def outcome(self) -> Appended:
        """The answer, once there is one; raises the error instead when there is that."""
        if self.error is not None:
            raise self.error
        assert self.answer is not None
        return self.answer

    def _check_distinct(self) -> None:
        seen: set[StoredId] = set()
        for id in self.ids():
            if id in seen:
                raise IdReused(id_text(id), "is given twice in one append")
            seen.add(id)


class Appender:
    """Writes events. It remembers streams and names for as long as nobody else has written in between."""

    def __init__(self, codec: EventCodec, clock: Clock) -> None:
        self._codec = codec
        self._clock = clock
        self._streams: dict[Stream, tuple[int, int]] = {}
        self._types: dict[str, int] = {}
        self._tags: dict[str, int] = {}
        self._links = Links()
        self._is_trusted = False
        self.head = NOTHING
        """The last event, as this transaction sees it."""

    def look(self, connection: Connection) -> bool:
        """Start a transaction: find the head. Says whether it is where this object left it."""
        [(position, digest)] = connection.execute(_HEAD).fetchall()
        head = Head(position or 0, digest or NOTHING.hash)
        if self._is_trusted and head == self.head:
            return True
        self.forget()
        self._is_trusted = True
        self.head = head
        return False

    def forget(self) -> None:
        """Stop trusting what is remembered: the transaction was undone, or another process has written."""
        self._is_trusted = False
        self.head = NOTHING
        self._streams.clear()
        self._types.clear()
        self._tags.clear()
        self._links.forget()

    def keep_up_links(self, connection: Connection) -> None:
        """After the last append of a transaction: let events be found by their cause and root."""
        self._links.keep_up(connection, self.head.position)

    def append(self, connection: Connection, request: Request) -> list[Row]:
        """Decide a request and write its events; gives their rows, and the request its answer.

        Nothing is written before all is decided.

        Raises:
            VersionConflict, ConditionFailed, IdReused: the request is refused.
        """
        if request.has_given_ids:
            request.answer = self._replay(connection, request)
            if request.answer is not None:
                return []
        current = {
            stream: self._check_version(connection, stream, expected)
            for stream, expected, _ in request.writes
        }
        self._check_condition(connection, request.condition)
        inherited = self._inherited(connection, request) if request.inherits else {}
        try:
            rows = self._write(connection, request, current, inherited)
        except BaseException:
            self.forget()
            raise
        request.answer = Appended(
            [row[0] for row in rows], [row[6] for row in rows], [row[1] for row in rows]
        )
        return rows

    def _replay(self, connection: Connection, request: Request) -> Appended | None:
        """The first answer, when these events are recorded already; None when they are new."""
        sql = f"SELECT {reading.COLUMNS} FROM events e {reading.NAMES} WHERE e.id IN ({{}})"
        ids = request.ids()
        known = {row[1]: row for row in _looked_up(connection, sql, ids)}
        if not known:
            return None
        if len(known) < len(ids):
            raise IdReused(
                id_text(next(iter(known))), "is recorded already, and others of this append are not"
            )
        for stream, event in request.events():
            self._check_same(stream, event, Recorded(known[event.id], self._codec))
        rows = [known[id] for id in ids]
        return Appended([row[0] for row in rows], [row[6] for row in rows], ids, replayed=True)

    def _check_same(self, stream: Stream, event: Prepared, before: Recorded) -> None:
        row = before.row
        if (row[4], row[5]) != tuple(stream):
            raise IdReused(before.id, f"is recorded already, in stream {row[4]}/{row[5]}")
        sent = (
            event.type,
            event.schema_version,
            event.data,
            self._codec.encode_tags(event.tags),
            event.metadata,
        )
        if sent != (row[2], row[3], row[7], row[8], row[9]):
            raise IdReused(before.id, "is recorded already, with other content")
        if event.causation_id != row[10] or event.occurred_at not in (None, before.occurred_us):
            raise IdReused(before.id, "is recorded already, with another cause or time")
        if event.correlation_id not in (None, row[1] if row[11] is None else row[11]):
            raise IdReused(before.id, "is recorded already, with another correlation")

    def _check_version(
        self, connection: Connection, stream: Stream, expected: Expected | int
    ) -> tuple[int, int]:
        """The stream's key (0: it is new) and current version."""
        current = self._streams.get(stream)
        if current is None:
            found = connection.execute(_STREAM, stream).fetchall()
            current = (found[0][0], found[0][1] or 0) if found else (0, 0)
        if not _is_expected(expected, current[1]):
            raise VersionConflict(str(stream), expected=str(expected), actual=current[1])
        return current

    def _check_condition(self, connection: Connection, condition: Condition | None) -> None:
        if condition is None or condition.after >= self.head.position:
            return
        position = reading.first(
            lambda sql, values: connection.execute(sql, values).fetchall(), condition.query, condition.after
        )
        if position is not None:
            raise ConditionFailed(position)

    def _inherited(self, connection: Connection, request: Request) -> dict[StoredId, StoredId]:
        """The correlations that events get from their causes, by event id."""
        causes = {
            event.causation_id
            for _, event in request.events()
            if event.correlation_id is None and event.causation_id is not None
        }
        sql = "SELECT id, correlation_id FROM events WHERE id IN ({})"
        recorded: dict[StoredId, StoredId | None] = dict(_looked_up(connection, sql, causes))
        inherited: dict[StoredId, StoredId] = {}
        roots: dict[StoredId, StoredId] = {}
        for _, event in request.events():
            root = event.correlation_id
            if root is None and event.causation_id is not None:
                root = roots.get(event.causation_id) or recorded.get(event.causation_id) or event.causation_id
                inherited[event.id] = root
            roots[event.id] = root or event.id
        return inherited

    def _write(
        self,
        connection: Connection,
        request: Request,
        current: dict[Stream, tuple[int, int]],
        inherited: dict[StoredId, StoredId],
    ) -> list[Row]:
        now = self._clock()
        position, digest = self.head
        rows: list[Row] = []
        inserts: dict[int, list[list[Any]]] = {}
        for stream, _, events in request.writes:
            if not events:
                continue
            key, version = current[stream]
            key = key or self._new_stream(connection, stream)
            for event in events:
                position += 1
                version += 1
                root = event.correlation_id or inherited.get(event.id)
                row = self._row(event, position, stream, version, root, now)
                digest = link(digest, row)
                rows.append(row)
                type = self._types.get(event.type) or self._new_type(connection, event.type)
                _sort_in(inserts, row, key, type, digest)
            current[stream] = self._streams[stream] = (key, version)
        for present, those in inserts.items():
            connection.executemany(_insert_sql(present), those)
        if request.has_tags:
            self._insert_tags(connection, request, rows)
        self.head = Head(position, digest)
        return rows

    def _row(
        self, event: Prepared, position: int, stream: Stream, version: int, root: StoredId | None, now: int
    ) -> Row:
        return (
            position,
            event.id,
            event.type,
            event.schema_version,
            stream[0],
            stream[1],
            version,
            event.data,
            self._codec.encode_tags(event.tags),
            event.metadata,
            event.causation_id,
            None if root == event.id else root,
            event.occurred_at,
            now,
        )

    def _insert_tags(self, connection: Connection, request: Request, rows: list[Row]) -> None:
        tags = [
            (self._tags.get(name) or self._new_tag(connection, name), row[0])
            for (_, event), row in zip(request.events(), rows, strict=True)
            for name in event.tags
        ]
        connection.executemany(_INSERT_TAG, tags)

    def _new_stream(self, connection: Connection, stream: Stream) -> int:
        if len(self._streams) >= _REMEMBERED:
            self._streams.clear()
        return _inserted(connection, "INSERT INTO streams (type, id) VALUES (?, ?) RETURNING key", stream)

    def _new_type(self, connection: Connection, name: str) -> int:
        key = self._types[name] = _interned(connection, "types", name)
        return key

    def _new_tag(self, connection: Connection, name: str) -> int:
        if len(self._tags) >= _REMEMBERED:
            self._tags.clear()
        key = self._tags[name] = _interned(connection, "tags", name)
        return key


def _sort_in(inserts: dict[int, list[list[Any]]], row: Row, key: int, type: int, digest: bytes) -> None:
    """Put a row with those that lack the same columns: a bound NULL costs more than all the rest."""
    values = [
        row[0],
        bindable(row[1]),
        key,
        row[6],
        type,
        row[3],
        bytearray(row[7]),
        row[13],
        bytearray(digest),
    ]
    present = 0
    for bit, value in zip(_BITS, row[8:13], strict=True):
        if value is not None:
            present |= bit
            values.append(bindable(value))
    inserts.setdefault(present, []).append(values)


@cache
def _insert_sql(present: int) -> str:
    columns = [*_ALWAYS, *(name for bit, name in zip(_BITS, _SOMETIMES, strict=True) if present & bit)]
    return f"INSERT INTO events ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"


def _interned(connection: Connection, table: str, name: str) -> int:
    found = connection.execute(f"SELECT key FROM {table} WHERE name = ?", (name,)).fetchall()
    if found:
        return found[0][0]  # type: ignore[no-any-return]
    return _inserted(connection, f"INSERT INTO {table} (name) VALUES (?) RETURNING key", (name,))


def _inserted(connection: Connection, sql: str, values: Sequence[Any]) -> int:
    [(key,)] = connection.execute(sql, values).fetchall()
    return key  # type: ignore[no-any-return]


def _looked_up(connection: Connection, sql: str, ids: Iterable[StoredId]) -> Iterator[Any]:
    waiting = map(bindable, ids)
    while chunk := list(islice(waiting, _CHUNK)):
        yield from connection.execute(sql.format(", ".join("?" * len(chunk))), chunk).fetchall()


def _is_expected(expected: Expected | int, actual: int) -> bool:
    if expected == actual or expected is Expected.ANY:
        return True
    return actual > 0 if expected is Expected.EXISTS else expected is Expected.NO_STREAM and actual == 0
