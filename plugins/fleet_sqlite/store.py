"""The SQLite event store: wires reading, appending, group commit, read tables and the head witness together."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice, repeat
from pathlib import Path
from typing import Any, Final

from fleet_core.api import (
    ALL,
    Appended,
    Batch,
    Clock,
    Condition,
    EventCodec,
    FleetError,
    OutcomeUnknown,
    Query,
    Recorded,
    StoreInfo,
    Unavailable,
    Verification,
    check_batches,
    checked,
    id_text,
)
from fleet_sqlite import reading
from fleet_sqlite.appending import Appender, Request, Row
from fleet_sqlite.connections import Connections
from fleet_sqlite.database import Connect, Connection, connect, fault
from fleet_sqlite.group import GroupCommit
from fleet_sqlite.migrations import Migration, migrate, shipped
from fleet_sqlite.settings import Settings
from fleet_sqlite.tables import ReadTables
from fleet_sqlite.witness import Witness

_HEAD: Final = "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'events'), 0)"

_SHORTEST_PAUSE: Final = 0.005
_LONGEST_PAUSE: Final = 0.2
"""Seconds between two looks for what other processes recorded."""


def open_store(
    settings: dict[str, Any], codec: EventCodec, clock: Clock, directory: Path, origin: str
) -> "SqliteStore":
    """Open the store that settings describe; relative paths start at the project's directory."""
    chosen = checked(settings, Settings, origin)
    return SqliteStore(directory / chosen.path, codec, clock, chosen)


class SqliteStore(ReadTables):
    """A log of events in one SQLite file. Safe to use from several threads and processes on one machine."""

    inline = True

    def __init__(
        self,
        path: Path,
        codec: EventCodec,
        clock: Clock,
        settings: Settings = Settings(),
        *,
        connect: Connect = connect,
        migrations: Sequence[Migration] | None = None,
    ) -> None:
        connections = Connections(path.absolute(), settings, connect)
        super().__init__(connections, codec)
'''
'''
