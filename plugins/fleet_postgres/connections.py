"""The connections to one database: one that writes, and a few that threads borrow for reading.

A connection that broke is replaced, with growing pauses, until the caller's deadline; whoever was never let
in is told at once.
"""

import os
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from fleet_core.api import Unavailable
from fleet_postgres.database import REFUSED, Address, Connection, Database, explained, is_lost
from fleet_postgres.settings import Settings
from fleet_postgres.statements import Statement

T = TypeVar("T")

SHORTEST_PAUSE: Final = 0.02
LONGEST_PAUSE: Final = 1.0
"""Seconds between two attempts to connect again; in between they double."""


class Connections:
    """Logs in when a connection is first needed. Safe to use from several threads."""

    def __init__(self, address: Address, settings: Settings) -> None:
        self.address = address
        self.settings = settings
        self._process = os.getpid()
        self._closed = False
        self._was_connected = False
        self._takes_settings = True
        self._writing = threading.Lock()
        self._writer: Database | None = None
        self._readers: list[Database] = []
        self._seats = threading.BoundedSemaphore(settings.pool)

    @property
    def is_forked(self) -> bool:
        """Whether this process is a child of the one that opened the store."""
        return self._process != os.getpid()

    @property
    def patience(self) -> int:
        """Milliseconds to wait for a lock, for statements to say themselves; 0 when the session says it."""
        return 0 if self._takes_settings else _milliseconds(self.settings.lock_timeout)

    def deadline(self) -> float:
        """When a call that begins now gives up, by the monotonic clock."""
        return time.monotonic() + self.settings.deadline

    def check_open(self) -> None:
        """Accept a call.

        Raises:
            Unavailable: the store is closed, or was opened by the process from which this one was forked.
        """
        if self._closed:
            raise Unavailable(f"the store in {self.address} is closed", remedy="open it again")
        if self.is_forked:
            raise Unavailable(
                f"the store in {self.address} was opened by process {self._process}, which this one was"
                " forked from",
                remedy="open the store after forking; two processes can't share a connection",
            )

    def read(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        """All rows of a query, as last committed; asked again when the connection breaks."""

        def fetch(connection: Connection) -> list[Any]:
            return connection.cursor(binary=True).execute(sql, values or None).fetchall()

        return self.patiently(lambda deadline: self._read(fetch, deadline))

    def ask(self, statement: Statement) -> int:
        """The number that a statement of the hot path gives; asked again when the connection breaks."""
        [number] = self.patiently(lambda deadline: self._read(statement.ask, deadline))
        return int(number)

    def _read(self, fetch: Callable[[Connection], T], deadline: float) -> T:
        with self._seats:
            self.check_open()
            database = self._readers.pop() if self._readers else self._open(deadline)
            try:
                database.wire.deadline = deadline
                found = fetch(database.wire)
            except BaseException:
                _close(database)
                raise
            self._readers.append(database)
            if self._closed:
                self._close_readers()
            return found

    def patiently(self, attempt: Callable[[float], T]) -> T:
        """Try, and try again when the connection breaks; the attempt is told its deadline.

        Raises:
            Unavailable: it broke until the deadline, or whatever the server refuses.
        """
        deadline = self.deadline()
        pause = SHORTEST_PAUSE
        while True:
            try:
                return attempt(deadline)
            except Exception as error:
                if not self.may_try_again(error, deadline):
                    raise explained(error, self.address) or error from error
            doze(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    def may_try_again(self, error: BaseException, deadline: float) -> bool:
        """Whether this error is one that another connection may be spared, and there is time for one."""
        return is_lost(error) and self._was_connected and time.monotonic() < deadline

    @contextmanager
    def writer(self, deadline: float) -> Iterator[Database]:
        """The connection that writes, for one thread at a time. What is begun and not committed is undone."""
        with self._writing:
            self.check_open()
            try:
                if self._writer is None:
                    self._writer = self._open(deadline)
                self._writer.wire.deadline = deadline
                yield self._writer
            except BaseException as error:
                if self._writer is not None and (is_lost(error) or not _is_idle(self._writer)):
                    self._drop_writer()
                raise

    def transaction(self, work: Callable[[Connection], T]) -> T:
        """Do `work` in one transaction; again when the connection breaks, so it must bear that.

        Raises:
            Unavailable: the server can't be reached, or did not make way.
        """

        def attempt(deadline: float) -> T:
            with self.writer(deadline) as database, database.atomic():
                return work(database.wire)

        return self.patiently(attempt)

    def dedicated(self) -> Database:
        """A connection of one's own, without a deadline, to be closed by who asked for it."""
        self.check_open()
        database = self._open(self.deadline())
        database.wire.deadline = float("inf")
        return database

    def _open(self, deadline: float) -> Database:
        try:
            return self._connected(deadline)
        except Exception as error:
            if REFUSED not in str(error) or not self._takes_settings:
                raise
            self._takes_settings = False
            return self._connected(deadline)

    def _connected(self, deadline: float) -> Database:
        settings = self.settings
        startup = (
            f"statement_timeout={_milliseconds(settings.statement_timeout)}",
            f"lock_timeout={_milliseconds(settings.lock_timeout)}",
        )
        address = Address({"connect_timeout": settings.connect_timeout, **self.address.parameters})
        database = Database(address, deadline, startup if self._takes_settings else ())
        database.connect()
        self._was_connected = True
        return database

    def _drop_writer(self) -> None:
        database, self._writer = self._writer, None
        if database is not None:
            _close(database)

    def close(self) -> None:
        """Close everything; safe to call twice. In a forked child nothing is touched: it is its parent's."""
        if self.is_forked:
            return
        with self._writing:
            self._closed = True
            self._drop_writer()
            self._close_readers()

    def _close_readers(self) -> None:
        while self._readers:
            _close(self._readers.pop())


def doze(seconds: float) -> None:
    """Sleep about so long, and never twice the same: nobody is to march in step."""
    time.sleep(seconds * random.uniform(0.5, 1.5))


def _milliseconds(seconds: float) -> int:
    return max(1, round(seconds * 1000))


def _is_idle(database: Database) -> bool:
    from psycopg.pq import TransactionStatus

    status: int = database.wire.pgconn.transaction_status
    return status == TransactionStatus.IDLE


def _close(database: Database) -> None:
    # The driver's own close: peewee's would first wait for a lock that a broken connection may hold.
    try:
        database.wire.close()
        database.close()
    except Exception as error:
        if not is_lost(error) and explained(error, Address({})) is None:
            raise
