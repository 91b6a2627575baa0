"""One append on its way to the server: prepared, encoded, and with its answer at the end."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

from fleet_core.api import (
    Appended,
    Batch,
    Clock,
    Condition,
    EventCodec,
    Expected,
    IdReused,
    Prepared,
    StoredId,
    Stream,
    id_text,
)
from fleet_postgres.hashing import said_hash
from fleet_postgres.ids import packed
from fleet_postgres.turns import Footprint

_EXPECTED: Final = {Expected.ANY: -1, Expected.EXISTS: -2, Expected.NO_STREAM: 0}
"""What the database understands beside exact versions."""

_IMPOSSIBLE: Final = -3
"""An expectation that no stream meets."""


class NewRow(msgspec.Struct, gc=False):
    """An event as it is sent. `stream` and `step` count from 1 within the append; ids are packed.

    `hash` is that of what is said here. The root of its chain is `correlation_id` (NULL when it is a root
    itself), or that of the recorded event `heir_of`.
    """

    stream: int
    step: int
    schema_version: int
    type: str
    id: bytes
    data: bytes
    hash: bytes
    occurred_at: int | None
    tag_names: tuple[str, ...]
    tags: bytes | None
    metadata: bytes | None
    causation_id: bytes | None
    correlation_id: bytes | None
    heir_of: bytes | None


class Excluded(msgspec.Struct, gc=False):
    """A condition: a statement that finds the first event it excludes, and the values bound in it."""

    sql: str
    values: Sequence[Any]


class Request:
    """One append: ids made, data validated and encoded. Its outcome is `answer` or `error`.

    `streams` are those it concerns, in order, with all that is expected of each; `rows` are empty until it is
    encoded. `recorded_at` is None where the server's clock says when. `has_given_ids` says that it may be a
    retry of its caller's, `is_retried` that it is one of ours.
    """

    def __init__(self, batches: Sequence[Batch], condition: Condition | None, codec: EventCodec) -> None:
        self.writes: list[tuple[Stream, Expected | int, list[Prepared]]] = [
            (batch.stream, batch.expected, [codec.prepare(event) for event in batch.events])
            for batch in batches
        ]
        self.streams: dict[Stream, list[Expected | int]] = {}
        for stream, expected, _ in self.writes:
            self.streams.setdefault(stream, []).append(expected)
        self.condition = condition
        self.has_given_ids = any(event.given_id for _, event in self.events())
        self.is_retried = False
        self.answer: Appended | None = None
        self.error: BaseException | None = None
        self.rows: list[NewRow] = []
        self.recorded_at: int | None = None
        self._codec = codec
        if self.has_given_ids:
            self._check_distinct()
        self.turn = self._footprint().turn()

    def events(self) -> Iterator[tuple[Stream, Prepared]]:
        """All events with their streams, in order."""
        return ((stream, event) for stream, _, events in self.writes for event in events)

    def ids(self) -> list[StoredId]:
        """The events' ids, in order."""
        return [event.id for _, event in self.events()]

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

    def encode(self, clock: Clock | None) -> None:
        """Make the events ready to be sent. A clock of our own says when they are recorded, and means the
        first attempt.
        """
        if not self.rows:
            self.rows = self._encoded()
            self.recorded_at = clock() if clock else None

    def _encoded(self) -> list[NewRow]:
        numbers = {stream: number for number, stream in enumerate(self.streams, 1)}
        steps = dict.fromkeys(numbers, 0)
        roots: dict[StoredId, tuple[bytes | None, bytes | None]] = {}
        rows: list[NewRow] = []
        for stream, event in self.events():
            steps[stream] = step = steps[stream] + 1
            root, heir_of = roots[event.id] = _root(event, roots)
            rows.append(self._row(event, stream, numbers[stream], step, root, heir_of))
        return rows

    def _row(
        self,
        event: Prepared,
        stream: Stream,
        number: int,
        step: int,
        root: bytes | None,
        heir_of: bytes | None,
    ) -> NewRow:
        id = packed(event.id)
        tags = self._codec.encode_tags(event.tags)
        digest = said_hash(
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
        )
        return NewRow(
            number,
            step,
            event.schema_version,
            event.type,
            id,
            event.data,
            digest,
            event.occurred_at,
            event.tags,
            tags,
            event.metadata,
            None if event.causation_id is None else packed(event.causation_id),
            None if root == id else root,
            heir_of,
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


def as_number(expected: Sequence[Expected | int]) -> int:
    """All that is expected of a stream, as the database understands it."""
    wanted = {each if isinstance(each, int) else _EXPECTED[each] for each in expected}
    exact = {each for each in wanted if each >= 0}
    if len(exact) > 1 or (exact == {0} and _EXPECTED[Expected.EXISTS] in wanted):
        return _IMPOSSIBLE
    return exact.pop() if exact else min(wanted)
