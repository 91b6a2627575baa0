"""The peer: PyPI `eventsourcing` on its SQLite recorder, as people install it.

It writes four columns and one index where fleet writes its whole envelope, and works on the SQLite library
that Python was built with; both are its own choice, and both stay.
"""

from pathlib import Path
from typing import Final
from uuid import UUID

import msgspec
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import ApplicationRecorder, StoredEvent

from benchmarks.workload import EVENTS, STREAM_LENGTH, Schedule, WorkReported, Write


class Work(Aggregate):
    """The peer's idea of a stream. Its decorators want every field spelled out."""

    @event("Begun")
    def __init__(
        self, id: UUID, specialist_id: str, sortie_id: str, progress: int, message: str, files: list[str]
    ) -> None:
        self._id = id
        self.state = (specialist_id, sortie_id, progress, message, files)

    @staticmethod
    def create_id(id: UUID) -> UUID:
        """The id that is given."""
        return id

    @event("Reported")
    def report(
        self, specialist_id: str, sortie_id: str, progress: int, message: str, files: list[str]
    ) -> None:
        """One more event."""
        self.state = (specialist_id, sortie_id, progress, message, files)


class Peer:
    """An application with its database; the preload is the same for all ways to write to it."""

    def __init__(self, directory: Path, preload: int = 0) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        database = str(directory / "peer.sqlite")
        self.application: Application[UUID] = Application(
            env={"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": database}
        )
        self.recorder: ApplicationRecorder = self.application.recorder
        self.schedule = Schedule()
        self._open: dict[str, Work] = {}
        for write in self.schedule.batches(STREAM_LENGTH, preload // STREAM_LENGTH):
            self.application.save(self._told(write))

    def _told(self, write: Write) -> Work:
        """The aggregate that a write concerns, with the events pending."""
        work = self._open.get(write.stream_id) if write.expected else None
        for new in write.events:
            if work is None:
                work = Work(UUID(write.stream_id), **FIELDS[id(new)])
            else:
                work.report(**FIELDS[id(new)])
        assert work is not None
        if len(write.events) == 1:
            self._open[write.stream_id] = work
        return work

    def read_stream(self, stream_id: str) -> int:
        """Rebuild one aggregate; says of how many events."""
        work: Work = self.application.repository.get(UUID(stream_id))
        return work.version

    def close(self) -> None:
        """Close the database."""
        self.application.close()


FIELDS: Final = {id(new): msgspec.to_builtins(new.data) for new in EVENTS}
"""The events' fields, taken apart before anything is timed."""


class ApplicationSubject(Peer):
    """Telling an aggregate what happened and `Application.save`: what the peer's users write."""

    def prepare(self, size: int, count: int) -> list[Write]:
        """The next `count` saves of `size` events."""
        return self.schedule.calls(size, count)

    def append(self, work: list[Write]) -> None:
        """Save each aggregate by itself."""
        save = self.application.save
        for write in work:
            save(self._told(write))


class SaveSubject(Peer):
    """`Application.save` alone, the events pending. At most `OPEN_STREAMS` single events at a time."""

    def prepare(self, size: int, count: int) -> list[Work]:
        """The next `count` aggregates with `size` pending events."""
        return [self._told(write) for write in self.schedule.calls(size, count)]

    def append(self, work: list[Work]) -> None:
        """Save each aggregate by itself."""
        save = self.application.save
        for aggregate in work:
            save(aggregate)


class RecorderSubject(Peer):
    """Writing with the recorder underneath: bytes in, nothing encoded."""

    def prepare(self, size: int, count: int) -> list[list[StoredEvent]]:
        """The next `count` inserts of `size` events."""
        return [_stored(write) for write in self.schedule.calls(size, count)]

    def append(self, work: list[list[StoredEvent]]) -> None:
        """One insert for each."""
        insert = self.recorder.insert_events
        for events in work:
            insert(events)

    def read_stream(self, stream_id: str) -> int:
        """Fetch one aggregate's events as bytes; says how many."""
        return len(self.recorder.select_events(UUID(stream_id)))


def _stored(write: Write) -> list[StoredEvent]:
    originator = UUID(write.stream_id)
    return [
        StoredEvent(originator, write.expected + index, WorkReported.type_name, msgspec.json.encode(new.data))
        for index, new in enumerate(write.events, start=1)
    ]
