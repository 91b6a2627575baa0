"""An event store in a text file: one line of JSON for each commit, one lock for all processes.

A commit is there when its line has ended and the disk has it; half a line is what a writer that was killed
left behind, and the next writer removes it. Everything is held in memory too, so it suits small projects.
"""

import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fcntl import LOCK_EX, LOCK_SH, LOCK_UN, flock
from itertools import islice
from pathlib import Path
from typing import Final

import msgspec

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
    OutcomeUnknown,
    Prepared,
    Query,
    Recorded,
    Row,
    StoredId,
    Stream,
    Unavailable,
    VersionConflict,
    check_batches,
    id_text,
    stored_id,
)

LOOK_EVERY: Final = 0.02
"""Seconds between looks for what other processes wrote."""


class Line(msgspec.Struct, array_like=True):
    """An event as it stands in the file; its fields are those of `Row`, its ids text."""

    position: int
    id: str
    type: str
    schema_version: int
    stream_type: str
    stream_id: str
    version: int
    data: bytes
    tags: bytes | None
    metadata: bytes | None
    causation_id: str | None
    correlation_id: str | None
    occurred_at: int | None
    recorded_at: int


_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(list[Line]).decode


class TextFileStore:
    """The contract of `EventStore`, without optional abilities."""

    def __init__(self, path: Path, codec: EventCodec, clock: Clock) -> None:
        self._codec = codec
        self._clock = clock
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._changed = threading.Condition(threading.RLock())
        self._closed = False
        self._read_to = 0
        self._log: list[Recorded] = []
        self._by_id: dict[str, Recorded] = {}
        self._versions: dict[Stream, int] = {}

    @contextmanager
    def _locked(self, kind: int) -> Iterator[None]:
        """Alone among threads, and among processes as the kind of lock says; with all that was committed."""
        with self._changed:
            if self._closed:
                raise Unavailable("the store is closed", remedy="open it again")
            flock(self._file, kind)
            try:
                self._take_in()
                yield
            finally:
                flock(self._file, LOCK_UN)

    def _take_in(self) -> None:
        """Read the lines that have ended since the last look."""
        size = os.fstat(self._file).st_size
        if size == self._read_to:
            return
        news = os.pread(self._file, size - self._read_to, self._read_to)
        whole = news[: news.rfind(b"\n") + 1]
        for line in whole.splitlines():
            for each in _decode(line):
                self._remember(each)
        self._read_to += len(whole)
        self._changed.notify_all()

    def _remember(self, line: Line) -> None:
        event = Recorded(_row(line), self._codec)
        self._log.append(event)
        self._by_id[line.id] = event
        self._versions[Stream(line.stream_type, line.stream_id)] = line.version

    def append(self, *batches: Batch, condition: Condition | None = None) -> Appended:
        """See `EventStore.append`."""
        check_batches(batches)
        writes = [(batch.stream, self._codec.prepare(event)) for batch in batches for event in batch.events]
        with self._locked(LOCK_EX):
            known = self._known(writes)
            if known:
                return _answer(known, replayed=True)
            self._check(batches, condition)
            lines = self._lines(writes)
            if lines:
                self._write(_encode(lines) + b"\n")
            return _answer(self._log[len(self._log) - len(lines) :])

    def _known(self, writes: Sequence[tuple[Stream, Prepared]]) -> list[Recorded]:
        ids = [id_text(event.id) for _, event in writes]
        twice = [each for each in ids if ids.count(each) > 1]
        if twice:
            raise IdReused(twice[0], "is given twice in one append")
        known = [self._by_id[each] for each in ids if each in self._by_id]
        if known and len(known) < len(ids):
            raise IdReused(known[0].id, "is recorded already, and others of this append are not")
        for (stream, event), before in zip(writes, known, strict=False):
            if not self._is_same(stream, event, before):
                raise IdReused(before.id, "is recorded already, elsewhere or with other content")
        return known

    def _is_same(self, stream: Stream, event: Prepared, before: Recorded) -> bool:
        row = before.row
        return (
            (row[4], row[5]) == tuple(stream)
            and (row[2], row[3], row[7]) == (event.type, event.schema_version, event.data)
            and (row[8], row[9]) == (self._codec.encode_tags(event.tags), event.metadata)
            and row[10] == event.causation_id
            and event.occurred_at in (None, before.occurred_us)
            and (event.correlation_id is None or id_text(event.correlation_id) == before.correlation_id)
        )

    def _check(self, batches: Sequence[Batch], condition: Condition | None) -> None:
        for stream, _, expected in batches:
            actual = self._versions.get(stream, 0)
            if expected not in _fulfilled(actual):
                raise VersionConflict(str(stream), expected=str(expected), actual=actual)
        if condition is not None:
            for event in self._log[max(condition.after, 0) :]:
                if condition.query.accepts(event):
                    raise ConditionFailed(event.position)

    def _lines(self, writes: Sequence[tuple[Stream, Prepared]]) -> list[Line]:
        now = self._clock()
        versions: dict[Stream, int] = {}
        roots: dict[StoredId, StoredId] = {}
        lines = []
        for position, (stream, event) in enumerate(writes, len(self._log) + 1):
            versions[stream] = versions.get(stream, self._versions.get(stream, 0)) + 1
            correlation = event.correlation_id or self._inherited(event.causation_id, roots)
            roots[event.id] = correlation or event.id
            line = Line(
                position=position,
                id=id_text(event.id),
                type=event.type,
                schema_version=event.schema_version,
                stream_type=stream.type,
                stream_id=stream.id,
                version=versions[stream],
                data=event.data,
                tags=self._codec.encode_tags(event.tags),
                metadata=event.metadata,
                causation_id=_text(event.causation_id),
                correlation_id=_text(correlation),
                occurred_at=event.occurred_at,
                recorded_at=now,
            )
            lines.append(line)
        return lines

    def _inherited(self, cause: StoredId | None, roots: dict[StoredId, StoredId]) -> StoredId | None:
        if cause is None or cause in roots:
            return cause and roots[cause]
        known = self._by_id.get(id_text(cause))
        return stored_id(known.correlation_id) if known else cause

    def _write(self, line: bytes) -> None:
        """Have the disk take a line, or leave the file as it was."""
        os.ftruncate(self._file, self._read_to)
        try:
            if os.write(self._file, line) < len(line):
                raise OSError("the disk took only a part")
        except OSError as error:
            os.ftruncate(self._file, self._read_to)
            raise Unavailable(f"the file can't be written: {error}", remedy="make room") from error
        try:
            os.fsync(self._file)
        except OSError as error:
            self._closed = True
            raise OutcomeUnknown(f"the disk failed: {error}", remedy="open it again and look") from error
        self._take_in()

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
        end = self.head() if before is None else min(before - 1, self.head())
        positions = range(max(after, 0), end)
        chosen = (self._log[index] for index in (reversed(positions) if backwards else positions))
        return islice((event for event in chosen if query.accepts(event)), limit)

    def head(self) -> int:
        """See `EventStore.head`."""
        with self._locked(LOCK_SH):
            return len(self._log)

    def wait(self, after: int, timeout: float) -> bool:
        """See `EventStore.wait`. Other processes' events are looked for now and then."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while self.head() <= after:
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                self._changed.wait(min(left, LOOK_EVERY))
        return True

    def close(self) -> None:
        """See `EventStore.close`."""
        with self._changed:
            if self._file >= 0:
                os.close(self._file)
            self._file = -1
            self._closed = True
            self._changed.notify_all()


def _row(line: Line) -> Row:
    row = Row(*msgspec.structs.astuple(line))
    return row._replace(
        id=stored_id(line.id),
        causation_id=_stored(line.causation_id),
        correlation_id=_stored(line.correlation_id),
    )


def _stored(text: str | None) -> StoredId | None:
    return None if text is None else stored_id(text)


def _text(stored: StoredId | None) -> str | None:
    return None if stored is None else id_text(stored)


def _fulfilled(version: int) -> tuple[Expected | int, ...]:
    """The expectations that a stream at this version fulfils."""
    return (version, Expected.ANY, Expected.EXISTS if version else Expected.NO_STREAM)


def _answer(events: Sequence[Recorded], *, replayed: bool = False) -> Appended:
    return Appended(
        [event.position for event in events],
        [event.version for event in events],
        [event.row[1] for event in events],
        replayed,
    )
