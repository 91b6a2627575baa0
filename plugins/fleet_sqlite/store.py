"""The SQLite event store: wires appending, reading, group commit, read tables and the head witness
together."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice, repeat
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from fleet_core.api import (
    ALL,
    Appended,
    Batch,
    Clock,
    Condition,
    Conflict,
    Damaged,
    EventCodec,
    FleetError,
    GroupCommit,
    OutcomeUnknown,
    Progress,
    Query,
    Recorded,
    StoreInfo,
    Unavailable,
    Verification,
    check_batches,
    checked,
    id_text,
)
from fleet_core.api import Row as LogRow
from fleet_sqlite import reading
from fleet_sqlite.appending import Appender, Request, Row
from fleet_sqlite.connections import Connections
from fleet_sqlite.database import Connect, Connection, connect
from fleet_sqlite.folding import advance
from fleet_sqlite.migrations import Migration, migrate, shipped
from fleet_sqlite.news import News
from fleet_sqlite.settings import Settings
from fleet_sqlite.tables import ReadTables
from fleet_sqlite.witness import Head, Witness, holds

if TYPE_CHECKING:
    from concurrent.futures import Future

_HEAD: Final = "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'events'), 0)"

DEFAULTS: Final = Settings()

LARGEST_GROUP: Final = 512
"""Appends that share one transaction at most."""

_CODEC: Final = "SELECT value FROM meta WHERE name = 'codec'"


def open_store(
    settings: dict[str, Any], codec: EventCodec, clock: Clock, directory: Path, origin: str
) -> "SqliteStore":
    """Open the store that settings describe; relative paths start at the project's directory."""
    chosen = checked(settings, Settings, origin)
    return SqliteStore(directory / chosen.path, codec, clock, chosen)


class SqliteStore(ReadTables):
    """A log of events in one SQLite file. Safe to use from several threads, and from several processes on
    one machine."""

    inline = True

    def __init__(
        self,
        path: Path,
        codec: EventCodec,
        clock: Clock,
        settings: Settings = DEFAULTS,
        *,
        connect: Connect = connect,
        migrations: Callable[[str], Sequence[Migration]] = shipped,
    ) -> None:
        connections = Connections(path.absolute(), settings, connect)
        super().__init__(connections)
        self._codec = codec
        self._appender = Appender(codec, clock)
        self._witness = Witness(connections.path.with_suffix(".head"))
        self._group = GroupCommit(self._commit, LARGEST_GROUP)
        self._news = News()
        try:
            migrate(connections, migrations("events"), clock)
            self._check_codec()
        except BaseException:
            self.close()
            raise

    def _check_codec(self) -> None:
        [(stored,)] = self._connections.read(_CODEC) or [self._connections.transaction(self._settle_codec)]
        if stored != self._codec.name:
            raise Unavailable(
                f"the events of {self._connections.path.name} are encoded as {stored}, not as"
                f" {self._codec.name}",
                remedy=f"set `codec = {stored!r}` in [store] of fleet.toml: a log keeps the codec it was"
                " begun with",
                codec=stored,
            )

    def _settle_codec(self, connection: Connection) -> tuple[str]:
        # Another process may have been quicker: its word counts.
        connection.execute(
            "INSERT OR IGNORE INTO meta (name, value) VALUES ('codec', ?)", (self._codec.name,)
        )
        [(stored,)] = connection.execute(_CODEC).fetchall()
        return (stored,)

    def append(self, *batches: Batch, condition: Condition | None = None) -> Appended:
        """See `EventStore.append`."""
        self._connections.check_open()
        check_batches(batches)
        request = Request(batches, condition, self._codec)
        self._group.submit(request)
        return request.outcome()

    def append_soon(self, *batches: Batch, condition: Condition | None = None) -> "Future[Appended]":
        """See `Pipelining.append_soon`."""
        from concurrent.futures import Future

        self._connections.check_open()
        check_batches(batches)
        request = Request(batches, condition, self._codec)
        future: Future[Appended] = Future()
        future.set_running_or_notify_cancel()
        self._group.submit_soon(request, partial(_settle, future, request))
        return future

    def _commit(self, requests: Sequence[Request]) -> None:
        try:
            self._connections.transaction(partial(self._record, requests), self._announce)
        except BaseException as error:
            if not isinstance(error, Conflict):
                self._appender.forget()
            if len(requests) > 1 and isinstance(error, Exception) and not isinstance(error, FleetError):
                self._commit_apart(requests)
                return
            for request in requests:
                request.error = request.error or _for_one(request, error)

    def _commit_apart(self, requests: Sequence[Request]) -> None:
        """Spare a group the fault of one of its requests, which nobody foresaw and which came half-way."""
        for request in requests:
            request.error = None
            self._commit([request])

    def _record(self, requests: Sequence[Request], connection: Connection) -> list[Row]:
        if not self._appender.look(connection):
            self._check_witness(connection)
        before = self._appender.head.position
        rows: list[Row] = []
        for request in requests:
            rows += self._attempt(connection, request)
        if rows:
            self._appender.keep_up_links(connection)
        if rows and self._tables:
            advance(connection, self._tables, self._codec, before, rows)
        return rows

    def _attempt(self, connection: Connection, request: Request) -> list[Row]:
        """Record one request. A refusal touches no other: it comes before anything of it is written."""
        try:
            return self._appender.append(connection, request)
        except Conflict as error:
            request.error = error
            return []

    def _check_witness(self, connection: Connection) -> None:
        """Refuse to build upon a log that has lost what was acknowledged."""
        witnessed = self._witness.read()
        if not holds(connection, witnessed):
            raise Damaged(
                f"{self._connections.path.name} does not hold the event at position {witnessed.position}"
                " that was"
                " recorded here: it was cut, changed or replaced",
                remedy="run 'fleet store verify'. If it was replaced on purpose (by a backup, say), delete"
                f" {self._connections.path.with_suffix('.head')} and go on",
                position=witnessed.position,
            )

    def _announce(self, rows: Sequence[Row]) -> None:
        if rows:
            self._witness.tell(self._appender.head)
            self._news.tell(self._appender.head.position)

    def load(self, rows: Sequence[LogRow]) -> None:
        """See `Movable.load`."""
        if rows:
            self._connections.transaction(partial(self._load, rows), self._loaded)

    def _load(self, rows: Sequence[LogRow], connection: Connection) -> Head:
        from fleet_sqlite import moving  # few commands need it

        self._appender.look(connection)
        self._check_witness(connection)
        reason = moving.unseal(connection)
        head = moving.load(connection, self._codec, self._appender.head, rows)
        if reason is not None:
            moving.seal(connection, reason)
        return head

    def _loaded(self, head: Head) -> None:
        self._appender.forget()
        self._witness.tell(head)
        self._news.tell(head.position)

    def seal(self, reason: str) -> None:
        """See `Movable.seal`."""
        from fleet_sqlite import moving

        self._connections.transaction(lambda connection: moving.seal(connection, reason))

    def unseal(self) -> None:
        """See `Movable.unseal`."""
        from fleet_sqlite import moving

        self._connections.transaction(moving.unseal)

    def read(
        self,
        query: Query = ALL,
        *,
        after: int = 0,
        before: int | None = None,
        limit: int | None = None,
        backwards: bool = False,
    ) -> Iterator[Recorded]:
        """See `EventStore.read`."""
        self._connections.check_open()
        first = min(max(after, reading.FIRST), reading.LAST)
        last = reading.LAST if before is None else min(max(before, reading.FIRST), reading.LAST)
        rows = reading.read(self._connections.read, query, first, last, limit, backwards)
        return islice(map(Recorded, rows, repeat(self._codec)), limit)

    def head(self) -> int:
        """See `EventStore.head`."""
        return self._connections.read(_HEAD)[0][0]  # type: ignore[no-any-return]

    def wait(self, after: int, timeout: float) -> bool:
        """See `EventStore.wait`. Looks five times a second for what other processes record."""
        return self._news.wait(self.head, after, timeout)

    def info(self) -> StoreInfo:
        """See `Maintenance.info`."""
        from fleet_sqlite import information  # few commands ask, and all would pay for the import

        return information.info(self._connections, self._codec.name)

    def verify(self, progress: Progress = lambda position: None) -> Verification:
        """See `Maintenance.verify`."""
        from fleet_sqlite import verification  # for the same reason

        self._connections.check_open()
        self._witness.settle()
        return verification.verify(self._connections, self._codec, self._witness.read(), progress)

    def close(self) -> None:
        """See `EventStore.close`. A forked child has nothing to close: all of it is its parent's."""
        if self._connections.is_forked:
            return
        self._group.close()
        super().close()
        self._witness.close()
        self._news.close()


def _settle(future: "Future[Appended]", request: Request) -> None:
    """Pass an outcome on to whom it was promised."""
    try:
        future.set_result(request.outcome())
    except BaseException as error:
        future.set_exception(error)


def _for_one(request: Request, error: BaseException) -> BaseException:
    """A failure that several requests share, as each of them is to raise it in its own thread."""
    if not isinstance(error, Unavailable | Damaged):
        return error
    details = error.details
    if isinstance(error, OutcomeUnknown):
        details = {**details, "ids": [id_text(id) for id in request.ids()]}
    own = type(error)(error.message, remedy=error.remedy, **details)
    own.__cause__ = error.__cause__
    return own
