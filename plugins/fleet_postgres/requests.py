"""One append on its way to the server: prepared, encoded, and with its answer at the end."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import msgspec

from fleet_core.api import (
    Appended,
    Batch,
    Condition,
    EventCodec,
    Expected,
    IdReused,
    Prepared,
    StoredId,
    Stream,
    id_text,
)
from fleet_postgres.hashing import event_hash
from fleet_postgres.ids import packed
from fleet_postgres.turns import Footprint

_EXPECTED: Final = {Expected.ANY: -1, Expected.EXISTS: -2, Expected.NO_STREAM: 0}
"""What the function `decide` understands beside exact versions."""


class NamedStream(msgspec.Struct, gc=False):
    """A stream that an append concerns, and all that is expected of it."""

    type: str
    id: str
    expected: list[int]


class NewRow(msgspec.Struct, gc=False, omit_defaults=True):
    """An event as the function `write` takes it. `number` counts from 0 within the append, `stream` and
    `step` from 1. Bytes become base64.
    """

    number: int
    stream: int
    step: int
    recorded_at: int
    schema_version: int
    type: str
    id: bytes
    data: bytes
    hash: bytes
    occurred_at: int | None = None
    tags: bytes | None = None
    metadata: bytes | None = None
    causation_id: bytes | None = None
    correlation_id: bytes | None = None
    heir_of: bytes | None = None


class Tagged(msgspec.Struct, gc=False):
    """A tag of an event, which is counted from 0."""

    tag: str
    event: int


class Excluded(msgspec.Struct, gc=False):
    """A condition: a statement that finds the first event it excludes, and the values bound in it."""

    sql: str
    values: Sequence[Any]


class Wire(msgspec.Struct, gc=False, omit_defaults=True):
    """An append as the function `decide` takes it. `look` asks whether its ids are recorded already."""

    count: int
    look: bool
    streams: list[NamedStream]
    events: list[NewRow]
    tags: list[Tagged] | None = None
    condition: Excluded | None = None


class Request:
    """One append: ids made, data validated and encoded. Its outcome is `answer` or `error`.

    `has_given_ids` says that it may be a retry, of its caller's or our own.
    """

    def __init__(self, batches: Sequence[Batch], condition: Condition | None, codec: EventCodec) -> None:
        self.writes: list[tuple[Stream, Expected | int, list[Prepared]]] = [
            (batch.stream, batch.expected, [codec.prepare(event) for event in batch.events])
            for batch in batches
        ]
        self.condition = condition
        self.has_given_ids = any(event.given_id for _, event in self.events())
        self.is_retried = False
        self.answer: Appended | None = None
        self.error: BaseException | None = None
        self._codec = codec
        self._rows: list[NewRow] | None = None
        if self.has_given_ids:
            self._check_distinct()
        self.turn = self._footprint().turn()

    def events(self) -> Iterator[tuple[Stream, Prepared]]:
        """All events with their streams, in order."""
        return ((stream, event) for stream, _, events in self.writes for event in events)

    def ids(self) -> list[StoredId]:
        """The events' ids, in order."""
        return [event.id for _, event in self.events()]

    def streams(self) -> dict[Stream, list[Expected | int]]:
        """The streams it concerns, in order, and all that is expected of each."""
        found: dict[Stream, list[Expected | int]] = {}
        for stream, expected, _ in self.writes:
            found.setdefault(stream, []).append(expected)
        return found

    def outcome(self) -> Appended:
        """The answer, once there is one; raises the error instead when there is that."""
        if self.error is not None:
            raise self.error
        assert self.answer is not None
        return self.answer

    def _check_distinct(self) -> None:
        seen: set[StoredId] = set()
        for id in self.ids():
            if id in seen:
                raise IdReused(id_text(id), "is given twice in one append")
            seen.add(id)

    def _footprint(self) -> Footprint:
        footprint = Footprint()
        count = sum(len(events) for _, _, events in self.writes)
        for stream, _, events in self.writes:
            footprint.write(stream, (tag for event in events for tag in event.tags), count)
        footprint.look(self.condition)
        return footprint

    def wire(self, clock: Callable[[], int], exclude: Callable[[Condition], Excluded]) -> Wire:
        """The append as it is sent. The moment of recording is that of the first attempt."""
        if self._rows is None:
            self._rows = self._encoded(clock())
        tags = [Tagged(tag, number) for number, (_, event) in enumerate(self.events()) for tag in event.tags]
        return Wire(
            len(self._rows),
            self.has_given_ids or self.is_retried,
            [
                NamedStream(stream[0], stream[1], [_as_number(each) for each in dict.fromkeys(expected)])
                for stream, expected in self.streams().items()
            ],
            self._rows,
            tags or None,
            None if self.condition is None else exclude(self.condition),
        )

    def rows(self) -> list[NewRow]:
        """The events as they are sent."""
        assert self._rows is not None
        return self._rows

    def _encoded(self, now: int) -> list[NewRow]:
        numbers = {stream: number for number, stream in enumerate(self.streams(), 1)}
        steps = dict.fromkeys(numbers, 0)
        roots: dict[StoredId, tuple[bytes | None, bytes | None]] = {}
        rows: list[NewRow] = []
        for stream, event in self.events():
            steps[stream] += 1
            row = self._row(event, stream, now)
            row.number, row.stream, row.step = len(rows), numbers[stream], steps[stream]
            row.correlation_id, row.heir_of = roots[event.id] = _root(event, roots)
            if row.correlation_id == row.id:
                row.correlation_id = None
            rows.append(row)
        return rows

    def _row(self, event: Prepared, stream: Stream, now: int) -> NewRow:
        tags = self._codec.encode_tags(event.tags)
        digest = event_hash(
            event.id,
            event.type,
            event.schema_version,
            stream[0],
            stream[1],
            event.data,
            tags,
            event.metadata,
            event.causation_id,
            event.occurred_at,
            now,
        )
        return NewRow(
            0,
            0,
            0,
            now,
            event.schema_version,
            event.type,
            packed(event.id),
            event.data,
            digest,
            event.occurred_at,
            tags,
            event.metadata,
            None if event.causation_id is None else packed(event.causation_id),
        )


def _root(
    event: Prepared, roots: dict[StoredId, tuple[bytes | None, bytes | None]]
) -> tuple[bytes | None, bytes | None]:
    """The root of an event's chain if it is known here, or else the recorded cause it inherits from."""
    if event.correlation_id is not None:
        return packed(event.correlation_id), None
    if event.causation_id is None:
        return packed(event.id), None
    return roots.get(event.causation_id) or (None, packed(event.causation_id))


def _as_number(expected: Expected | int) -> int:
    return expected if isinstance(expected, int) else _EXPECTED[expected]
