"""The installed stores, found and opened as a fleet does it: a stranger's joins in by being installed."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from fleet_bench.contestants import Door, Unfit
from fleet_bench.schedule import REPORTS, STREAM_LENGTH, STREAM_TYPE, Schedule, WorkReported, Write
from fleet_core.api import (
    ALL,
    Batch,
    Catalog,
    Conflict,
    EventCodec,
    EventStore,
    Expected,
    Maintenance,
    Plugins,
    Query,
    Stream,
    Unavailable,
    Usage,
    Views,
    fold,
    system_clock,
)

GROUP: Final = "fleet.stores"

PAGE: Final = 500
"""Events that are read at a time by whoever follows the log."""


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
        service_url=_no_service,
    )
    return store


def join_store(name: str, directory: Path, settings: Mapping[str, Any]) -> EventStore:
    """Open a store in another process than the one that began its log.

    Raises:
        Unfit: that leads to another log.
    """
    store = open_store(name, directory, settings)
    if not store.head():
        store.close()
        raise Unfit("each process has a log of its own")
    return store


def _no_service(service: str) -> str:
    raise Unavailable(
        f"benchmarks know no service {service!r}: they belong to no project",
        remedy='say where it is: --setting postgres.dsn="$(fleet services url)"',
    )


class StoreContestant:
    """A store under measurement: every append says which version it expects, every read decodes."""

    def __init__(
        self, name: str, directory: Path, preload: int = 0, settings: Mapping[str, Any] | None = None
    ) -> None:
        """Open a new log.

        Raises:
            Usage: settings lead to a log that holds something already: nobody's events are to be mixed with
                a benchmark's.
        """
        self.name = name
        self.directory = directory
        self.settings = settings or {}
        self.store = open_store(name, directory, self.settings)
        self.schedule = Schedule()
        if self.store.head():
            self.store.close()
            raise Usage(
                f"the settings of store {name!r} lead to a log that holds events",
                remedy=f"set [plugins.{name}] to a place where nothing is yet, for instance with --setting",
            )
        for batch in self.ready(self.schedule.calls(STREAM_LENGTH, preload // STREAM_LENGTH)):
            self.append(batch)

    def ready(self, writes: Sequence[Write]) -> list[Batch]:
        """See `Appending`. Events are structs that are ready to append."""
        return [Batch(Stream(STREAM_TYPE, write.stream_id), write.events, write.expected) for write in writes]

    def append(self, call: Batch) -> None:
        """See `Appending`."""
        self.store.append(call)

    def door(self) -> Door:
        """See `Joinable`. A log that is still empty can't be told from one of another process."""
        return partial(join_store, self.name, self.directory, self.settings)

    def append_at_once(self, writes: Sequence[Write]) -> None:
        """Have all of these written in one append, in their order, where nobody takes the time."""
        self.store.append(*(batch._replace(expected=Expected.ANY) for batch in self.ready(writes)))

    def refusals(self) -> tuple[type[Exception], ...]:
        """See `Claiming`."""
        return (Conflict,)

    def read_stream(self, stream_id: str) -> int:
        """See `Reading`."""
        return self._decode(Query.of(streams=(Stream(STREAM_TYPE, stream_id),)))

    def read_log(self) -> int:
        """See `Reading`."""
        return self._decode(ALL)

    def _decode(self, query: Query) -> int:
        count = 0
        for event in self.store.read(query):
            event.data  # noqa: B018  (decoding is what is measured)
            count += 1
        return count

    def read_undecoded(self) -> int:
        """Read the whole log and look at no event's data; says how many events there were."""
        return sum(1 for _ in self.store.read())

    def head(self) -> int:
        """See `Tailing`."""
        return self.store.head()

    def tail(self, after: int, timeout: float) -> list[int]:
        """See `Tailing`."""
        if not self.store.wait(after, timeout):
            return []
        positions = []
        for event in self.store.read(after=after, limit=PAGE):
            event.data  # noqa: B018  (decoding is what is measured)
            positions.append(event.position)
        return positions

    def fold_log(self) -> int:
        """See `Folding`."""
        states = fold(REPORTS, self.store.read(REPORTS.query()))
        return sum(state.reports for state in states.values())

    def rebuild_table(self) -> int:
        """See `Tabling`. Once a table is there, appends keep it up to date: this is measured last.

        Raises:
            Unfit: the store has no read tables of its own.
        """
        views = self.store
        if not isinstance(views, Views):
            raise Unfit("it has no read tables of its own")
        views.define([REPORTS])
        head = self.store.head()
        views.rebuild(REPORTS.name, self.store.read(REPORTS.query(), before=head + 1), head)
        return sum(state.reports for _, state in views.rows(REPORTS.name))

    def events(self) -> int:
        """See `Contestant`."""
        return self.store.info().events if isinstance(self.store, Maintenance) else self.read_undecoded()

    def close(self) -> int | None:
        """See `Contestant`. A store that says that its log lies elsewhere is asked how large it is; files are
        measured once they are closed."""
        told = self.store.info() if isinstance(self.store, Maintenance) else None
        self.store.close()
        if told is not None and not Path(told.path).is_relative_to(self.directory):
            return told.bytes if told.path else None
        return bytes_below(self.directory) or None


def bytes_below(directory: Path) -> int:
    """The size of all files in a directory."""
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())
