"""Wake-ups between processes by NOTIFY: outside the append's transaction, and not for every append.

NOTIFY inside it would make all commits in the cluster queue for one lock, each with its wait for the disk.
Here a process tells the others on its own, at most ten times a second, without waiting for a disk; whoever is
woken looks often for a while, and so finds what was recorded in between.
"""

import os
import select
import threading
import time
from collections.abc import Callable
from typing import Final

from fleet_core.api import FleetError
from fleet_postgres.connections import Connections
from fleet_postgres.database import Database, of_driver
from fleet_postgres.statements import Statement

PAUSE: Final = 0.1
"""Seconds between two wake-ups that one process sends."""


class Waker:
    """Tells other processes that there is something new."""

    def __init__(self, connections: Connections, channel: str) -> None:
        self._connections = connections
        self._notify = Statement(
            f"SELECT set_config('synchronous_commit', 'off', true), pg_notify('{channel}', '')"
        )
        self._due = 0.0

    def wake(self) -> None:
        """Wake who waits, unless that was done just now. What goes wrong is nobody's concern."""
        now = time.monotonic()
        if now < self._due:
            return
        self._due = now + PAUSE
        try:
            with self._connections.writer(self._connections.deadline()) as database:
                self._notify.ask(database.wire)
        except Exception as error:
            if not isinstance(error, FleetError) and not of_driver(error):
                raise


class Listener:
    """A thread that hears what other processes tell, on a connection of its own, from the first wait on."""

    def __init__(self, connections: Connections, channel: str, heard: Callable[[], None]) -> None:
        self._connections = connections
        self._listen = f"LISTEN {channel}"
        self._heard = heard
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closing, self._close = os.pipe()

    def start(self) -> None:
        """Listen from now on; nothing happens when it does already."""
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="fleet-postgres-ear", daemon=True)
                self._thread.start()

    def _work(self) -> None:
        try:
            database = self._connections.dedicated()
            try:
                self._hear(database)
            finally:
                database.wire.close()
        except Exception as error:
            if not isinstance(error, FleetError) and not of_driver(error):
                raise
        finally:
            # Another wait may start it again; until then looking now and then must do.
            self._thread = None

    def _hear(self, database: Database) -> None:
        wire = database.wire
        wire.execute(self._listen)
        self._heard()
        while True:
            ready, _, _ = select.select([wire.fileno(), self._closing], [], [])
            if self._closing in ready:
                return
            wire.pgconn.consume_input()
            while wire.pgconn.notifies() is not None:
                self._heard()

    def close(self) -> None:
        """End the thread; safe to call once."""
        thread = self._thread
        os.close(self._close)
        if thread is not None:
            thread.join()
        os.close(self._closing)
