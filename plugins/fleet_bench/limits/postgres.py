"""The limit of PostgreSQL: psycopg alone, putting the store's own rows into a table like the store's own.

The rows were written by the PostgreSQL store before, to a schema of its own while no clock ran; the table is
made like the store's, with its indexes and without its triggers. Nothing orders the writers, so readers that
follow such a log miss events; the variant under one global lock is the simplest one that is right.
"""

import secrets
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import sql

from fleet_bench.contestants import Door
from fleet_bench.limits.pool import Pool
from fleet_bench.schedule import STREAM_TYPE, Schedule, Write
from fleet_bench.stores import StoreContestant
from fleet_core.api import Maintenance, Unavailable

Rows = list[tuple[Any, ...]]

STORE: Final = "postgres"


def dsn_of(settings: Mapping[str, Any]) -> str:
    """Where the store's database is.

    Raises:
        Unavailable: the settings don't say.
    """
    dsn: str | None = settings.get("dsn")
    if dsn is None:
        raise Unavailable(
            "the driver of PostgreSQL is not told where the database is",
            remedy="say so with --setting postgres.dsn=..., or FLEET_PLUGINS__POSTGRES__DSN",
        )
    return dsn


def new_schema() -> str:
    """The name of a schema that nobody uses."""
    return f"fleet_bench_{secrets.token_hex(4)}"


def drop(dsn: str, schema: str) -> None:
    """Remove a schema with everything in it."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(schema)))


class PostgresStore(StoreContestant):
    """The PostgreSQL store in a schema of its own, which goes away with it."""

    def __init__(
        self, name: str, directory: Path, preload: int = 0, settings: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(name, directory, preload, settings)
        assert isinstance(self.store, Maintenance)
        self.schema: str = self.store.info().details["schema"]
        self._dsn = (settings or {}).get("dsn")

    def close(self) -> int | None:
        """See `Contestant`."""
        size = super().close()
        if self._dsn is not None:
            drop(self._dsn, self.schema)
        return size


class DriverClient:
    """A connection of one's own, to put single rows into a table."""

    def __init__(self, dsn: str, insert: str) -> None:
        self._connection = _connected(dsn)
        self._insert = insert.encode()

    def append(self, call: Rows) -> None:
        """Insert one row."""
        self._connection.execute(self._insert, call[0], binary=True)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def _connected(dsn: str) -> "psycopg.Connection[Any]":
    return psycopg.connect(dsn, autocommit=True, prepare_threshold=0)


class PostgresDriver:
    """Rows through the bare driver: one in autocommit, several with COPY. Each thread has a connection."""

    def __init__(
        self, directory: Path, preload: int = 0, settings: Mapping[str, Any] | None = None, *, source: Path
    ) -> None:
        self._dsn = dsn_of(settings or {})
        self._source = PostgresStore(STORE, source, preload, settings)
        self._from = sql.Identifier(self._source.schema, "events")
        self._streams = sql.Identifier(self._source.schema, "streams")
        self.schedule: Schedule = self._source.schedule
        self._schema = new_schema()
        self._table = sql.Identifier(self._schema, "events")
        self._copy = sql.SQL("COPY {} FROM STDIN (FORMAT BINARY)").format(self._table)
        self._position = self._source.head()
        self._pool = Pool(self._connect)
        self.connection = self._connect()
        try:
            self._make_table(self.connection)
        except BaseException:
            self.close()
            raise

    def _make_table(self, connection: "psycopg.Connection[Any]") -> None:
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(self._schema)))
        connection.execute(sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING ALL)").format(self._table, self._from))
        connection.execute(sql.SQL("INSERT INTO {} SELECT * FROM {}").format(self._table, self._from))
        columns = connection.execute(sql.SQL("SELECT * FROM {} LIMIT 0").format(self._table)).description
        assert columns is not None
        self._types = [column.type_code for column in columns]
        self._insert = self._inserting([column.name for column in columns])

    def _connect(self) -> "psycopg.Connection[Any]":
        return _connected(self._dsn)

    def _inserting(self, names: Sequence[str]) -> sql.Composed:
        columns = sql.SQL(", ").join(map(sql.Identifier, names))
        values = sql.SQL(", ").join([sql.Placeholder()] * len(names))
        return sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(self._table, columns, values)

    def ready(self, writes: Sequence[Write]) -> list[Rows]:
        """See `Appending`: the rows of the writes, as the store writes them."""
        self._source.append_at_once(writes)
        find = sql.SQL("SELECT * FROM {} WHERE position > %s ORDER BY position").format(self._from)
        rows = iter(self.connection.execute(find, (self._position,), binary=True).fetchall())
        self._position = self._source.head()
        return [[next(rows) for _ in write.events] for write in writes]

    def door(self) -> Door:
        """See `Joinable`."""
        return partial(DriverClient, self._dsn, self._insert.as_string())

    def append(self, call: Rows) -> None:
        """See `Appending`."""
        with self._pool.borrowed() as connection:
            if len(call) == 1:
                connection.execute(self._insert, call[0], binary=True)
                return
            with connection.cursor().copy(self._copy) as copy:
                copy.set_types(self._types)
                for row in call:
                    copy.write_row(row)

    def read_stream(self, stream_id: str) -> int:
        """See `Reading`: rows, nothing decoded."""
        find = sql.SQL(
            "SELECT * FROM {} WHERE stream = (SELECT key FROM {} WHERE type = %s AND id = %s) "
            "ORDER BY version"
        ).format(self._table, self._streams)
        return len(self.connection.execute(find, (STREAM_TYPE, stream_id), binary=True).fetchall())

    def read_log(self) -> int:
        """See `Reading`: every row with the names it refers to."""
        find = sql.SQL(
            "SELECT e.*, s.type, s.id FROM {} e JOIN {} s ON s.key = e.stream ORDER BY e.position"
        ).format(self._table, self._streams)
        return sum(1 for _ in self.connection.execute(find, binary=True))

    def events(self) -> int:
        """See `Contestant`."""
        count = sql.SQL("SELECT count(*) FROM {}").format(self._table)
        [(events,)] = self.connection.execute(count).fetchall()
        return events  # type: ignore[no-any-return]

    def close(self) -> int | None:
        """See `Contestant`."""
        size = "SELECT coalesce(pg_total_relation_size(to_regclass(%s)), 0)"
        [(taken,)] = self.connection.execute(size, (f"{self._schema}.events",)).fetchall()
        self._pool.close()
        self.connection.close()
        drop(self._dsn, self._schema)
        self._source.close()
        return taken  # type: ignore[no-any-return]


class PostgresDriverUnderOneLock(PostgresDriver):
    """The same, with one lock for all writers, in the same round trip."""

    def _inserting(self, names: Sequence[str]) -> sql.Composed:
        columns = sql.SQL(", ").join(map(sql.Identifier, names))
        values = sql.SQL(", ").join([sql.Placeholder()] * len(names))
        lock = secrets.randbits(31)
        return sql.SQL(
            "WITH turn AS MATERIALIZED (SELECT pg_advisory_xact_lock({lock})) "
            "INSERT INTO {table} ({columns}) SELECT {values} FROM turn"
        ).format(lock=sql.Literal(lock), table=self._table, columns=columns, values=values)
