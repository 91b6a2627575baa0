"""The installed stores, found and opened as a fleet does it: a stranger's joins in by being installed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.workload import STREAM_LENGTH, STREAM_TYPE, Schedule, WorkReported
from fleet_core.catalog import Catalog
from fleet_core.codecs import EventCodec
from fleet_core.plugins import Plugins
from fleet_core.stores import ALL, Batch, EventStore, Query, Stream
from fleet_core.times import system_clock

GROUP = "fleet.stores"


def installed_stores() -> list[str]:
    """The names of all store plugins."""
    return Catalog.installed().names(GROUP)


def open_store(name: str, directory: Path, settings: Mapping[str, Any]) -> EventStore:
    """Open a store by its plugin's name.

    Raises:
        FleetError: it can't run here; the message says why.
    """
    plugins = Plugins(Catalog.installed())
    codec = plugins.call("fleet.codecs", "json", "fleet_make_codec", name="json", settings={})
    directory.mkdir(parents=True, exist_ok=True)
    store: EventStore = plugins.call(
        GROUP,
        name,
        "fleet_open_store",
        name=name,
        settings=dict(settings),
        codec=EventCodec(codec, [WorkReported]),
        clock=system_clock,
        directory=directory,
    )
    return store


class StoreSubject:
    """A store under measurement: every append says which version it expects."""

    def __init__(
        self, name: str, directory: Path, preload: int = 0, settings: Mapping[str, Any] | None = None
    ) -> None:
        self.store = open_store(name, directory, settings or {})
        self.schedule = Schedule()
        self.append(self.prepare(STREAM_LENGTH, preload // STREAM_LENGTH))

    def prepare(self, size: int, count: int) -> list[Batch]:
        """The next `count` appends of `size` events."""
        return [
            Batch(Stream(STREAM_TYPE, write.stream_id), write.events, write.expected)
            for write in self.schedule.calls(size, count)
        ]

    def append(self, work: list[Batch]) -> None:
        """One durable append for each batch."""
        append = self.store.append
        for batch in work:
            append(batch)

    def read_stream(self, stream_id: str) -> int:
        """Read one stream and decode its events; says how many there were."""
        return self._decode(Query.of(streams=(Stream(STREAM_TYPE, stream_id),)))

    def read_decoded(self) -> int:
        """Read the whole log and decode every event's data; says how many there were."""
        return self._decode(ALL)

    def _decode(self, query: Query) -> int:
        count = 0
        for event in self.store.read(query):
            event.data  # noqa: B018  (decoding is what is measured)
            count += 1
        return count

    def read_undecoded(self) -> int:
        """Read the whole log; says how many events there were."""
        return sum(1 for _ in self.store.read())

    def close(self) -> None:
        """Close the store."""
        self.store.close()
