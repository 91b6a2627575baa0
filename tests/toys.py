"""A toy domain, a store without read tables and an observer: what a fleet is wired of, in small."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from fleet_core.api import (
    ALL,
    Appended,
    Batch,
    Clock,
    Condition,
    Conflict,
    Decision,
    Done,
    EventCodec,
    EventStore,
    EventType,
    Query,
    Read,
    Recorded,
    ServiceStatus,
    Stream,
    Views,
    Write,
    hookimpl,
)
from fleet_core.catalog import Catalog, Entry
from fleet_core.fleet import Fleet
from fleet_core.project import Project
from fleet_core.projections import Projection
from fleet_core.settings import Settings, StoreSettings, ViewsSettings
from fleet_memory.store import MemoryStore
from fleet_memory.tables import ReadTables
from fleets import TestClock


class BoxMade(EventType, frozen=True):
    """Somebody made a box."""

    type_name = "box_made"
    label: str


class BoxFilled(EventType, frozen=True):
    """Something was put into a box."""

    type_name = "box_filled"
    amount: Annotated[int, Meta(gt=0)]


class Box(msgspec.Struct, frozen=True):
    """A box and what is in it."""

    id: str
    label: str
    status: str = "empty"
    amount: int = 0


class Label(msgspec.Struct, frozen=True):
    """How many boxes bear a label; a state without a status."""

    label: str
    boxes: int


def _evolve_box(box: Box | None, event: Recorded) -> Box | None:
    if event.type == "box_made":
        return box or Box(id=event.stream_id, label=event.data.label)
    if box is None:
        return None
    return msgspec.structs.replace(box, status="filled", amount=box.amount + event.data.amount)


def _evolve_label(label: Label | None, event: Recorded) -> Label:
    return Label(event.data.label, label.boxes + 1 if label else 1)


BOXES = Projection(
    name="boxes",
    state=Box,
    types=("box_made", "box_filled"),
    key=lambda event: event.stream_id,
    evolve=_evolve_box,
)
LABELS = Projection(
    name="labels", state=Label, types=("box_made",), key=lambda event: event.data.label, evolve=_evolve_label
)


class MakeBox(Write, frozen=True):
    box: str
    label: str = "none"


class FillBox(Write, frozen=True):
    box: str
    amounts: tuple[int, ...]


class ShowBox(Read, frozen=True):
    box: str


def make(fleet: Fleet, request: MakeBox) -> Done[Box]:
    """Make a box.

    Refuses to make it twice.
    """

    def decide(decision: Decision) -> Stream:
        stream = Stream("box", request.box)
        if decision.look(BOXES, stream) is not None:
            raise Conflict(f"box {request.box} is made already", remedy="choose another")
        decision.record(stream, BoxMade(label=request.label), tags=(f"label:{request.label}",))
        return stream

    return fleet.decide(request, BOXES, decide)


def fill(fleet: Fleet, request: FillBox) -> Done[Box]:
    """Fill a box, in one or more portions."""

    def decide(decision: Decision) -> Stream:
        stream = Stream("box", request.box)
        if decision.look(BOXES, stream) is None:
            raise Conflict(f"there is no box {request.box}", remedy="make it")
        cause = None
        for amount in request.amounts:
            cause = decision.record(stream, BoxFilled(amount=amount), cause=cause)
        return stream

    return fleet.decide(request, BOXES, decide)


def show(fleet: Fleet, request: ShowBox) -> Box | None:
    """Show a box."""
    return fleet.view(BOXES, request.as_of).get(request.box)


@hookimpl
def fleet_event_types() -> Sequence[type[EventType]]:
    return (BoxMade, BoxFilled)


@hookimpl
def fleet_projections() -> Sequence[Projection[Any]]:
    return (BOXES, LABELS)


class RivalDomain:
    """A domain that claims the same projections."""

    @hookimpl
    def fleet_projections(self) -> Sequence[Projection[Any]]:
        return (BOXES,)


rival_domain = RivalDomain()

opened_stores: list["BareStore"] = []
"""The bare stores that were opened, so that a test can look at one that no fleet came to own."""


class BareStore:
    """A store with the five methods and no ability."""

    def __init__(self, codec: EventCodec, clock: Clock) -> None:
        self._store = MemoryStore(codec, clock)
        opened_stores.append(self)

    def append(self, *batches: Batch, condition: Condition | None = None) -> Appended:
        return self._store.append(*batches, condition=condition)

    def read(self, query: Query = ALL, **bounds: Any) -> Iterator[Recorded]:
        return self._store.read(query, **bounds)

    def head(self) -> int:
        return self._store.head()

    def wait(self, after: int, timeout: float) -> bool:
        return self._store.wait(after, timeout)

    def close(self) -> None:
        self._store.close()


class SideTables(ReadTables):
    """Read tables beside a store, which must be caught up."""

    inline = False
    closed = False

    def close(self) -> None:
        self.closed = True


@hookimpl
def fleet_open_store(name: str, codec: EventCodec, clock: Clock) -> EventStore | None:
    return BareStore(codec, clock) if name == "bare" else None


@hookimpl
def fleet_open_views(name: str) -> Views | None:
    return SideTables() if name == "bare" else None


class Listener:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.heard: list[Any] = []

    @hookimpl
    def fleet_opened(self, fleet: Fleet) -> None:
        self.heard.append("opened")

    @hookimpl
    def fleet_events_recorded(self, events: Sequence[Recorded]) -> None:
        self.heard.append([event.position for event in events])

    @hookimpl
    def fleet_projection_advanced(self, name: str, position: int) -> None:
        self.heard.append((name, position))

    @hookimpl
    def fleet_service_started(self, project: Project, status: ServiceStatus) -> None:
        self.heard.append(("started", project.root, status.service, status.state))

    @hookimpl
    def fleet_service_stopped(self, project: Project, status: ServiceStatus) -> None:
        self.heard.append(("stopped", project.root, status.service, status.state))

    @hookimpl
    def fleet_closed(self, fleet: Fleet) -> None:
        self.heard.append("closed")


listener = Listener()

_ENTRIES = [
    ("fleet.stores", "memory", "fleet_memory.plugin"),
    ("fleet.stores", "bare", "toys"),
    ("fleet.codecs", "json", "fleet_msgspec.plugin"),
    ("fleet.domains", "boxes", "toys"),
    ("fleet.operations", "box.make", "toys:make"),
    ("fleet.operations", "box.show", "toys:show"),
    ("fleet.observers", "listener", "toys:listener"),
]


def catalog(*more: tuple[str, str, str]) -> Catalog:
    """What is installed in these tests, and more."""
    return Catalog([Entry(*offer, "toys", "1.0") for offer in (*_ENTRIES, *more)])


@contextmanager
def toy_fleet(
    folder: Path,
    backend: str = "memory",
    *,
    views: str = "bare",
    observers: Sequence[str] = (),
    more: Sequence[tuple[str, str, str]] = (),
    clock: TestClock | None = None,
    warnings: list[str] | None = None,
) -> Iterator[Fleet]:
    """A fleet of toys in a folder."""
    settings = Settings(
        store=StoreSettings(backend=backend), views=ViewsSettings(backend=views), observers=list(observers)
    )
    project = Project(folder, folder / ".fleet")
    warn = (warnings if warnings is not None else []).append
    with Fleet.open(
        project, settings=settings, catalog=catalog(*more), clock=clock or TestClock(), warn=warn
    ) as fleet:
        yield fleet
