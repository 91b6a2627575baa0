"""The event store in a list. Where it and another store disagree, this one is right.

It favours being read over being fast: a read with criteria looks at every event.
"""

import threading
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import islice

from fleet_core.api import (
    ALL,
    Appended,
    Batch,
    Clock,
    Condition,
    ConditionFailed,
    EventCodec,
    Expected,
    IdReused,
    Invalid,
    Prepared,
    Progress,
    Query,
    Recorded,
    Row,
    StoredId,
    StoreInfo,
    Stream,
    Unavailable,
    Verification,
    VersionConflict,
    check_batches,
    id_text,
    system_clock,
)
from fleet_memory.tables import ReadTables

Write = tuple[Stream, Prepared]
"""An event on its way into a stream."""


class MemoryStore(ReadTables):
    """A log of events in this process. One lock guards every decision; a reader needs it only to begin."""

    def __init__(self, codec: EventCodec, clock: Clock = system_clock) -> None:
        super().__init__()
        self._codec = codec
        self._clock = clock
        self._changed = threading.Condition(self._lock)
        self._log: list[Recorded] = []
        self._by_id: dict[StoredId, Recorded] = {}
        self._versions: dict[Stream, int] = {}
        self._closed = False
        self._sealed = ""

    def append(self, *batches: Batch, condition: Condition | None = None) -> Appended:
        """See `EventStore.append`."""
        check_batches(batches)
        writes = [(batch.stream, self._codec.prepare(event)) for batch in batches for event in batch.events]
        with self._changed:
            self._check_open()
            recorded = self._recorded(writes)
            if recorded:
                return _answer(recorded, replayed=True)
            self._check_unsealed()
            self._check_versions(batches)
            self._check_condition(condition)
            events = self._rows(writes)
            self._record(events)
            return _answer(events)

    def _recorded(self, writes: Sequence[Write]) -> list[Recorded]:
        """What a retry had recorded the first time; nothing when these are new events.

        Raises:
            IdReused: they are neither.
        """
        ids = [event.id for _, event in writes]
        if len(set(ids)) < len(ids):
            twice = next(id for id in ids if ids.count(id) > 1)
            raise IdReused(id_text(twice), "is given twice in one append")
        known = [self._by_id[id] for id in ids if id in self._by_id]
        if not known:
            return []
        if len(known) < len(ids):
            raise IdReused(known[0].id, "is recorded already, and others of this append are not")
        for (stream, event), before in zip(writes, known, strict=True):
            self._check_same(stream, event, before)
        return known

    def _check_same(self, stream: Stream, event: Prepared, before: Recorded) -> None:
        row = Row(*before.row)
        if (row.stream_type, row.stream_id) != tuple(stream):
            raise IdReused(before.id, f"is recorded already, in stream {row.stream_type}/{row.stream_id}")
        sent = (
            event.type,
            event.schema_version,
            event.data,
            self._codec.encode_tags(event.tags),
            event.metadata,
        )
        if sent != (row.type, row.schema_version, row.data, row.tags, row.metadata):
            raise IdReused(before.id, "is recorded already, with other content")
        if event.causation_id != row.causation_id or event.occurred_at not in (None, before.occurred_us):
            raise IdReused(before.id, "is recorded already, with another cause or time")
        if event.correlation_id is not None and id_text(event.correlation_id) != before.correlation_id:
            raise IdReused(before.id, "is recorded already, with another correlation")

    def _check_versions(self, batches: Sequence[Batch]) -> None:
        for batch in batches:
            actual = self._versions.get(batch.stream, 0)
            if not _is_expected(batch.expected, actual):
                raise VersionConflict(str(batch.stream), expected=str(batch.expected), actual=actual)

    def _check_condition(self, condition: Condition | None) -> None:
        if condition is None:
            return
        for event in self._log[self._index(condition.after + 1) :]:
            if condition.query.accepts(event):
                raise ConditionFailed(event.position)

    def _rows(self, writes: Sequence[Write]) -> list[Recorded]:
        """The events as they will stand in the log."""
        now = self._clock()
        position = self._last()
        versions: dict[Stream, int] = {}
        roots: dict[StoredId, StoredId] = {}
        events = []
        for stream, event in writes:
            position += 1
            versions[stream] = versions.get(stream, self._versions.get(stream, 0)) + 1
            correlation = self._correlation(event, roots)
            roots[event.id] = event.id if correlation is None else correlation
            row = Row(
                position=position,
                id=event.id,
                type=event.type,
                schema_version=event.schema_version,
                stream_type=stream.type,
                stream_id=stream.id,
                version=versions[stream],
                data=event.data,
                tags=self._codec.encode_tags(event.tags),
                metadata=event.metadata,
                causation_id=event.causation_id,
                correlation_id=correlation,
                occurred_at=event.occurred_at,
                recorded_at=now,
            )
            events.append(Recorded(row, self._codec))
        return events

    def _correlation(self, event: Prepared, roots: dict[StoredId, StoredId]) -> StoredId | None:
        """The root of the chain that an event joins, None for a root. `roots` are those of this append."""
        if event.correlation_id is not None or event.causation_id is None:
            return event.correlation_id
        if event.causation_id in roots:
            return roots[event.causation_id]
        cause = self._by_id.get(event.causation_id)
        if cause is None:
            return event.causation_id
        return cause.row[11] if cause.row[11] is not None else event.causation_id

    def _record(self, events: list[Recorded]) -> None:
        """Make the events part of the log, of its indexes and of the read tables."""
        before = self._last()
        self._add(events)
        self._advance(events, before)
        self._changed.notify_all()

    def _add(self, events: list[Recorded]) -> None:
        for event in events:
            self._by_id[event.row[1]] = event
            self._versions[Stream(event.stream_type, event.stream_id)] = event.version
        self._log.extend(events)

    def _last(self) -> int:
        return self._log[-1].position if self._log else 0

    def _index(self, position: int) -> int:
        """Where in the list the first event at or beyond a position stands."""
        return bisect_left(self._log, position, key=_position)

    def read(
        self,
        query: Query = ALL,
        *,
        after: int = 0,
        before: int | None = None,
        limit: int | None = None,
        backwards: bool = False,
    ) -> Iterator[Recorded]:
        """See `EventStore.read`. What is recorded after the call is not seen."""
        end = self.head() + 1
        first = self._index(max(after, 0) + 1)
        places = range(first, self._index(end if before is None else min(before, end)))
        events = map(self._log.__getitem__, reversed(places) if backwards else places)
        return islice(self._matching(query, events), limit)

    def _matching(self, query: Query, events: Iterator[Recorded]) -> Iterator[Recorded]:
        return filter(query.accepts, events)

    def head(self) -> int:
        """See `EventStore.head`."""
        with self._lock:
            self._check_open()
            return self._last()

    def wait(self, after: int, timeout: float) -> bool:
        """See `EventStore.wait`."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._last() > after, timeout)
            return self.head() > after

    def close(self) -> None:
        """See `EventStore.close`. Whoever waits is woken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _check_open(self) -> None:
        if self._closed:
            raise Unavailable("the memory store is closed", remedy="open another; what this one held is gone")

    def load(self, rows: Sequence[Row]) -> None:
        """See `Movable.load`."""
        with self._changed:
            self._check_open()
            self._check_loadable(rows)
            self._add([Recorded(row, self._codec) for row in rows])
            self._changed.notify_all()

    def _check_loadable(self, rows: Sequence[Row]) -> None:
        last = self._last()
        versions: dict[Stream, int] = {}
        ids: set[StoredId] = set()
        for row in rows:
            stream = Stream(row.stream_type, row.stream_id)
            versions[stream] = versions.get(stream, self._versions.get(stream, 0)) + 1
            if row.position <= last:
                raise Invalid(f"position {row.position} does not lie beyond {last}", path="$.position")
            if row.version != versions[stream]:
                raise Invalid(
                    f"{stream} goes on with version {versions[stream]}, not {row.version}", path="$.version"
                )
            if row.id in self._by_id or row.id in ids:
                raise IdReused(id_text(row.id), "is recorded already")
            last = row.position
            ids.add(row.id)

    def seal(self, reason: str) -> None:
        """See `Movable.seal`."""
        with self._changed:
            self._check_open()
            self._sealed = reason

    def unseal(self) -> None:
        """See `Movable.unseal`."""
        self.seal("")

    def _check_unsealed(self) -> None:
        if self._sealed:
            raise Unavailable(
                f"the store is sealed: {self._sealed}",
                remedy="use the store that is named, or 'fleet store unseal'",
            )

    def info(self) -> StoreInfo:
        """See `Maintenance.info`. `bytes` counts the events' data."""
        head = self.head()
        return StoreInfo(
            backend="memory",
            path="",
            events=len(self._log),
            streams=len(self._versions),
            bytes=sum(len(event.row[7]) for event in self.read()),
            schema_version=1,
            head=head,
        )

    def verify(self, progress: Progress = lambda position: None) -> Verification:
        """See `Maintenance.verify`. Memory is trusted: there is no hash to compare."""
        head = self.head()
        if head:
            progress(head)
        return Verification(events=len(self._log), head=head, head_hash="")


def _position(event: Recorded) -> int:
    return event.position


def _is_expected(expected: Expected | int, actual: int) -> bool:
    if expected is Expected.NO_STREAM:
        return actual == 0
    if expected is Expected.EXISTS:
        return actual > 0
    return expected is Expected.ANY or expected == actual


def _answer(events: Sequence[Recorded], *, replayed: bool = False) -> Appended:
    return Appended(
        [event.position for event in events],
        [event.version for event in events],
        [event.row[1] for event in events],
        replayed,
    )
