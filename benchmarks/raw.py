"""The limit: the driver alone, on the same SQLite library, putting the store's own rows into its own tables.

Every database here starts as a copy of one that the SQLite store made, and every row written to it was
written by that store before, to a source in memory while no clock ran. So schema, indexes and bytes are the
store's and can't drift from it; what the driver is spared is deciding, encoding, hashing and answering.
Links from causes to events are made as often as the store makes them, except by the ORM and by clients, which
leave them out.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import peewee
from pysqlite3 import dbapi2 as sqlite  # type: ignore[import-untyped]

from benchmarks.stores import StoreSubject
from fleet_core.stores import Maintenance
from fleet_core.times import timestamp
from fleet_sqlite.links import Links
from fleet_sqlite.settings import Settings

Rows = list[tuple[Any, ...]]

STORE = "sqlite"

WITH_NAMES = """
SELECT events.*, streams.type, streams.id, types.name FROM events
CROSS JOIN streams ON streams.key = events.stream CROSS JOIN types ON types.key = events.type
ORDER BY position
"""


def connect(path: Path, synchronous: str = "FULL") -> Any:
    """A bare connection with the store's own settings, in autocommit mode."""
    connection = sqlite.connect(path, isolation_level=None, timeout=60, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA synchronous = {synchronous}")
    connection.execute(f"PRAGMA wal_autocheckpoint = {Settings().wal_autocheckpoint}")
    return connection


class RawSubject:
    """Rows through the bare driver: one in autocommit, several with `executemany` in a transaction."""

    def __init__(self, source: Path, directory: Path, preload: int = 0, synchronous: str = "FULL") -> None:
        """`source` is a directory in memory, `directory` the place under measurement."""
        self._source = StoreSubject(STORE, source, preload)
        assert isinstance(self._source.store, Maintenance)
        self._reader = connect(Path(self._source.store.info().path))
        directory.mkdir(parents=True, exist_ok=True)
        self.path = directory / "raw.db"
        self.connection = connect(self.path, synchronous)
        self._reader.backup(self.connection)
        self.columns = [row[1] for row in self._reader.execute("PRAGMA table_info (events)")]
        places = ", ".join("?" * len(self.columns))
        self.insert = f"INSERT INTO events ({', '.join(self.columns)}) VALUES ({places})"
        self._links = Links()
        self._position = self._last_position()
        self._rows: Iterator[tuple[Any, ...]] = iter(())
        self._connections = [self.connection, self._reader]

    def _last_position(self) -> int:
        return self._reader.execute("SELECT coalesce(max(position), 0) FROM events").fetchone()[0]  # type: ignore[no-any-return]

    def prepare(self, size: int, count: int) -> list[Rows]:
        """The rows of the next `count` appends of `size` events, as the store writes them."""
        self._source.append(self._source.prepare(size, count))
        rows = self._reader.execute(
            "SELECT * FROM events WHERE position > ? ORDER BY position", (self._position,)
        ).fetchall()
        self._position = self._last_position()
        return [rows[start : start + size] for start in range(0, len(rows), size)]

    def append(self, work: list[Rows]) -> None:
        """One durable insert for each list of rows; links in bulk, as the store makes them."""
        execute, insert = self.connection.execute, self.insert
        for rows in work:
            if len(rows) == 1:
                execute(insert, rows[0])
            else:
                execute("BEGIN IMMEDIATE")
                self.connection.executemany(insert, rows)
                execute("COMMIT")
            self._links.keep_up(self.connection, rows[-1][0])

    def read_all(self) -> int:
        """Fetch every row with the names it refers to, in the log's order; says how many there were."""
        return sum(1 for _ in self.connection.execute(WITH_NAMES))

    def read_table(self) -> int:
        """Fetch every row of the table alone, which tells no event's type or stream."""
        return sum(1 for _ in self.connection.execute("SELECT * FROM events ORDER BY position"))

    def read_stream(self, stream_id: str) -> int:
        """Fetch one stream's rows; says how many there were."""
        rows = self.connection.execute(
            "SELECT * FROM events WHERE stream = (SELECT key FROM streams WHERE id = ?) ORDER BY version",
            (stream_id,),
        )
        return len(rows.fetchall())

    def supply(self, count: int) -> None:
        """Make rows for the next appends of all clients."""
        self._rows = iter([rows[0] for rows in self.prepare(1, count)])

    def client(self) -> Callable[[], None]:
        """A writer on a connection of its own: SQLite's busy timeout decides whose turn it is."""
        connection, insert = connect(self.path), self.insert
        self._connections.append(connection)

        def append() -> None:
            row = next(self._rows)
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(insert, row)
            connection.execute("COMMIT")

        return append

    def close(self) -> None:
        """Close everything."""
        for connection in self._connections:
            connection.close()
        self._source.close()


class TunedSubject(RawSubject):
    """The fastest way known: bytearrays are bound 20 times as fast as bytes or NULL, so neither is."""

    def prepare(self, size: int, count: int) -> list[Rows]:
        """The same rows, without their empty columns."""
        work = super().prepare(size, count)
        filled = [index for index, value in enumerate(work[0][0]) if value is not None]
        names = [self.columns[index] for index in filled]
        self.insert = f"INSERT INTO events ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"
        return [[tuple(_bindable(row[index]) for index in filled) for row in rows] for rows in work]


def _bindable(value: Any) -> Any:
    return bytearray(value) if isinstance(value, bytes) else value


class PeeweeSubject(RawSubject):
    """The same rows through the ORM: `Model.insert_many` in a transaction."""

    def __init__(self, source: Path, directory: Path, preload: int = 0) -> None:
        super().__init__(source, directory, preload)
        self._database = peewee.SqliteDatabase(str(self.path), pragmas={"synchronous": "full"})
        fields: dict[str, Any] = {name: peewee.BareField(null=True) for name in self.columns}
        fields["position"] = peewee.BareField(primary_key=True)
        fields["Meta"] = type("Meta", (), {"database": self._database, "table_name": "events"})
        self._model: Any = type("Event", (peewee.Model,), fields)

    def append(self, work: list[Rows]) -> None:
        """One `insert_many` for each list of rows."""
        names = [self._model._meta.fields[name] for name in self.columns]
        for rows in work:
            with self._database.atomic():
                self._model.insert_many(rows, fields=names).execute()

    def close(self) -> None:
        """Close everything."""
        self._database.close()
        super().close()


NAIVE = """
CREATE TABLE events (
    position INTEGER PRIMARY KEY AUTOINCREMENT, event_id TEXT NOT NULL UNIQUE,
    stream_type TEXT NOT NULL, stream_id TEXT NOT NULL, version INTEGER NOT NULL, type TEXT NOT NULL,
    schema_version INTEGER NOT NULL, data TEXT NOT NULL, causation_id TEXT, correlation_id TEXT,
    occurred_at TEXT NOT NULL, recorded_at TEXT NOT NULL, UNIQUE (stream_id, version));
CREATE INDEX events_by_type ON events (type);
"""
"""How one would lay out a log on a first evening: ids and times as text, names spelled out, three indexes."""


def naive_bytes(store: StoreSubject, path: Path) -> int:
    """How large a store's events are in the naive layout."""
    connection = sqlite.connect(path)
    connection.executescript(NAIVE)
    connection.executemany(f"INSERT INTO events VALUES ({', '.join('?' * 12)})", _naive_rows(store))
    connection.commit()
    connection.close()
    return path.stat().st_size


def _naive_rows(store: StoreSubject) -> Iterator[tuple[object, ...]]:
    for event in store.store.read():
        times = timestamp(event.occurred_us), timestamp(event.recorded_us)
        place = event.stream_type, event.stream_id, event.version
        chain = event.causation_id, event.correlation_id
        kind = event.type, event.schema_version
        yield event.position, event.id, *place, *kind, event.row[7].decode(), *chain, *times
