"""Projections: states folded from events by pure functions.

One definition serves read tables (kept in the append's transaction, or caught up), rebuilds, verification and
time travel. `fold` is the whole theory; the rest is where the states are kept.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Generic, Protocol, TypeVar

import msgspec

from fleet_core.errors import Usage
from fleet_core.events import Recorded
from fleet_core.stores import EventStore, Progress, Query, Views

S = TypeVar("S")

BATCH = 1000
"""Events folded in one transaction while catching up."""


class Projection(msgspec.Struct, Generic[S], frozen=True, kw_only=True):
    """States of one struct type, each under a key, folded from events.

    `types` are the event types it reads (none: every type); `key` says whose state an event concerns (None:
    nobody's); `evolve` is pure and total: it takes the state before (None: there is none) and gives the state
    after (None: there is none any more), for any event of these types, in any order. `version` rises whenever
    `evolve`, `key` or the struct changes, and the table is then rebuilt. `name` is the read table's name.
    """

    name: str
    state: type[S]
    types: tuple[str, ...]
    key: Callable[[Recorded], str | None]
    evolve: Callable[[S | None, Recorded], S | None]
    version: int = 1

    def query(self) -> Query:
        """The events it reads."""
        return Query.of(types=self.types)

    def fields(self) -> tuple[str, ...]:
        """The names of the state's fields, which are the columns of its read table."""
        return self.state.__struct_fields__  # type: ignore[attr-defined,no-any-return]


class Page(msgspec.Struct, Generic[S], frozen=True):
    """Some of the answer. `next` is the cursor to ask on with; None means that this is the end."""

    items: list[S]
    next: str | None = None


def fold(
    projection: Projection[S], events: Iterable[Recorded], states: dict[str, S] | None = None
) -> dict[str, S]:
    """The states after these events, by key."""
    states = {} if states is None else states
    key, evolve = projection.key, projection.evolve
    wanted = frozenset(projection.types)
    for event in events:
        if wanted and event.type not in wanted:
            continue
        whose = key(event)
        if whose is None:
            continue
        state = evolve(states.get(whose), event)
        if state is None:
            states.pop(whose, None)
        else:
            states[whose] = state
    return states


class View(Protocol[S]):
    """How states are read, wherever they are kept."""

    def get(self, key: str) -> S | None:
        """The state under a key, or None."""
        ...

    def select(
        self,
        where: Mapping[str, Any] | None = None,
        *,
        after: str | None = None,
        limit: int | None = None,
        backwards: bool = False,
    ) -> Page[S]:
        """States whose fields equal what `where` says, in order of their keys, beyond the key `after`.

        Raises:
            Usage: a field that the state does not have.
        """
        ...

    def count_by(self, field: str) -> dict[str, int]:
        """How many states hold each value of a field."""
        ...


class TableView(Generic[S]):
    """States in a store's read table."""

    def __init__(self, views: Views, projection: Projection[S]) -> None:
        self._views = views
        self._name = projection.name

    def get(self, key: str) -> S | None:
        """The state under a key, or None."""
        return self._views.get(self._name, key)

    def select(
        self,
        where: Mapping[str, Any] | None = None,
        *,
        after: str | None = None,
        limit: int | None = None,
        backwards: bool = False,
    ) -> Page[S]:
        """See `View.select`."""
        return self._views.select(self._name, where or {}, after=after, limit=limit, backwards=backwards)

    def count_by(self, field: str) -> dict[str, int]:
        """See `View.count_by`."""
        return self._views.count_by(self._name, field)


class FoldedView(Generic[S]):
    """States in memory, folded for one question: time travel, verification, the memory store."""

    def __init__(self, projection: Projection[S], states: Mapping[str, S]) -> None:
        self._projection = projection
        self._states = states

    def get(self, key: str) -> S | None:
        """The state under a key, or None."""
        return self._states.get(key)

    def select(
        self,
        where: Mapping[str, Any] | None = None,
        *,
        after: str | None = None,
        limit: int | None = None,
        backwards: bool = False,
    ) -> Page[S]:
        """See `View.select`; this is the reference that read tables must agree with."""
        wanted = {check_field(self._projection, field): value for field, value in (where or {}).items()}
        keys = sorted(self._states, key=str.encode, reverse=backwards)
        beyond = (key for key in keys if after is None or _is_beyond(key, after, backwards))
        found = [key for key in beyond if _has(self._states[key], wanted)]
        taken = found[:limit]
        following = taken[-1] if taken and len(found) > len(taken) else None
        return Page([self._states[key] for key in taken], following)

    def count_by(self, field: str) -> dict[str, int]:
        """See `View.count_by`."""
        check_field(self._projection, field)
        counts = Counter(str(getattr(state, field)) for state in self._states.values())
        return dict(sorted(counts.items()))


def _is_beyond(key: str, after: str, backwards: bool) -> bool:
    return key.encode() < after.encode() if backwards else key.encode() > after.encode()


def _has(state: object, wanted: Mapping[str, Any]) -> bool:
    return all(getattr(state, field) == value for field, value in wanted.items())


def check_field(projection: Projection[Any], field: str) -> str:
    """Accept the name of a field of the state.

    Raises:
        Usage: there is no such field.
    """
    if field not in projection.fields():
        raise Usage(
            f"{projection.name} have no field {field!r}",
            remedy=f"choose from {', '.join(projection.fields())}",
        )
    return field


def catch_up(store: EventStore, views: Views, projection: Projection[Any]) -> int:
    """Bring a read table up to the log's head; returns the position it stands at."""
    head = store.head()
    position = views.position(projection.name)
    while position < head:
        events = list(store.read(projection.query(), after=position, before=head + 1, limit=BATCH))
        position = events[-1].position if len(events) == BATCH else head
        views.apply(projection.name, events, position)
    return position


def rebuild(
    store: EventStore, views: Views, projection: Projection[Any], progress: Progress = lambda position: None
) -> int:
    """Fold a read table anew beside the old one and switch; returns the position it stands at."""
    head = store.head()
    views.rebuild(projection.name, _told(store.read(projection.query(), before=head + 1), progress), head)
    return catch_up(store, views, projection)


def _told(events: Iterable[Recorded], progress: Progress) -> Iterator[Recorded]:
    for count, event in enumerate(events):
        if count % BATCH == 0:
            progress(event.position)
        yield event


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """A state that a read table holds and the log does not, or the other way round, or both, unlike."""

    projection: str
    key: str
    table: Any | None
    folded: Any | None


def differences(store: EventStore, views: Views, projection: Projection[Any]) -> list[Difference]:
    """Fold the whole log again and compare it with the read table as it stands.

    Others may append meanwhile: what they changed while the table was being read may stand in any of the
    states it went through.
    """
    before = views.position(projection.name)
    table = dict(views.rows(projection.name))
    after = views.position(projection.name)
    folded = fold(projection, store.read(projection.query(), before=before + 1))
    passed = _states_passed(
        projection, folded, store.read(projection.query(), after=before, before=after + 1)
    )
    return [
        Difference(projection=projection.name, key=key, table=table.get(key), folded=folded.get(key))
        for key in sorted(table.keys() | folded.keys())
        if table.get(key) not in (folded.get(key), *passed.get(key, ()))
    ]


def _states_passed(
    projection: Projection[S], states: dict[str, S], events: Iterable[Recorded]
) -> dict[str, list[S | None]]:
    """Fold events into states, and keep every state that each key was in before."""
    passed: dict[str, list[S | None]] = {}
    for event in events:
        key = projection.key(event)
        if key is not None:
            passed.setdefault(key, []).append(states.get(key))
            fold(projection, (event,), states)
    return passed
