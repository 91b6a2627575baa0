"""The connections to one database file: one that writes, and a few that threads borrow for reading."""

import os
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, NoReturn, TypeVar

from fleet_core.api import FleetError, OutcomeUnknown, Unavailable
from fleet_sqlite.database import (
    BUSY,
    FULL,
    LIBRARY,
    LIBRARY_IS_SAFE,
    Connect,
    Connection,
    connect,
    explained,
    fault,
)
from fleet_sqlite.files import create_private, refuse_network
from fleet_sqlite.lean import peewee
from fleet_sqlite.settings import Settings
from fleet_sqlite.turnstile import Turnstile, doze

T = TypeVar("T")

READERS: Final = 8
"""Most threads that read at the same moment; more than that would only wait for Python itself."""

_CACHE: Final = 8_000
"""Kilobytes of pages that a connection keeps at most; what is not used is not taken."""

_SQLITE_WAIT: Final = 1.0
"""Seconds that SQLite itself waits for a lock. It only meets programs that know nothing of the turnstile."""


_PAUSE: Final = 0.0005
"""Seconds between two attempts while such a program keeps the file locked."""


class Connections:
    """Opens a file, creating it when need be, and hands out its connections. Safe to use from several
    threads."""

    def __init__(self, path: Path, settings: Settings, connect: Connect = connect) -> None:
        refuse_network(path.parent)
        create_private(path)
        self.path = path
        self._settings = settings
        self._connect = connect
        self._process = os.getpid()
        self._closed = False
        self._turnstile = Turnstile(path.with_suffix(".lock"))
        self._lock = threading.Lock()
        self._writer: peewee.SqliteDatabase | None = None
        self._cursor: Any = None
        self._readers: list[peewee.SqliteDatabase] = []
        self._seats = threading.BoundedSemaphore(READERS)
        self._join()

    def _join(self) -> None:
        if self._turnstile.join(alone=not LIBRARY_IS_SAFE):
            return
        self._turnstile.close()
        raise Unavailable(
            f"{self.path} is open in another process, and a SQLite older than 3.51.3 (here or there,"
            f" {LIBRARY} here)"
            " can damage a database that several processes write",
            remedy="install a current library with 'pip install --upgrade pysqlite3', or use one process at"
            " a time",
            path=str(self.path),
        )

    @property
    def is_forked(self) -> bool:
        """Whether this process is a child of the one that opened the file."""
        return self._process != os.getpid()

    def check_open(self) -> None:
        """Accept a call.

        Raises:
            Unavailable: the store is closed, or it was opened by another process from which this one was
            forked.
        """
        if self._closed:
            raise Unavailable(f"the store {self.path.name} is closed", remedy="open it again")
        if self.is_forked:
            raise Unavailable(
                f"the store {self.path.name} was opened by process {self._process}, which this one was"
                " forked from",
                remedy="open the store after forking; SQLite's connections must not be shared between"
                " processes",
            )

    def read(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        """All rows of a query, as last committed. No cursor stays open: it would keep the write-ahead
        log growing."""
        self.check_open()
        with self._seats:
            database = self._borrow()
            try:
                rows: list[Any] = database.connection().execute(sql, parameters).fetchall()
            except BaseException as error:
                _close(database)
                self._raise_explained(error)
            self._readers.append(database)
            if self._closed:
                self._close_readers()
            return rows

    def _borrow(self) -> peewee.SqliteDatabase:
        try:
            return self._readers.pop()
        except IndexError:
            return self._open(query_only=1)

    def transaction(self, work: Callable[[Connection], T], committed: Callable[[T], None] | None = None) -> T:
        """Do `work` as the only writer there is, commit it, then tell `committed`, still before the next
        writer.

        Raises:
            Unavailable: others did not make way, or the disk refused; nothing was changed.
            OutcomeUnknown: the commit itself failed.
        """
        deadline = time.monotonic() + self._settings.busy_timeout
        with self._lock:
            self.check_open()
            try:
                self._turnstile.enter(deadline)
                connection = self._patiently(self._begin, deadline)
                result = work(connection)
                self._commit(connection)
                if committed is not None:
                    committed(result)
                return result
            except BaseException as error:
                if fault(error) is not None:
                    self._drop_writer()
                self._roll_back()
                self._raise_explained(error)
            finally:
                self._turnstile.leave()

    def _raise_explained(self, error: BaseException) -> NoReturn:
        ours = explained(error, self.path)
        if ours is None:
            raise error
        raise ours from error

    def _begin(self) -> Connection:
        if self._writer is None:
            self._writer = self._open(**self._durability())
            self._cursor = self._writer.connection().cursor()
        cursor: Connection = self._cursor
        cursor.execute("BEGIN IMMEDIATE")
        return cursor

    def _patiently(self, attempt: Callable[[], T], deadline: float) -> T:
        while True:
            try:
                return attempt()
            except Exception as error:
                if fault(error) != BUSY or time.monotonic() >= deadline:
                    self._raise_explained(error)
            doze(_PAUSE)

    def _roll_back(self) -> None:
        """End a transaction that was not committed, whatever kept it from that."""
        if self._writer is None:
            return
        connection = self._writer.connection()
        if connection.in_transaction:
            try:
                connection.execute("ROLLBACK")
            except Exception:
                self._drop_writer()

    def _commit(self, connection: Connection) -> None:
        try:
            connection.execute("COMMIT")
        except Exception as error:
            self._drop_writer()
            if fault(error) in (FULL, BUSY):
                self._raise_explained(error)
            raise OutcomeUnknown(
                f"writing {self.path.name} failed at the commit ({error}): it is open whether the events"
                " are recorded",
                remedy="look after the disk; then look the ids up, or send the same events with the same"
                " ids again",
                path=str(self.path),
            ) from error

    def _drop_writer(self) -> None:
        # After an error SQLite's idea of the file may be wrong; a new connection reads it anew.
        database, self._writer, self._cursor = self._writer, None, None
        if database is not None:
            _close(database)

    @property
    def synchronous(self) -> str:
        """How durable a commit is, in SQLite's word."""
        return self._settings.unsafe_synchronous or "full"

    def _durability(self) -> dict[str, object]:
        return {
            "synchronous": self.synchronous,
            "wal_autocheckpoint": self._settings.wal_autocheckpoint,
        }

    def _open(self, **pragmas: object) -> peewee.SqliteDatabase:
        try:
            return self._connect(
                self.path,
                {"trusted_schema": 0, "cell_size_check": 1, "cache_size": -_CACHE, **pragmas},
                min(_SQLITE_WAIT, self._settings.busy_timeout),
            )
        except Exception as error:
            self._raise_explained(error)

    def set_up(self, work: Callable[[peewee.SqliteDatabase], T]) -> T:
        """Do `work` on a connection of its own, as the only process of fleet that writes. For migrations."""
        with self._lock:
            try:
                deadline = time.monotonic() + self._settings.busy_timeout
                self._turnstile.enter(deadline)
                database = self._patiently(
                    lambda: self._open(journal_mode="wal", **self._durability()), deadline
                )
                try:
                    return work(database)
                except Exception as error:
                    self._raise_explained(error)
                finally:
                    _close(database)
            finally:
                self._turnstile.leave()

    def close(self) -> None:
        """Close everything; safe to call twice. In a forked child nothing is touched: it is its parent's."""
        if self.is_forked:
            return
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._drop_writer()
            self._close_readers()
            self._turnstile.close()

    def _close_readers(self) -> None:
        while self._readers:
            _close(self._readers.pop())


def _close(database: peewee.SqliteDatabase) -> None:
    try:
        database.close()
    except Exception as error:
        if isinstance(error, FleetError) or fault(error) is None:
            raise
