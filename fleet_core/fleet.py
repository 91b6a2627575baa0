"""Fleet: the Python front door. Wires the plugins that settings choose, and owns their lifetimes.

with Fleet.open() as fleet:
    fleet.store.append(...)
    fleet.view("missions").select({"status": "in_progress"})
"""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from fleet_core import project as projects
from fleet_core import settings as settings_module
from fleet_core.catalog import Catalog
from fleet_core.codecs import EventCodec
from fleet_core.errors import Conflict, FleetError, IdReused, Invalid, NotFound, Unavailable
from fleet_core.events import Recorded
from fleet_core.ids import IdSource, Uuid7
from fleet_core.moments import AsOf, parse_as_of
from fleet_core.operations import Decision, Done, Operation, Outcome, Refused, Write, find_answer
from fleet_core.plugins import Plugins, broken
from fleet_core.project import Project
from fleet_core.projections import FoldedView, Projection, TableView, View, catch_up, fold, rebuild
from fleet_core.settings import Settings
from fleet_core.stores import (
    Appended,
    Batch,
    Condition,
    EventStore,
    Match,
    Progress,
    Query,
    Stream,
    Timekeeping,
    Views,
)
from fleet_core.times import Clock, Instant, Timekeeper, machine_instant, system_clock

S = TypeVar("S")

ATTEMPTS: Final = 100
"""How often a decision is taken anew when others keep changing what it depends on."""


class Fleet:
    """A project's events, the plugins chosen to keep and understand them, and the states folded from them.

    Nothing is global: two fleets in one process share nothing. Use it as a context manager, or `close` it.
    """

    def __init__(
        self,
        *,
        project: Project,
        settings: Settings,
        plugins: Plugins,
        clock: Clock = system_clock,
        timekeeper: Timekeeper | None = None,
        ids: IdSource | None = None,
        warn: Callable[[str], None] = lambda text: None,
    ) -> None:
        self.project = project
        self.settings = settings
        self.plugins = plugins
        self.clock = clock
        self.ids = ids or Uuid7(clock)
        self.warn = warn
        self.projections: dict[str, Projection[Any]] = {}
        self.codec = self._make_codec()
        self._contribute("fleet_projections", self._add_projection)
        self.store: EventStore = self.open_store(settings.store.backend)
        self.instant = timekeeper or self._timekeeper()
        self._closed = False
        try:
            self.views = self._open_views()
            self._define_views()
        except BaseException:
            self.store.close()
            raise
        self.plugins.tell("fleet_opened", fleet=self)

    @classmethod
    def open(
        cls,
        start: Project | Path | str | None = None,
        *,
        settings: Settings | None = None,
        catalog: Catalog | None = None,
        clock: Clock = system_clock,
        timekeeper: Timekeeper | None = None,
        ids: IdSource | None = None,
        warn: Callable[[str], None] = lambda text: None,
    ) -> "Fleet":
        """Open a project, or the one that a folder (by default the current one) belongs to.

        Raises:
            NotFound: it belongs to none.
            Invalid: settings that don't fit.
            PluginBroken: a chosen plugin can't be loaded.
        """
        project = start if isinstance(start, Project) else projects.find(Path(start or "."))
        chosen = settings or settings_module.load(project.config).settings
        plugins = Plugins(catalog or Catalog.installed(), observers=chosen.observers, warn=warn)
        return cls(
            project=project,
            settings=chosen,
            plugins=plugins,
            clock=clock,
            timekeeper=timekeeper,
            ids=ids,
            warn=warn,
        )

    def _timekeeper(self) -> Timekeeper:
        """Whose clock the passing of time is judged by: the store's, else this machine's or the injected
        one.
        """
        if self.clock is not system_clock:
            return lambda: Instant(self.clock())
        return self.store.instant if isinstance(self.store, Timekeeping) else machine_instant

    def _make_codec(self) -> EventCodec:
        name = self.settings.store.codec
        chosen = self.plugins.call(
            "fleet.codecs", name, "fleet_make_codec", name=name, settings=self._table(name)
        )
        return EventCodec(
            chosen, ids=self.ids, max_bytes=self.settings.store.max_event_bytes, learn=self._teach
        )

    def _teach(self, codec: EventCodec) -> None:
        self._contribute("fleet_event_types", codec.register)
        self._contribute("fleet_upcasters", codec.add_upcaster)

    def _contribute(self, hook: str, add: Callable[[Any], None]) -> None:
        """Add what the domains contribute; what clashes with another's is reported and left out."""
        for entry, found in self.plugins.collect("fleet.domains", hook):
            for each in found:
                try:
                    add(each)
                except FleetError as error:
                    self.plugins.report(entry, broken(entry, error))

    def _add_projection(self, projection: Projection[Any]) -> None:
        if projection.name in self.projections:
            raise Invalid(f"projection {projection.name} is defined by another plugin too")
        self.projections[projection.name] = projection

    def open_store(self, name: str) -> EventStore:
        """Open a store of this project beside the one in use, by its plugin's name and settings. The caller
        closes it.

        Raises:
            NotFound, PluginBroken: there is no such plugin, or it can't be loaded.
        """
        store: EventStore = self.plugins.call(
            "fleet.stores",
            name,
            "fleet_open_store",
            name=name,
            settings=self._table(name),
            codec=self.codec,
            clock=self.clock,
            directory=self.project.directory,
            service_url=self._service_url,
        )
        return store

    def _service_url(self, service: str) -> str:
        from fleet_core.services import Services  # few stores live in a service

        return Services(self.project, self.settings, self.plugins).provider(service).url()

    def _open_views(self) -> Views:
        if isinstance(self.store, Views):
            return self.store
        name = self.settings.views.backend
        views: Views = self.plugins.call(
            "fleet.stores",
            name,
            "fleet_open_views",
            name=name,
            settings=self._table(name),
            codec=self.codec,
            directory=self.project.directory,
        )
        return views

    def _define_views(self) -> None:
        for name in self.views.define(list(self.projections.values())):
            self.rebuild(self.projections[name])

    def _table(self, name: str) -> dict[str, Any]:
        return dict(self.settings.plugins.get(name, {}))

    def append(self, *batches: Batch, condition: Condition | None = None) -> Appended:
        """Record events, as `EventStore.append` does, and tell the observers."""
        appended = self.store.append(*batches, condition=condition)
        if self.plugins.has_observers and not appended.replayed and appended.positions:
            self.plugins.tell("fleet_events_recorded", fleet=self, events=self._recorded(appended))
        return appended

    def _recorded(self, appended: Appended) -> list[Recorded]:
        """The events of an append. Between their positions there may be events of others."""
        ours = set(appended.positions)
        around = self.store.read(after=min(ours) - 1, before=max(ours) + 1)
        return [event for event in around if event.position in ours]

    def projection(self, name: str) -> Projection[Any]:
        """The definition of a projection.

        Raises:
            NotFound: no installed plugin defines it.
        """
        found = self.projections.get(name)
        if found is None:
            raise NotFound(
                f"no projection is called {name!r}",
                remedy=f"there are {', '.join(sorted(self.projections)) or 'none'}",
            )
        return found

    def view(
        self, projection: Projection[S], as_of: AsOf | str | None = None, *, at_least: int | None = None
    ) -> View[S]:
        """The states of a projection, as they are now or as they were. Whoever has just asked for the log's
        head says so with `at_least`, and need not have it asked for again.

        Raises:
            NotFound: `as_of` lies beyond the end of the log.
            Usage: `as_of` is text that is no point in the log's life.
        """
        if as_of is not None:
            return FoldedView(projection, self._fold_until(projection, self.moment(as_of)))
        self.catch_up(projection, at_least)
        return TableView(self.views, projection)

    def _fold_until(self, projection: Projection[S], point: AsOf) -> dict[str, S]:
        return fold(projection, self.store.read(point.narrow(projection.query()), before=point.before))

    def moment(self, as_of: AsOf | str) -> AsOf:
        """A point in the log's life, from what a person wrote.

        Raises:
            NotFound: it lies beyond the end of the log.
            Usage: it is no point in the log's life.
        """
        point = parse_as_of(as_of, self.clock()) if isinstance(as_of, str) else as_of
        head = self.store.head()
        if point.position is not None and point.position > head:
            raise NotFound(
                f"position {point.position} lies beyond the end of the log",
                remedy=f"the log ends at position {head}",
                head=head,
            )
        return point

    def catch_up(self, projection: Projection[Any], at_least: int | None = None) -> int:
        """Bring a read table up to the head of the log, or what was it, where the store has not done so
        itself.
        """
        position = self.views.position(projection.name)
        if position >= (self.store.head() if at_least is None else at_least):
            return position
        position = catch_up(self.store, self.views, projection)
        self.plugins.tell("fleet_projection_advanced", fleet=self, name=projection.name, position=position)
        return position

    def rebuild(self, projection: Projection[Any], progress: Progress = lambda position: None) -> int:
        """Fold a read table anew from the whole log, and switch to it."""
        position = rebuild(self.store, self.views, projection, progress)
        self.plugins.tell("fleet_projection_advanced", fleet=self, name=projection.name, position=position)
        return position

    def operation(self, name: str) -> Operation:
        """An installed operation, such as `sortie.start`.

        Raises:
            NotFound: none has that name.
            PluginBroken: it can't be loaded.
        """
        entry = self.plugins.find("fleet.operations", name)
        return Operation.of(name, self.plugins.load_object(entry))

    def decide(
        self, request: Write, projection: Projection[S], decide: Callable[[Decision], Stream]
    ) -> Done[S]:
        """Carry a request out whose answer is a state: that of the stream which `decide` returns.

        Raises:
            Conflict, Unavailable: as `carry_out`, which see.
        """
        chosen: list[Stream] = []
        outcome = self.carry_out(request, lambda decision: chosen.append(decide(decision)))
        if outcome.replayed:
            first = outcome.events[0]
            stream = Stream(first.stream_type, first.stream_id)
            return Done(self._state_at(projection, stream, outcome.position), outcome.position, True)
        return Done(self._current(projection, chosen[-1], outcome.position), outcome.position)

    def carry_out(self, request: Write, decide: Callable[[Decision], object]) -> Outcome:
        """Take a decision and record what follows from it, atomically, in the light of everything it looked
        at.

        `decide` looks at states, raises to refuse, and has events recorded. It runs again when something it
        looked at has changed meanwhile. A request whose key was used for the same request before leads to the
        first outcome again.

        Raises:
            Conflict: the key was used for another request; or whatever `decide` raises.
            Unavailable: others kept changing the same streams.
        """
        for attempt in range(ATTEMPTS):
            earlier = find_answer(self, request)
            if earlier:
                return _answered(earlier)
            outcome = self._try(request, decide, attempt + 1 == ATTEMPTS)
            if outcome is not None:
                return outcome
            _step_aside(attempt)
        raise Unavailable(
            f"others kept changing what {type(request).__name__} depends on", remedy="try again in a moment"
        )

    def _try(self, request: Write, decide: Callable[[Decision], object], is_last: bool) -> Outcome | None:
        """Decide once; None if what the decision looked at changed meanwhile, be it that it was to be
        recorded or not: of what is read one after the other, some may be older than the rest.
        """
        position = self.store.head()
        decision = Decision(self, request, position)
        try:
            decide(decision)
        except Unavailable:
            raise
        except (FleetError, Refused) as refusal:
            if not is_last and self._is_outdated(decision, position):
                return None
            raise self._as_told(refusal) from None
        if not decision.recorded:
            return None if self._is_outdated(decision, position) else Outcome(position, list)
        condition = Condition(decision.basis(), position) if decision.seen else None
        try:
            appended = self.append(*decision.as_batches(), condition=condition)
        except Conflict:
            return None
        self._follow(decision)
        return Outcome(appended.last, lambda: self._recorded(appended))

    def _is_outdated(self, decision: Decision, position: int) -> bool:
        if not decision.seen:
            return False
        return next(self.store.read(decision.basis(), after=position, limit=1), None) is not None

    def _as_told(self, refusal: FleetError | Refused) -> FleetError:
        """The error to be raised, once what it wants recorded is."""
        if isinstance(refusal, FleetError):
            return refusal
        self._record_refusal(refusal.batches)
        return refusal.error

    def _follow(self, decision: Decision) -> None:
        """What is recorded is recorded, whatever fails afterwards."""
        for follow in decision.followers:
            try:
                follow()
            except Exception as error:
                self.warn(f"recorded, but what should follow failed: {type(error).__name__}: {error}")

    def _record_refusal(self, batches: Sequence[Batch]) -> None:
        """Once for every key: a request that is refused again may be so for another reason by then."""
        with suppress(IdReused):
            self.append(*batches)

    def _current(self, projection: Projection[S], stream: Stream, position: int) -> S:
        state = self.view(projection, at_least=position).get(stream.id)
        if state is None:
            raise NotFound(
                f"{stream} has no state in {projection.name}", remedy="this is a bug of its plugin"
            )
        return state

    def _state_at(self, projection: Projection[S], stream: Stream, position: int) -> S:
        joined = Query((Match(streams=(stream,)), Match(tags=(stream.tag,))))
        return fold(projection, self.store.read(joined, before=position + 1))[stream.id]

    def close(self) -> None:
        """Close everything. Safe to call twice."""
        if self._closed:
            return
        self._closed = True
        self.plugins.tell("fleet_closed", fleet=self)
        self.views.close()
        self.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def _answered(earlier: Sequence[Recorded]) -> Outcome:
    return Outcome(earlier[-1].position, lambda: earlier, replayed=True)


def _step_aside(attempt: int) -> None:
    """Let others finish: a random while, up to 20 ms, so that those who met do not meet again."""
    from random import uniform  # slow to import, and needed by few

    time.sleep(uniform(0, 0.001 * min(attempt, 20)))
