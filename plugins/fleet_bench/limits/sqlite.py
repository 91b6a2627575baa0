"""The limit of SQLite: the driver alone, on the same library, putting the store's rows into its tables.

Every database here starts as a copy of one that the SQLite store made, and every row written to it was
written by that store before, to a source of its own while no clock ran. So schema, indexes and bytes are the
store's and can't drift from it; what the driver is spared is deciding, encoding, hashing and answering.
Links from causes to events are made as often as the store makes them, except by concurrent clients, which
leave them out.
"""

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from fleet_bench.limits.pool import Pool
from fleet_bench.schedule import Schedule, Write
from fleet_bench.stores import PAGE, StoreContestant, bytes_below
from fleet_core.api import Maintenance
from fleet_sqlite.api import Links, bare_connection

Rows = list[tuple[Any, ...]]

STORE: Final = "sqlite"

CARELESS: Final = {"unsafe_synchronous": "off"}
"""Settings of the source: nobody waits for it."""

WITH_NAMES: Final = """
SELECT events.*, streams.type, streams.id, types.name FROM events
CROSS JOIN streams ON streams.key = events.stream CROSS JOIN types ON types.key = events.type
WHERE position > ? ORDER BY position LIMIT ?
"""

EVERYTHING: Final = (0, -1)


class SqliteDriver:
    """Rows through the bare driver: one in autocommit, several with `executemany` in a transaction.

    Each thread writes on a connection of its own: SQLite's busy timeout decides whose turn it is.
    """

    def __init__(
        self, directory: Path, preload: int = 0, settings: Mapping[str, Any] | None = None, *, source: Path
    ) -> None:
        """`directory` is the place under measurement, `source` one where the rows come from."""
        self._settings = dict(settings or {})
        self._source = StoreContestant(STORE, source, preload, CARELESS)
        assert isinstance(self._source.store, Maintenance)
        self._reader = bare_connection(Path(self._source.store.info().path), CARELESS)
        self.schedule: Schedule = self._source.schedule
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self.path = directory / "raw.db"
        self.connection = self.connect()
        self._reader.backup(self.connection)
        self.columns = [row[1] for row in self._reader.execute("PRAGMA table_info (events)")]
        places = ", ".join("?" * len(self.columns))
        self.insert = f"INSERT INTO events ({', '.join(self.columns)}) VALUES ({places})"
        self._position = self._source.head()
        self._links = Links()
        self._home = threading.get_ident()
        self._pool = Pool(self.connect)

    def connect(self) -> Any:
        """One more connection to the database under measurement."""
        return bare_connection(self.path, self._settings)

    def ready(self, writes: Sequence[Write]) -> list[Rows]:
        """See `Appending`: the rows of the writes, as the store writes them."""
        self._source.append_at_once(writes)
        rows = iter(
            self._reader.execute(
                "SELECT * FROM events WHERE position > ? ORDER BY position", (self._position,)
            ).fetchall()
        )
        self._position = self._source.head()
        self._name_streams()
        return [[next(rows) for _ in write.events] for write in writes]

    def _name_streams(self) -> None:
        """Bring over the names of streams that have begun; reads join them."""
        [(known,)] = self.connection.execute("SELECT max(key) FROM streams").fetchall()
        new = self._reader.execute("SELECT * FROM streams WHERE key > ?", (known or 0,)).fetchall()
        if new:
            places = ", ".join("?" * len(new[0]))
            self.connection.execute("BEGIN IMMEDIATE")
            self.connection.executemany(f"INSERT INTO streams VALUES ({places})", new)
            self.connection.execute("COMMIT")

    def append(self, call: Rows) -> None:
        """See `Appending`. Links are made in bulk, as the store makes them."""
        if threading.get_ident() != self._home:
            self.append_beside_others(call)
            return
        if len(call) == 1:
            self.connection.execute(self.insert, call[0])
        else:
            self.connection.execute("BEGIN IMMEDIATE")
            self.connection.executemany(self.insert, call)
            self.connection.execute("COMMIT")
        self._links.keep_up(self.connection, call[-1][0])

    def append_beside_others(self, rows: Rows) -> None:
        """One durable append, on a connection of its own."""
        with self._pool.borrowed() as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(self.insert, rows)
            connection.execute("COMMIT")

    def read_stream(self, stream_id: str) -> int:
        """See `Reading`: rows, nothing decoded."""
        rows = self.connection.execute(
            "SELECT * FROM events WHERE stream = (SELECT key FROM streams WHERE id = ?) ORDER BY version",
            (stream_id,),
        )
        return len(rows.fetchall())

    def read_log(self) -> int:
        """See `Reading`: every row with the names it refers to."""
        return sum(1 for _ in self.connection.execute(WITH_NAMES, EVERYTHING))

    def head(self) -> int:
        """The position of the last event."""
        return self.connection.execute("SELECT max(position) FROM events").fetchone()[0]  # type: ignore[no-any-return]

    def tail(self, after: int, timeout: float) -> list[int]:
        """Rows beyond a position. There is nothing to wait by."""
        return [row[0] for row in self.connection.execute(WITH_NAMES, (after, PAGE))]

    def events(self) -> int:
        """See `Contestant`."""
        return self.connection.execute("SELECT count(*) FROM events").fetchone()[0]  # type: ignore[no-any-return]

    def close(self) -> int | None:
        """See `Contestant`."""
        self._pool.close()
        self.connection.close()
        self._reader.close()
        self._source.close()
        return bytes_below(self.directory)
