"""Taking in another store's log, and leaving this one for another."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from fleet_core.api import EventCodec, IdReused, Invalid, Recorded, Row, Stream, id_text
from fleet_postgres.database import Connection
from fleet_postgres.hashing import row_hash
from fleet_postgres.ids import packed, unpacked


class Moving:
    """What moving a log takes, inside a transaction in which no other writer is under way."""

    def __init__(self, schema: str, codec: EventCodec) -> None:
        self._codec = codec
        self._alone = f"SELECT {schema}.take_turn(true, '{{}}', '{{}}', 0)"
        self._newest = f"SELECT coalesce(max(position), 0) FROM {schema}.events"
        self._known = f"SELECT id FROM {schema}.events WHERE id = ANY (%s) LIMIT 1"
        self._name_streams = (
            f"INSERT INTO {schema}.streams (type, id) SELECT * FROM unnest(%s::text[], %s::text[])"
            " ON CONFLICT DO NOTHING"
        )
        self._streams = (
            f"SELECT s.type, s.id, s.key, coalesce((SELECT max(e.version) FROM {schema}.events e"
            f" WHERE e.stream = s.key), 0) FROM {schema}.streams s"
            " JOIN unnest(%s::text[], %s::text[]) AS n(type, id) ON s.type = n.type AND s.id = n.id"
        )
        self._copy_events = (
            f"COPY {schema}.events (position, stream, version, recorded_at, occurred_at, schema_version,"
            " type, id, data, hash, tags, metadata, causation_id, correlation_id) FROM STDIN"
        )
        self._copy_tags = f"COPY {schema}.event_tags (tag, position) FROM STDIN"
        self._go_on = f"SELECT setval('{schema}.positions', %s)"
        self._unseal = f"DELETE FROM {schema}.meta WHERE name = 'sealed'"
        self._seal = f"INSERT INTO {schema}.meta (name, value) VALUES ('sealed', %s)"

    def load(self, rows: Sequence[Row], connection: Connection) -> None:
        """Record rows as they are.

        Raises:
            Invalid: a row lies at or before the head, or is not the next version of its stream.
            IdReused: an id is in the log already.
        """
        connection.execute(self._alone)
        self._check_positions(connection, rows)
        self._check_ids(connection, rows)
        streams = self._stream_keys(connection, rows)
        _copy(connection, self._copy_events, [_values(row, streams[_stream(row)]) for row in rows])
        tags = [(tag, row.position) for row in rows for tag in Recorded(row, self._codec).tags]
        if tags:
            _copy(connection, self._copy_tags, tags)
        connection.execute(self._go_on, (rows[-1].position,))

    def _check_positions(self, connection: Connection, rows: Sequence[Row]) -> None:
        [(last,)] = connection.execute(self._newest).fetchall()
        for row in rows:
            if row.position <= last:
                raise Invalid(
                    f"position {row.position} lies at or before the head, {last}", path="$.position"
                )
            last = row.position

    def _check_ids(self, connection: Connection, rows: Sequence[Row]) -> None:
        ids = Counter(row.id for row in rows)
        for id, times in ids.items():
            if times > 1:
                raise IdReused(id_text(id), "is given twice")
        for (known,) in connection.cursor(binary=True).execute(self._known, (list(map(packed, ids)),)):
            raise IdReused(id_text(unpacked(known)), "is recorded already")

    def _stream_keys(self, connection: Connection, rows: Sequence[Row]) -> dict[Stream, int]:
        """The streams' keys, made where they are new; the rows' versions must go on where theirs end."""
        names = dict.fromkeys(map(_stream, rows))
        arrays = [name.type for name in names], [name.id for name in names]
        connection.execute(self._name_streams, arrays)
        found = connection.execute(self._streams, arrays).fetchall()
        versions = {Stream(type, id): version for type, id, _, version in found}
        for row in rows:
            stream = _stream(row)
            if row.version != versions[stream] + 1:
                raise Invalid(
                    f"{stream} goes on with version {versions[stream] + 1}, not {row.version}",
                    path="$.version",
                )
            versions[stream] = row.version
        return {Stream(type, id): key for type, id, key, _ in found}

    def seal(self, reason: str, connection: Connection) -> None:
        """Have every append refused from now on; those under way have ended."""
        connection.execute(self._alone)
        connection.execute(self._unseal)
        connection.execute(self._seal, (reason,))

    def unseal(self, connection: Connection) -> None:
        """Take the seal off; nothing happens when there is none."""
        connection.execute(self._unseal)


def _stream(row: Row) -> Stream:
    return Stream(row.stream_type, row.stream_id)


def _values(row: Row, stream: int) -> tuple[Any, ...]:
    return (
        row.position,
        stream,
        row.version,
        row.recorded_at,
        row.occurred_at,
        row.schema_version,
        row.type,
        packed(row.id),
        row.data,
        row_hash(row),
        row.tags,
        row.metadata,
        None if row.causation_id is None else packed(row.causation_id),
        None if row.correlation_id is None else packed(row.correlation_id),
    )


def _copy(connection: Connection, sql: str, rows: Iterable[tuple[Any, ...]]) -> None:
    with connection.cursor().copy(sql) as copy:
        for row in rows:
            copy.write_row(row)
