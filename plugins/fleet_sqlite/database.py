"""The one place that imports an SQLite library: two in one process drop each other's locks on a file.

It is the one in the wheel of `pysqlite3`, because that of the standard library is often old enough to damage
a database.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

from pysqlite3 import dbapi2 as driver  # type: ignore[import-untyped]

from fleet_core.api import Damaged, FleetError, Unavailable
from fleet_sqlite.lean import peewee

LIBRARY: Final[str] = driver.sqlite_version

BUSY: Final = 5
IO_ERROR: Final = 10
CORRUPT: Final = 11
FULL: Final = 13
CONSTRAINT: Final = 19
NOT_A_DATABASE: Final = 26
_VAGUE: Final = 1
"""SQLite's result codes (https://www.sqlite.org/rescode.html); the last one means no more than "error"."""


class Connection(Protocol):
    """What is used of a driver's connection, or of a cursor: a connection makes a new one for each statement,
    which costs more than a small statement itself.

    SQL goes straight to it where speed matters: it is as fast as the bare driver, while peewee's
    `execute_sql` reaches two thirds of that and its models a tenth."""

    def execute(self, sql: str, parameters: Sequence[Any] = ..., /) -> Any:
        """Run one statement; gives a cursor."""
        ...

    def executemany(self, sql: str, parameters: Any, /) -> Any:
        """Run one statement for each row of parameters."""
        ...


class Connect(Protocol):
    """Makes a connected peewee database that exists already. Injected, so that tests can put a recording file
    system beneath the very same store."""

    def __call__(self, path: Path, pragmas: Mapping[str, object], timeout: float) -> peewee.SqliteDatabase:
        """Connect; `timeout` is how many seconds SQLite itself waits for a lock."""
        ...


class Database(peewee.SqliteDatabase):
    """peewee's, on our library even where the standard library's is newer, and without SQL functions in
    Python.

    One connection belongs to one object, which several threads may use in turn: peewee's own way, a
    connection for each thread, would leave one open for every thread that ever came by.
    """

    server_version = driver.sqlite_version_info

    def __init__(self, path: Path, pragmas: Mapping[str, object], timeout: float) -> None:
        super().__init__(
            f"{path.as_uri()}?mode=rw",
            timeout=timeout,
            lock_type="IMMEDIATE",
            autoconnect=False,
            thread_safe=False,
        )
        self._settled = [f"PRAGMA {name} = {value}" for name, value in pragmas.items()]

    def _connect(self) -> Any:
        connection = driver.connect(
            self.database, self.timeout, isolation_level=None, check_same_thread=False, uri=True
        )
        try:
            for pragma in self._settled:
                connection.execute(pragma)
        except BaseException:
            connection.close()
            raise
        return connection


def connect(path: Path, pragmas: Mapping[str, object], timeout: float) -> peewee.SqliteDatabase:
    """Connect to an existing file."""
    database = Database(path, pragmas, timeout)
    database.connect()
    return database


def bindable(value: Any) -> Any:
    """A value as the driver binds it soonest.

    For bytes it looks for adapters each time, which costs two microseconds; for a bytearray it does not.
    """
    return bytearray(value) if type(value) is bytes else value


def is_complete(sql: str) -> bool:
    """Whether a text ends where a statement ends; the body of a trigger has semicolons that end none."""
    complete: bool = driver.complete_statement(sql)
    return complete


def is_safe(version: tuple[int, ...]) -> bool:
    """Whether several processes may write with this SQLite.

    From 3.7.0 to 3.51.2 a checkpoint beside a writer could corrupt a WAL database (the "WAL-reset bug", fixed
    in 3.51.3 and, for old branches, in 3.50.7 and 3.44.6).
    """
    return version >= (3, 51, 3) or (3, 50, 7) <= version < (3, 51) or (3, 44, 6) <= version < (3, 45)


LIBRARY_IS_SAFE: Final[bool] = is_safe(driver.sqlite_version_info)


def fault(error: BaseException) -> int | None:
    """The SQLite result code at the bottom of an error; None when SQLite has nothing to do with it.

    peewee hides it: its "cannot rollback - no transaction is active" may stand upon "database or disk is
    full".
    """
    codes = []
    seen: BaseException | None = error
    while seen is not None:
        code = getattr(seen, "sqlite_errorcode", None)
        if code is not None:
            codes.append(code & 0xFF)
        seen = seen.__cause__ or seen.__context__
    return next((code for code in codes if code != _VAGUE), codes[0] if codes else None)


SEALED: Final = "sealed: "
"""What a seal's refusal starts with."""


def explained(error: BaseException, path: Path) -> FleetError | None:
    """An error of SQLite as one of ours: what, whose, and the next step. None for any other error."""
    code = None if isinstance(error, FleetError) else fault(error)
    if code is None and not isinstance(error, driver.OperationalError):
        return None
    if code == FULL:
        return Unavailable(
            f"there is no space left for {path.name}; nothing was recorded",
            remedy=f"free some space on the disk of {path.parent}, then try again",
            path=str(path),
        )
    if code == BUSY:
        return Unavailable(
            f"another program keeps {path.name} locked",
            remedy=f"find it with 'fuser {path}' and end its transaction, then try again",
            path=str(path),
        )
    if code in (None, CORRUPT, NOT_A_DATABASE):  # the driver's own complaint is about text that is none
        return Damaged(
            f"{path.name} is damaged: {error}",
            remedy="run 'fleet store verify' to see what is hurt, and restore a backup",
            path=str(path),
        )
    if code == CONSTRAINT and SEALED in str(error):
        return Unavailable(
            f"{path.name} is {str(error)[str(error).index(SEALED) :]}",
            remedy="use the store that is named, or take the seal off with 'fleet store unseal'",
            path=str(path),
        )
    if code == CONSTRAINT:
        return FleetError(
            f"{path.name} refused what fleet was about to write: {error}",
            remedy="nothing was recorded; report this as a fault of fleet",
            path=str(path),
        )
    return Unavailable(
        f"SQLite could not use {path.name}: {error}",
        remedy=f"look after the disk and the permissions of {path.parent}, then try again",
        path=str(path),
    )
