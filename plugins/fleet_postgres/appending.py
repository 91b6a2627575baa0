"""Sending appends to the server and reading what it decided."""

from collections.abc import Sequence
from typing import Any

from fleet_core.api import (
    Appended,
    Clock,
    ConditionFailed,
    EventCodec,
    Expected,
    IdReused,
    Prepared,
    Recorded,
    Stream,
    Unavailable,
    VersionConflict,
    id_text,
)
from fleet_postgres import wire
from fleet_postgres.database import SEALED, Connection
from fleet_postgres.ids import packed, unpacked_row
from fleet_postgres.reading import COLUMNS, Reading
from fleet_postgres.requests import Request
from fleet_postgres.statements import Statement
from fleet_postgres.turns import ALONE, Turn, together

Row = tuple[Any, ...]


class Appender:
    """Brings requests to the server, several in one statement, and gives each its outcome. Without a clock
    the server's says when."""

    def __init__(self, schema: str, codec: EventCodec, clock: Clock | None) -> None:
        self._schema = schema
        self._codec = codec
        self._clock = clock
        self._reading = Reading(schema)
        self._append_one = Statement.calling(f"{schema}.append_one", wire.ONE)
        self._append = Statement.calling(f"{schema}.append", wire.MANY)
        names = f"FROM {schema}.events e JOIN {schema}.streams s ON s.key = e.stream"
        self._by_id = f"SELECT {COLUMNS} {names} WHERE e.id = ANY (%s)"
        self._by_position = f"SELECT {COLUMNS} {names} WHERE e.position = ANY (%s) ORDER BY e.position"

    def append(
        self, connection: Connection, requests: Sequence[Request], patience: int, *, alone: bool = False
    ) -> list[int]:
        """Record requests, each decided in the light of those before it; gives the new events' positions.

        What is refused has its `error`, what is recorded its `answer`; in a transaction both hold once it is
        committed.
        """
        turn = ALONE if alone else together([request.turn for request in requests])
        answers = self._ask(connection, requests, turn, patience)
        positions: list[int] = []
        for request, answer in zip(requests, answers, strict=True):
            request.answer = request.error = None
            try:
                positions += self._settle(connection, request, answer)
            except (VersionConflict, ConditionFailed, IdReused, Unavailable) as refusal:
                request.error = refusal
        return positions

    def _ask(
        self, connection: Connection, requests: Sequence[Request], turn: Turn, patience: int
    ) -> list[str]:
        for request in requests:
            request.encode(self._clock)
        conditions = [request.condition and self._reading.exclude(request.condition) for request in requests]
        if len(requests) == 1 and len(requests[0].writes) == len(requests[0].rows) == 1:
            values = wire.one(turn, patience, requests[0], conditions[0])
            return self._append_one.ask(connection, values)
        return self._append.ask(connection, wire.many(turn, patience, requests, conditions))

    def rows(self, connection: Connection, positions: list[int]) -> list[Row]:
        """Events that were just recorded, as they will be read."""
        found = connection.cursor(binary=True).execute(self._by_position, (positions,)).fetchall()
        return [unpacked_row(row) for row in found]

    def _settle(self, connection: Connection, request: Request, answer: str) -> Sequence[int]:
        if answer.startswith(SEALED):
            raise Unavailable(
                f"the store in schema {self._schema} is {answer}",
                remedy="use the store that is named, or take the seal off with 'fleet store unseal'",
            )
        outcome, *numbers = answer.split()
        if outcome == "known":
            request.answer = self._first_answer(connection, request)
            return ()
        first, *others = map(int, numbers or (0,))
        if outcome == "version":
            raise _conflict(request, first, *others)
        if outcome == "condition":
            raise ConditionFailed(first)
        positions = list(range(first, first + len(request.rows)))
        versions = [others[row.stream - 1] + row.step for row in request.rows]
        request.answer = Appended(positions, versions, request.ids())
        return positions

    def _first_answer(self, connection: Connection, request: Request) -> Appended:
        """The answer that was given when these events were recorded.

        Raises:
            IdReused: they are not the same, or not all of them are recorded.
        """
        ids = request.ids()
        rows = connection.cursor(binary=True).execute(self._by_id, ([packed(id) for id in ids],)).fetchall()
        known = {row[1]: row for row in map(unpacked_row, rows)}
        if len(known) < len(ids):
            raise IdReused(
                id_text(next(iter(known))), "is recorded already, and others of this append are not"
            )
        for stream, event in request.events():
            self._check_same(stream, event, Recorded(known[event.id], self._codec))
        found = [known[id] for id in ids]
        positions, versions = [row[0] for row in found], [row[6] for row in found]
        return Appended(positions, versions, ids, replayed=request.has_given_ids)

    def _check_same(self, stream: Stream, event: Prepared, before: Recorded) -> None:
        row = before.row
        if (row[4], row[5]) != tuple(stream):
            raise IdReused(before.id, f"is recorded already, in stream {row[4]}/{row[5]}")
        tags = self._codec.encode_tags(event.tags)
        sent = (event.type, event.schema_version, event.data, tags, event.metadata)
        if sent != (row[2], row[3], row[7], row[8], row[9]):
            raise IdReused(before.id, "is recorded already, with other content")
        if event.causation_id != row[10] or event.occurred_at not in (None, before.occurred_us):
            raise IdReused(before.id, "is recorded already, with another cause or time")
        if event.correlation_id not in (None, row[1] if row[11] is None else row[11]):
            raise IdReused(before.id, "is recorded already, with another correlation")


def _conflict(request: Request, place: int, actual: int) -> VersionConflict:
    stream, expected = list(request.streams.items())[place]
    wrong = next(each for each in expected if not _is_met(each, actual))
    return VersionConflict(str(stream), expected=str(wrong), actual=actual)


def _is_met(expected: Expected | int, actual: int) -> bool:
    if expected is Expected.NO_STREAM:
        return actual == 0
    if expected is Expected.EXISTS:
        return actual > 0
    return expected is Expected.ANY or expected == actual
