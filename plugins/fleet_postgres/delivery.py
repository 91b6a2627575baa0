"""Delivering appends, whatever happens on the way: a broken connection, a deadlock, an answer that never
comes.

An append that may have reached the server is sent again with its ids looked up first, so that it is recorded
once. Only when the deadline comes before certainty is its outcome unknown.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from fleet_core.api import (
    Clock,
    Conflict,
    Damaged,
    EventCodec,
    FleetError,
    OutcomeUnknown,
    Unavailable,
    id_text,
)
from fleet_postgres.appending import Appender
from fleet_postgres.chain import Chain
from fleet_postgres.columns import Table
from fleet_postgres.connections import LONGEST_PAUSE, SHORTEST_PAUSE, Connections, doze
from fleet_postgres.database import RETRIED, Database, explained, is_lost, leaves_open, sqlstate
from fleet_postgres.folding import Folding
from fleet_postgres.requests import Request


class Delivery:
    """Sends groups of requests, in one statement each, or in one transaction with the read tables."""

    def __init__(
        self,
        connections: Connections,
        schema: str,
        codec: EventCodec,
        clock: Clock | None,
        tables: Mapping[str, Table],
        announce: Callable[[], None],
    ) -> None:
        self._connections = connections
        self._appender = Appender(schema, codec, clock)
        self._folding = Folding(schema, codec)
        self._tables = tables
        self._announce = announce
        self._chain = Chain(connections, schema)

    def deliver(self, requests: Sequence[Request]) -> None:
        """Give each request its outcome. Never raises."""
        try:
            positions = self._deliver(requests)
        except BaseException as error:
            if len(requests) == 1 or isinstance(error, Unavailable):
                for request in requests:
                    request.error = _for_one(request, error)
                return
            # What one of them did to all must not be the others' fate.
            for request in requests:
                self.deliver([request])
            return
        if positions:
            self._announce()
            if self._chain.is_due(positions):
                with suppress(FleetError):  # housekeeping, and the next in turn will do it too
                    self._chain.close_up()

    def _deliver(self, requests: Sequence[Request]) -> list[int]:
        connections = self._connections
        deadline = connections.deadline()
        pause = SHORTEST_PAUSE
        was_sent = is_open = False
        folds = bool(self._tables)
        while True:
            try:
                with connections.writer(deadline) as database:
                    was_sent = True
                    return self._record(database, requests, folds)
            except Exception as error:
                if isinstance(error, _TablesFailed):
                    folds = False
                    continue
                is_open = is_open or (was_sent and leaves_open(error))
                again = sqlstate(error) in RETRIED or connections.may_try_again(error, deadline)
                if not again or time.monotonic() > deadline:
                    raise self._told(error, is_open) from error
                for request in requests:
                    request.is_retried = was_sent
                if is_lost(error):
                    doze(pause)
                    pause = min(pause * 2, LONGEST_PAUSE)

    def _record(self, database: Database, requests: Sequence[Request], folds: bool) -> list[int]:
        patience = self._connections.patience
        if not folds:
            return self._appender.append(database.wire, requests, patience)
        with database.atomic():
            positions = self._appender.append(database.wire, requests, patience, alone=True)
            if positions:
                rows = self._appender.rows(database.wire, positions)
                try:
                    self._folding.advance(database.wire, self._tables, rows)
                except Exception as error:
                    if is_lost(error):
                        raise
                    raise _TablesFailed from error
        return positions

    def _told(self, error: Exception, is_open: bool) -> Exception:
        ours = explained(error, self._connections.address)
        if ours is None:
            return error
        if is_open:
            return OutcomeUnknown(
                f"{self._connections.address} was lost in the middle of an append: it is open whether the"
                " events are recorded",
                remedy="look after the server; then look the ids up, or send the same events with the same"
                " ids again",
            )
        return ours


class _TablesFailed(Exception):
    """The database refused a change to a read table. The facts come first: they are recorded without it."""


def _for_one(request: Request, error: BaseException) -> BaseException:
    """A failure that several requests share, as each of them is to raise it in its own thread."""
    if isinstance(error, Conflict) or not isinstance(error, Unavailable | Damaged | FleetError):
        return error
    details = error.details
    if isinstance(error, OutcomeUnknown):
        details = {**details, "ids": [id_text(id) for id in request.ids()]}
    own = type(error)(error.message, remedy=error.remedy, **details)
    own.__cause__ = error.__cause__
    return own
