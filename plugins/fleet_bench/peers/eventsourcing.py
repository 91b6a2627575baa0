"""The peer: PyPI `eventsourcing`, on SQLite and on PostgreSQL, as people install it.

On SQLite it writes four columns and one index where fleet writes its whole envelope, and works on the SQLite
library that Python was built with; both are its own choice, and both stay.
"""

import time
from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import msgspec
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import ApplicationRecorder, IntegrityError, StoredEvent

from fleet_bench.schedule import REPORTED, STREAM_LENGTH, Schedule, WorkReported, Write
from fleet_bench.stores import PAGE, bytes_below

NAP: Final = 0.001
"""Seconds between two looks for something new."""


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


def sqlite_environment(directory: Path) -> dict[str, str]:
    """What leads an application to a file in a directory."""
    directory.mkdir(parents=True, exist_ok=True)
    return {"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": str(directory / "peer.sqlite")}


class Peer:
    """An application with its database; the preload is the same for all ways to write to it."""

    def __init__(
        self, directory: Path, preload: int = 0, environment: Mapping[str, str] | None = None
    ) -> None:
        """`environment` leads to another database than a file in the directory."""
        self.directory = directory
        self.application: Application[UUID] = Application(env=environment or sqlite_environment(directory))
        self.recorder: ApplicationRecorder = self.application.recorder
        self.schedule = Schedule()
        self._open: dict[str, Work] = {}
        for write in self.schedule.batches(STREAM_LENGTH, preload // STREAM_LENGTH):
            self.application.save(self.told(write))

    def told(self, write: Write) -> Work:
        """The aggregate that a write concerns, with the events pending."""
        work = self._open.get(write.stream_id) if write.expected else None
        for new in write.events:
            if work is None:
                work = Work(UUID(write.stream_id), **FIELDS[id(new.data)])
            else:
                work.report(**FIELDS[id(new.data)])
        assert work is not None
        if len(write.events) == 1:
            self._open[write.stream_id] = work
        return work

    def events(self) -> int:
        """See `Contestant`."""
        return self.recorder.max_notification_id() or 0

    def close(self) -> int | None:
        """See `Contestant`."""
        self.application.close()
        return bytes_below(self.directory)


FIELDS: Final = {id(data): msgspec.to_builtins(data) for data in REPORTED}
"""The events' fields, taken apart before anything is timed."""


class PeerApplication(Peer):
    """Telling an aggregate what happened and `Application.save`: what the peer's users write."""

    def ready(self, writes: Sequence[Write]) -> Sequence[Write]:
        """See `Appending`: telling is part of the call."""
        return writes

    def append(self, call: Write) -> None:
        """See `Appending`."""
        self.application.save(self.told(call))

    def read_stream(self, stream_id: str) -> int:
        """See `Reading`: rebuilds the aggregate."""
        work: Work = self.application.repository.get(UUID(stream_id))
        return work.version

    def read_log(self) -> int:
        """See `Reading`: makes every event an object, as the peer's followers do."""
        mapper = self.application.mapper
        return sum(len([mapper.to_domain_event(each) for each in page]) for page in pages(self.recorder))


class PeerRecorder(Peer):
    """Writing with the recorder underneath: bytes in, bytes out, nothing encoded."""

    def ready(self, writes: Sequence[Write]) -> list[list[StoredEvent]]:
        """See `Appending`."""
        return [stored(write) for write in writes]

    def append(self, call: list[StoredEvent]) -> None:
        """See `Appending`."""
        self.recorder.insert_events(call)

    def refusals(self) -> tuple[type[Exception], ...]:
        """See `Claiming`."""
        return (IntegrityError,)

    def read_stream(self, stream_id: str) -> int:
        """See `Reading`."""
        return len(self.recorder.select_events(UUID(stream_id)))

    def read_log(self) -> int:
        """See `Reading`."""
        return sum(map(len, pages(self.recorder)))

    def head(self) -> int:
        """See `Tailing`."""
        return self.recorder.max_notification_id() or 0

    def tail(self, after: int, timeout: float) -> list[int]:
        """See `Tailing`."""
        deadline = time.monotonic() + timeout
        while True:
            found = self.recorder.select_notifications(after, PAGE, inclusive_of_start=False)
            if found or time.monotonic() > deadline:
                return [each.id for each in found]
            time.sleep(NAP)


def pages(recorder: ApplicationRecorder) -> Any:
    """The whole log, a page at a time."""
    after = 0
    for _ in count():
        page = recorder.select_notifications(after, 1000, inclusive_of_start=False)
        if not page:
            return
        yield page
        after = page[-1].id


def stored(write: Write) -> list[StoredEvent]:
    """A write as the recorder takes it."""
    originator = UUID(write.stream_id)
    return [
        StoredEvent(originator, write.expected + index, WorkReported.type_name, msgspec.json.encode(new.data))
        for index, new in enumerate(write.events, start=1)
    ]
