"""A SQLite database whose statements a test can hold up, count or make fail, beneath the real store."""

import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import peewee

from fleet_sqlite.database import Database
from fleet_sqlite.store import SqliteStore

DEADLINE: Final = 30.0

Watch = Callable[[str], None]
"""Told each statement before it runs; may wait, and may raise what SQLite would."""


class _Watched:
    def __init__(self, connection: Any, watch: Watch) -> None:
        self._connection = connection
        self._watch = watch

    @property
    def in_transaction(self) -> bool:
        return bool(self._connection.in_transaction)

    def cursor(self) -> "_Watched":
        return _Watched(self._connection.cursor(), self._watch)

    def execute(self, sql: str, *parameters: Any) -> Any:
        self._watch(sql)
        return self._connection.execute(sql, *parameters)

    def executemany(self, sql: str, parameters: Any) -> Any:
        self._watch(sql)
        return self._connection.executemany(sql, parameters)


class _WatchedDatabase(Database):
    watch: Watch

    def connection(self) -> Any:
        return _Watched(super().connection(), self.watch)  # type: ignore[no-untyped-call]


def watched_by(watch: Watch) -> Callable[[Path, Mapping[str, object], float], peewee.SqliteDatabase]:
    """Connections that tell `watch` of every statement."""

    def connect(path: Path, pragmas: Mapping[str, object], timeout: float) -> peewee.SqliteDatabase:
        database = _WatchedDatabase(path, pragmas, timeout)
        database.watch = watch
        database.connect()
        return database

    return connect


class Gate:
    """Holds the next commit up until it is opened, and counts commits."""

    def __init__(self) -> None:
        self.commits = 0
        self._closed = False
        self._reached = threading.Event()
        self._opened = threading.Event()

    def __call__(self, sql: str) -> None:
        if sql == "COMMIT":
            self.commits += 1
            if self._closed:
                self._closed = False
                self._reached.set()
                assert self._opened.wait(DEADLINE)

    def close(self) -> None:
        """Hold up the next commit."""
        self._closed = True

    def reached(self) -> None:
        """Wait until somebody stands at the gate."""
        assert self._reached.wait(DEADLINE)

    def open(self) -> None:
        """Let it through."""
        self._opened.set()


def queued(store: SqliteStore, count: int) -> None:
    """Wait until so many appends are in the queue; the writer thread has taken one of them."""
    deadline = time.monotonic() + DEADLINE
    while store._group._queue.qsize() < count - 1:
        assert time.monotonic() < deadline
