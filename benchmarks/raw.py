"""Other ways to put a store's rows into SQLite than the one that is the limit, and a naive layout."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import peewee
from pysqlite3 import dbapi2 as sqlite  # type: ignore[import-untyped]

from fleet_bench.limits.sqlite import Rows, SqliteDriver
from fleet_bench.schedule import Write
from fleet_bench.stores import StoreContestant
from fleet_core.times import timestamp


class TunedDriver(SqliteDriver):
    """The fastest way known: bytearrays are bound 20 times as fast as bytes or NULL, so neither is."""

    def ready(self, writes: Sequence[Write]) -> list[Rows]:
        """The same rows, without their empty columns."""
        work = super().ready(writes)
        filled = [index for index, value in enumerate(work[0][0]) if value is not None]
        names = [self.columns[index] for index in filled]
        self.insert = f"INSERT INTO events ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"
        return [[tuple(_bindable(row[index]) for index in filled) for row in rows] for rows in work]


def _bindable(value: Any) -> Any:
    return bytearray(value) if isinstance(value, bytes) else value


class PeeweeModel(SqliteDriver):
    """The same rows through the ORM: `Model.insert_many` in a transaction."""

    def __init__(self, directory: Path, preload: int = 0, *, source: Path) -> None:
        super().__init__(directory, preload, source=source)
        self._database = peewee.SqliteDatabase(str(self.path), pragmas={"synchronous": "full"})
        fields: dict[str, Any] = {name: peewee.BareField(null=True) for name in self.columns}
        fields["position"] = peewee.BareField(primary_key=True)
        fields["Meta"] = type("Meta", (), {"database": self._database, "table_name": "events"})
        self._model: Any = type("Event", (peewee.Model,), fields)

    def append(self, call: Rows) -> None:
        """One `insert_many`."""
        names = [self._model._meta.fields[name] for name in self.columns]
        with self._database.atomic():
            self._model.insert_many(call, fields=names).execute()

    def close(self) -> int | None:
        """Close everything."""
        self._database.close()
        return super().close()


def read_table(driver: SqliteDriver) -> int:
    """Fetch every row of the table alone, which tells no event's type or stream; says how many there were."""
    return sum(1 for _ in driver.connection.execute("SELECT * FROM events ORDER BY position"))


NAIVE = """
CREATE TABLE events (
    position INTEGER PRIMARY KEY AUTOINCREMENT, event_id TEXT NOT NULL UNIQUE,
    stream_type TEXT NOT NULL, stream_id TEXT NOT NULL, version INTEGER NOT NULL, type TEXT NOT NULL,
    schema_version INTEGER NOT NULL, data TEXT NOT NULL, causation_id TEXT, correlation_id TEXT,
    occurred_at TEXT NOT NULL, recorded_at TEXT NOT NULL, UNIQUE (stream_id, version));
CREATE INDEX events_by_type ON events (type);
"""
"""How one would lay out a log on a first evening: ids and times as text, names spelled out, three indexes."""


def naive_bytes(store: StoreContestant, path: Path) -> int:
    """How large a store's events are in the naive layout."""
    connection = sqlite.connect(path)
    connection.executescript(NAIVE)
    connection.executemany(f"INSERT INTO events VALUES ({', '.join('?' * 12)})", _naive_rows(store))
    connection.commit()
    connection.close()
    return path.stat().st_size


def _naive_rows(store: StoreContestant) -> Iterator[tuple[object, ...]]:
    for event in store.store.read():
        times = timestamp(event.occurred_us), timestamp(event.recorded_us)
        place = event.stream_type, event.stream_id, event.version
        chain = event.causation_id, event.correlation_id
        kind = event.type, event.schema_version
        yield event.position, event.id, *place, *kind, event.row[7].decode(), *chain, *times
