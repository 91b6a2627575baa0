"""Projections: states folded from events by pure functions.

One definition serves read tables (kept in the append's transaction, or caught up), rebuilds, verification and
time travel. `fold` is the whole theory; the rest is where the states are kept.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import Any, Generic, Protocol, TypeVar

import msgspec

from fleet_core.errors import Invalid, Usage
from fleet_core.events import Recorded
from fleet_core.stores import EventStore, Ordering, Progress, Query, Searching, Views
from fleet_core.words import asked_words, holds, words_in

S = TypeVar("S")

BATCH = 1000
"""Events folded in one transaction while catching up."""


class Projection(msgspec.Struct, Generic[S], frozen=True, kw_only=True):
    """States of one struct type, each under a key, folded from events.

    `types` are the event types it reads (none: every type); `key` says whose state an event concerns (None:
    nobody's); `evolve` is pure and total: it takes the state before (None: there is none) and gives the state
    after (None: there is none any more), for any event of these types, in any order. `version` rises whenever
    `evolve`, `key` or the struct changes, and the table is then rebuilt. `name` is the read table's name.
    `text` names the fields in whose words people search; another choice rebuilds the table too.
    """

    name: str
    state: type[S]
    types: tuple[str, ...]
    key: Callable[[Recorded], str | None]
    evolve: Callable[[S | None, Recorded], S | None]
    version: int = 1
    text: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        unknown = [field for field in self.text if field not in self.fields()]
        if unknown:
            raise Invalid(f"projection {self.name} has no field {unknown[0]!r} to search", path="$.text")

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


class AtMost(msgspec.Struct, frozen=True):
    """In the place of a value in `where`: any number up to this one, itself included. None is no number.

    For fields of whole or decimal numbers, deadlines say; `value` lies within 64 bits.
    """

    value: int | float


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
        """States whose fields equal what `where` says, or are `AtMost` that, in order of their keys, beyond
        the key `after`.

        Raises:
            Usage: a field that the state does not have, or `AtMost` for one that holds no numbers.
        """
        ...

    def search(
        self,
        words: str,
        where: Mapping[str, Any] | None = None,
        *,
        after: str | None = None,
        limit: int | None = None,
        backwards: bool = False,
    ) -> Page[S]:
        """Of the states that `select` would give, those in whose `text` fields each of the words begins a
        word, in whatever case. What a word is, `fleet_core.words` says; nothing in `words` is syntax.

        Raises:
            Usage: as `select`, or there is no word in `words`, or the projection names no `text`.
        """
        ...

    def first(self, where: Mapping[str, Any] | None = None, *, by: str, limit: int) -> list[S]:
        """Of the states that `select` would give, the `limit` ones with the least numbers in the field `by`,
        the least first; of equal ones that with the lesser key. Those without a number are left out.

        Raises:
            Usage: as `select`, or `by` is a field that holds no numbers.
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
        self._projection = projection

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

    def search(
        self,
        words: str,
        where: Mapping[str, Any] | None = None,
        *,
        after: str | None = None,
        limit: int | None = None,
        backwards: bool = False,
    ) -> Page[S]:
        """See `View.search`. Tables without the ability `Searching` are read from end to end."""
        if isinstance(self._views, Searching):
            return self._views.search(
                self._name, words, where or {}, after=after, limit=limit, backwards=backwards
            )
        folded = FoldedView(self._projection, dict(self._views.rows(self._name)))
        return folded.search(words, where, after=after, limit=limit, backwards=backwards)

    def first(self, where: Mapping[str, Any] | None = None, *, by: str, limit: int) -> list[S]:
        """See `View.first`. Tables without the ability `Ordering` are read from end to end."""
        if isinstance(self._views, Ordering):
            return self._views.first(self._name, where or {}, by=by, limit=limit)
        folded = FoldedView(self._projection, dict(self._views.rows(self._name)))
        return folded.first(where, by=by, limit=limit)

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
        wanted = check_where(self._projection, where or {})
        return self._page(lambda state: _has(state, wanted), after, limit, backwards)

    def search(
        self,
        words: str,
        where: Mapping[str, Any] | None = None,
        *,
        after: str | None = None,
        limit: int | None = None,
        backwards: bool = False,
    ) -> Page[S]:
        """See `View.search`; this too is the reference."""
        asked = check_words(self._projection, words)
        wanted = check_where(self._projection, where or {})
        return self._page(
            lambda state: _has(state, wanted) and holds(words_of(self._projection, state), asked),
            after,
            limit,
            backwards,
        )

    def first(self, where: Mapping[str, Any] | None = None, *, by: str, limit: int) -> list[S]:
        """See `View.first`; this too is the reference."""
        wanted = check_where(self._projection, where or {})
        check_order(self._projection, by)
        numbers = {key: getattr(state, by) for key, state in self._states.items() if _has(state, wanted)}
        keys = [key for key, number in numbers.items() if number is not None]
        return [
            self._states[key] for key in sorted(keys, key=lambda key: (numbers[key], key.encode()))[:limit]
        ]

    def _page(
        self, accepts: Callable[[S], bool], after: str | None, limit: int | None, backwards: bool
    ) -> Page[S]:
        keys = sorted(self._states, key=str.encode, reverse=backwards)
        beyond = (key for key in keys if after is None or _is_beyond(key, after, backwards))
        found = [key for key in beyond if accepts(self._states[key])]
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
    return all(_fulfils(getattr(state, field), value) for field, value in wanted.items())


def _fulfils(found: Any, wanted: Any) -> bool:
    if isinstance(wanted, AtMost):
        return found is not None and bool(found <= wanted.value)
    return bool(found == wanted)


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


def check_where(projection: Projection[Any], where: Mapping[str, Any]) -> dict[str, Any]:
    """Accept what a selection asks for. In what comes back, the value of each `AtMost` is of the field's own
    type, and accepts the same numbers: databases compare whole with decimal numbers less exactly than Python.

    Raises:
        Usage: there is no such field, or it holds no numbers and `AtMost` needs some, or is given none.
    """
    return {
        check_field(projection, field): _bounded(projection, field, value)
        if isinstance(value, AtMost)
        else value
        for field, value in where.items()
    }


def check_order(projection: Projection[Any], field: str) -> str:
    """Accept the name of a field whose numbers states can be ordered by.

    Raises:
        Usage: there is no such field, or it holds no numbers.
    """
    _number(projection, check_field(projection, field))
    return field


def _bounded(projection: Projection[Any], field: str, bound: AtMost) -> AtMost:
    value = bound.value
    if type(value) not in (int, float) or not -(2**63) <= value < 2**63:
        raise Usage(f"AtMost({value!r}) is no bound", remedy="give it a number of 64 bits")
    kind = _number(projection, field)
    if kind is int:
        return AtMost(math.floor(value))
    near = float(value)
    return AtMost(near if near <= value else math.nextafter(near, -math.inf))


def _number(projection: Projection[Any], field: str) -> type[int | float]:
    state: Any = projection.state  # mypy takes no class of structs for hashable
    kind = _number_in(state, field)
    if kind is not None:
        return kind
    raise Usage(
        f"field {field!r} of {projection.name} holds no numbers, so none is less than another",
        remedy="name one that does, or ask for a value that it equals",
    )


@cache
def _number_in(state: Any, field: str) -> type[int | float] | None:
    """The type of a field that holds numbers of one kind, and perhaps None; None if it holds others."""
    from msgspec import inspect  # few selections ask

    info = next(each.type for each in msgspec.structs.fields(state) if each.name == field)
    found = inspect.type_info(info)
    match [each for each in getattr(found, "types", (found,)) if not isinstance(each, inspect.NoneType)]:
        case [inspect.IntType()]:
            return int
        case [inspect.FloatType()]:
            return float
    return None


def words_of(projection: Projection[S], state: S) -> set[str]:
    """The words in the `text` fields of a state, which an index of them holds."""
    texts = (getattr(state, field) for field in projection.text)
    return words_in("\n".join(str(text) for text in texts if text is not None))


def check_words(projection: Projection[Any], words: str) -> list[str]:
    """Accept what a search asks for. What comes back are its words, each of which must begin one of
    `words_of` a state.

    Raises:
        Usage: there is no word, or there are too many, or the projection names no `text`.
    """
    if not projection.text:
        raise Usage(f"{projection.name} have no text to search", remedy="select them by their fields")
    return asked_words(words)


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
