"""The PostgreSQL event store: wires appending, reading, group commit, read tables and news together."""

import os
from collections.abc import Iterator, Sequence
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
    EventCodec,
    GroupCommit,
    Instant,
    Progress,
    Query,
    Recorded,
    Row,
    StoreInfo,
    Unavailable,
    Usage,
    Verification,
    check_batches,
    checked,
    system_clock,
)
from fleet_postgres import reading
from fleet_postgres.connections import Connections
from fleet_postgres.database import Address, Connection
from fleet_postgres.delivery import Delivery
from fleet_postgres.migrations import Migration, migrate, shipped
from fleet_postgres.news import News
from fleet_postgres.reading import Reading
from fleet_postgres.requests import Request
from fleet_postgres.schemas import schema_of
from fleet_postgres.settings import Settings
from fleet_postgres.statements import Statement
from fleet_postgres.tables import ReadTables
from fleet_postgres.waking import Listener, Waker

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

LARGEST_GROUP: Final = 128
"""Appends that share one statement at most."""

_CLOCK: Final = Statement("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint")


def open_store(
    settings: dict[str, Any],
    codec: EventCodec,
    clock: Clock,
    directory: Path,
    origin: str,
    service_url: "Callable[[str], str]",
) -> "PostgresStore":
    """Open the store that settings describe.

    Raises:
        Invalid: a setting does not fit.
        Usage: nothing says where the database is.
        Unavailable: the server can't be reached, or refuses.
    """
    chosen = checked(settings, Settings, origin)
    address = Address.parse(_dsn(chosen, origin, service_url), f"`dsn` in {origin}")
    return PostgresStore(address, chosen.schema or schema_of(directory), codec, clock, chosen)


def _dsn(settings: Settings, origin: str, service_url: "Callable[[str], str]") -> str:
    if settings.dsn is not None and settings.service is not None:
        raise Usage(f"{origin} names both a `dsn` and a `service`", remedy="remove one of the two")
    if settings.dsn is not None:
        return settings.dsn
    if settings.service is not None:
        return service_url(settings.service)
    if os.environ.get("PGHOST") or os.environ.get("PGSERVICE"):
        return ""  # the driver's own variables say where it is
    raise Usage(
        f"{origin} does not say where the database is",
        remedy="set `service = \"postgres\"` for the one that 'fleet services up' runs, or `dsn` for another",
    )


class PostgresStore(ReadTables):
    """A log of events in one schema of a PostgreSQL database. Safe to use from several threads, processes and
    machines."""

    inline = True

    def __init__(
        self,
        address: Address,
        schema: str,
        codec: EventCodec,
        clock: Clock,
        settings: Settings,
        migrations: Sequence[Migration] | None = None,
    ) -> None:
        connections = Connections(address, settings)
        super().__init__(connections, schema, codec)
        self._settled = Statement.calling(f"{schema}.settled")
        self._reading = Reading(schema)
        self._news = News()
        self._waker = Waker(connections, schema)
        self._listener = Listener(connections, schema, self._news.tell)
        injected = None if clock is system_clock else clock  # that of this machine gives way to the server's
        self._delivery = Delivery(connections, schema, codec, injected, self._tables, self._announce)
        self._is_closed = False
        self._group = GroupCommit(self._delivery.deliver, LARGEST_GROUP)
        try:
            migrate(connections, schema, shipped() if migrations is None else migrations, clock)
            self._check_codec()
        except BaseException:
            self.close()
            raise

    def _check_codec(self) -> None:
        find = f"SELECT value FROM {self._schema}.meta WHERE name = 'codec'"
        [(stored,)] = self._connections.read(find) or [self._connections.transaction(self._settle_codec)]
        if stored != self._codec.name:
            raise Unavailable(
                f"the events of schema {self._schema} are encoded as {stored}, not as {self._codec.name}",
                remedy=f"set `codec = {stored!r}` in [store] of fleet.toml: a log keeps the codec it was"
                " begun with",
                codec=stored,
            )

    def _settle_codec(self, connection: Connection) -> tuple[str]:
        # Another process may have been quicker: its word counts.
        connection.execute(
            f"INSERT INTO {self._schema}.meta (name, value) VALUES ('codec', %s) ON CONFLICT DO NOTHING",
            (self._codec.name,),
        )
        [(stored,)] = connection.execute(
            f"SELECT value FROM {self._schema}.meta WHERE name = 'codec'"
        ).fetchall()
        return (stored,)

    def append(self, *batches: Batch, condition: Condition | None = None) -> Appended:
        """See `EventStore.append`. When its connection breaks, the append is sent again on another."""
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

    def read(
        self,
        query: Query = ALL,
        *,
        after: int = 0,
        before: int | None = None,
        limit: int | None = None,
        backwards: bool = False,
    ) -> Iterator[Recorded]:
        """See `EventStore.read`. Ends at the head as it was when the read began."""
        self._connections.check_open()
        rows = self._rows(query, after, before, limit, backwards)
        return islice(map(Recorded, rows, repeat(self._codec)), limit)

    def _rows(
        self, query: Query, after: int, before: int | None, limit: int | None, backwards: bool
    ) -> Iterator[tuple[Any, ...]]:
        head = self.head()
        first = min(max(after, reading.FIRST), reading.LAST)
        last = head + 1 if before is None else min(head + 1, max(before, reading.FIRST))
        if last - first <= 1:
            return
        fetch = self._connections.read
        if last > head and not backwards:
            yield from self._reading.read_to_head(fetch, query, first, head, limit)
        else:
            yield from self._reading.read(fetch, query, first, last, limit, backwards)

    def head(self) -> int:
        """See `EventStore.head`. Waits for appends that are under way below it."""
        return self._connections.ask(self._settled)

    def wait(self, after: int, timeout: float) -> bool:
        """See `EventStore.wait`. Woken by NOTIFY where that works, and looks five times a second anyway."""
        return self._news.wait(self.head, after, timeout, self._listener.start)

    def instant(self) -> Instant:
        """See `Timekeeping.instant`. One round trip; of the server's clock no more is known than its time."""
        return Instant(self._connections.ask(_CLOCK))

    def _announce(self) -> None:
        self._news.tell()
        self._waker.wake()

    def info(self) -> StoreInfo:
        """See `Maintenance.info`."""
        from fleet_postgres import information  # few commands ask, and all would pay for the import

        return information.info(self._connections, self._schema, self._codec.name)

    def verify(self, progress: Progress = lambda position: None) -> Verification:
        """See `Maintenance.verify`."""
        from fleet_postgres import verification  # for the same reason

        return verification.verify(self._connections, self._schema, self._codec, progress)

    def grants(self, owner: str | None = None, writer: str | None = None, reader: str | None = None) -> str:
        """See `Grants.grants`. Roles are named after the schema unless they are named."""
        from fleet_postgres.grants import Roles, grants

        schema = self._schema
        roles = Roles(owner or f"{schema}_owner", writer or f"{schema}_writer", reader or f"{schema}_reader")
        return grants(self._connections, schema, roles)

    def load(self, rows: Sequence[Row]) -> None:
        """See `Movable.load`. Goes by COPY."""
        from fleet_postgres.moving import Moving

        if rows:
            self._connections.transaction(partial(Moving(self._schema, self._codec).load, rows))
            self._announce()

    def seal(self, reason: str) -> None:
        """See `Movable.seal`."""
        from fleet_postgres.moving import Moving

        self._connections.transaction(partial(Moving(self._schema, self._codec).seal, reason))

    def unseal(self) -> None:
        """See `Movable.unseal`."""
        from fleet_postgres.moving import Moving

        self._connections.transaction(Moving(self._schema, self._codec).unseal)

    def close(self) -> None:
        """See `EventStore.close`. A forked child has nothing to close: all of it is its parent's."""
        if self._connections.is_forked:
            return
        if not self._is_closed:
            self._is_closed = True
            self._group.close()
            self._news.close()
            self._listener.close()
            super().close()


def _settle(future: "Future[Appended]", request: Request) -> None:
    """Pass an outcome on to whom it was promised."""
    try:
        future.set_result(request.outcome())
    except BaseException as error:
        future.set_exception(error)
