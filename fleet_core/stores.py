"""The contract of an event store: five methods, and optional abilities that callers look for and never
assume.

`fleet_core.testing.stores.StoreConformance` says in tests what stands here in words.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, runtime_checkable

import msgspec

from fleet_core.errors import Invalid
from fleet_core.events import EventType, NewEvent, Recorded, Row
from fleet_core.ids import StoredId, check_name, id_text
from fleet_core.times import Instant

if TYPE_CHECKING:
    from concurrent.futures import Future

    from fleet_core.projections import Page, Projection


Progress = Callable[[int], None]
"""Told a position now and then while long work goes on; positions rise."""


class Stream(NamedTuple):
    """The name of a stream: its kind and its id. Streams come into being with their first event."""

    type: str
    id: str

    def __str__(self) -> str:
        return f"{self.type}/{self.id}"

    @property
    def tag(self) -> str:
        """The tag by which events of other streams join this one's state: those of a sortie its mission's."""
        return f"{self.type}:{self.id}"


class Expected(Enum):
    """What a writer expects of a stream when it does not name an exact version."""

    ANY = "any version"
    NO_STREAM = "no stream"
    EXISTS = "an existing stream"

    def __str__(self) -> str:
        return self.value


class Batch(NamedTuple):
    """Events for one stream, and what the writer believes of it: an `Expected`, or the exact current version.

    One append may hold several batches for a stream, so that events of several streams can be told in the
    order in which they happened. Each expectation is of the stream before the append.
    """

    stream: Stream
    events: Sequence[EventType | NewEvent]
    expected: Expected | int = Expected.ANY


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """Events that fulfil every criterion given. An empty criterion excludes nothing; `tags` must all be
    present.

    `since` and `until` (both inclusive, microseconds since 1970) are compared with `occurred_at`.
    """

    streams: tuple[Stream, ...] = ()
    stream_types: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    causation_id: str | None = None
    correlation_id: str | None = None
    since: int | None = None
    until: int | None = None

    def accepts(self, event: Recorded) -> bool:
        """The reference semantics: stores may decide it in their own way, with the same answer."""
        return (
            (not self.streams or (event.stream_type, event.stream_id) in self.streams)
            and (not self.stream_types or event.stream_type in self.stream_types)
            and (not self.types or event.type in self.types)
            and (not self.tags or set(self.tags) <= set(event.tags))
            and (not self.ids or event.id in self.ids)
            and (self.causation_id is None or event.causation_id == self.causation_id)
            and (self.correlation_id is None or event.correlation_id == self.correlation_id)
            and (self.since is None or event.occurred_us >= self.since)
            and (self.until is None or event.occurred_us <= self.until)
        )


class Query(msgspec.Struct, frozen=True):
    """Which events: those that any item matches; without items, all of them."""

    items: tuple[Match, ...] = ()

    @classmethod
    def of(cls, **criteria: Any) -> "Query":
        """A query of one item; the criteria are those of `Match`."""
        return cls((Match(**criteria),))

    def accepts(self, event: Recorded) -> bool:
        """Whether the event is one of those meant."""
        return not self.items or any(item.accepts(event) for item in self.items)


ALL = Query()
"""Every event."""


class Condition(NamedTuple):
    """Refuses an append when an event matching `query` was recorded after position `after`.

    The dynamic consistency boundary of https://dcb.events: what a decision was based on must still hold.
    """

    query: Query
    after: int = 0


class Appended(msgspec.Struct, frozen=True):
    """What an append recorded, in the order given; or, when `replayed`, what it recorded the first time."""

    positions: Sequence[int]
    versions: Sequence[int]
    stored_ids: Sequence[StoredId]
    replayed: bool = False

    @property
    def ids(self) -> list[str]:
        """The events' ids."""
        return [id_text(stored) for stored in self.stored_ids]

    @property
    def last(self) -> int:
        """The position of the last event; 0 when there was none."""
        return self.positions[-1] if self.positions else 0


class EventStore(Protocol):
    """An append-only log of events in streams. Safe to use from several threads.

    Acknowledged means durable; refused means that nothing changed. **No reader skips**: once a reader has
    seen position p, no event at or below p appears later.
    """

    def append(self, *batches: Batch, condition: Condition | None = None) -> Appended:
        """Record the events of all batches, or none. A batch without events only states what it expects.

        Idempotent by event id: when every event carries an id that is recorded already in its stream with
        the same content, the first answer is given again, whatever `expected` and `condition` say.
        An event without `correlation_id` inherits that of its causation event (the causation id itself when
        that event is not in the log); without causation it is a root, and its correlation is its own id.

        Raises:
            VersionConflict: a stream is not at the expected version.
            ConditionFailed: the condition excludes an event that is recorded.
            IdReused: an id is recorded with other content or in another stream, or only some of the ids are
                recorded, or one is given twice.
            Invalid: an event or name breaks a rule.
            Unavailable: busy beyond the deadline, full, or closed.
            OutcomeUnknown: the write failed in a way that leaves it open whether the events are recorded.
        """
        ...

    def read(
        self,
        query: Query = ALL,
        *,
        after: int = 0,
        before: int | None = None,
        limit: int | None = None,
        backwards: bool = False,
    ) -> Iterator[Recorded]:
        """The matching events with `after < position < before`, in order of position, or from the newest
        `backwards`.

        Lazy: memory does not grow with the log, and a reader that stops half-way holds nothing up. What was
        recorded before the call is seen; what is recorded during it may be.
        """
        ...

    def head(self) -> int:
        """The position of the last event that readers see; 0 when there is none. Never falls, while the log
        lives.
        """
        ...

    def wait(self, after: int, timeout: float) -> bool:
        """Wait until `head() > after`, at most `timeout` seconds. Says whether it is so."""
        ...

    def close(self) -> None:
        """Give everything back. Safe to call twice; every other call raises `Unavailable` afterwards."""
        ...


@runtime_checkable
class Pipelining(Protocol):
    """Ability: appends whose outcome comes later, so that one thread, an event loop say, has many under way.

    `asyncio.wrap_future(store.append_soon(...))` awaits one.
    """

    def append_soon(self, *batches: Batch, condition: Condition | None = None) -> "Future[Appended]":
        """Have events recorded; the future gives what `append` would, or raises it, once it is durable.

        Appends of one thread are decided in the order in which they were made. What is wrong with the events
        themselves is raised at once. The future's callbacks hold up the next commit: they must be short.
        """
        ...


@runtime_checkable
class Timekeeping(Protocol):
    """Ability: a store that many machines share, and whose clock all of them go by."""

    def instant(self) -> Instant:
        """A reading of the clock of whoever keeps the events: a server's, not its client's."""
        ...


class ViewState(msgspec.Struct, frozen=True):
    """How far a read table has come: `position` is that of the last event it has taken in, `version` its
    definition's.
    """

    name: str
    version: int
    position: int
    rows: int


@runtime_checkable
class Views(Protocol):
    """Ability: read tables, one for each projection, one column for each field of its state.

    `inline` says that `append` brings them up to date in its own transaction. Otherwise, and after a gap
    (a writer that did not know the projection), the caller brings them up to date with `apply`.
    """

    inline: bool

    def define(self, projections: "Sequence[Projection[Any]]") -> list[str]:
        """Make these projections known and create missing tables. Returns the names that must be rebuilt
        because their definition's version is not the table's."""
        ...

    def states(self) -> list[ViewState]:
        """How far each defined table has come, by name."""
        ...

    def position(self, name: str) -> int:
        """The position up to which a table is current."""
        ...

    def apply(self, name: str, events: Sequence[Recorded], position: int) -> None:
        """Fold events (ascending, all beyond the table's position) into a table and move it to `position`,
        in one transaction. Does nothing when the table is already at or beyond `position`."""
        ...

    def rebuild(self, name: str, events: Iterator[Recorded], position: int) -> None:
        """Fold all events anew beside the table and switch at the end, at `position`; readers see the old
        one until then.
        """
        ...

    def get(self, name: str, key: str) -> Any | None:
        """The state under a key, or None."""
        ...

    def select(
        self,
        name: str,
        where: Mapping[str, Any],
        *,
        after: str | None = None,
        limit: int | None = None,
        backwards: bool = False,
    ) -> "Page[Any]":
        """States whose fields equal what `where` says, or are `AtMost` that, in order of their keys (as UTF-8
        bytes, or from the last `backwards`), beyond the key `after`, which is a page's `next`.

        `check_where` makes the refusals.

        Raises:
            Usage: a field that the state does not have, or `AtMost` for one that holds no numbers.
        """
        ...

    def rows(self, name: str) -> Iterator[tuple[str, Any]]:
        """Every key and state, in order of the keys."""
        ...

    def count_by(self, name: str, field: str) -> dict[str, int]:
        """How many states hold each value of a field."""
        ...

    def close(self) -> None:
        """Give everything back. Safe to call twice."""
        ...


@runtime_checkable
class Searching(Protocol):
    """Ability: `Views` that find states by the words of their `text` fields, with an index of their own."""

    def search(
        self,
        name: str,
        words: str,
        where: Mapping[str, Any],
        *,
        after: str | None = None,
        limit: int | None = None,
        backwards: bool = False,
    ) -> "Page[Any]":
        """Of the states that `select` would give, those in whose text every one of the words begins a word.

        The index holds what `words_of` gives for each state, changes with the state in one transaction, and
        is asked for what `check_words` gives, which makes the refusals. So all stores find the same, and
        nothing that people type is syntax. Another `text` than the table's asks for a rebuild in `define`.

        Raises:
            Usage: as `select`, or there is no word in `words`, or the projection names no `text`.
        """
        ...


@runtime_checkable
class Ordering(Protocol):
    """Ability: `Views` that find the states with the least numbers without reading all of them."""

    def first(self, name: str, where: Mapping[str, Any], *, by: str, limit: int) -> list[Any]:
        """Of the states that `select` would give, the `limit` ones with the least numbers in the field `by`,
        the least first; of equal ones that with the lesser key. Those without a number are left out.
        `check_order` makes the refusal.

        Raises:
            Usage: as `select`, or `by` is a field that holds no numbers.
        """
        ...


@runtime_checkable
class Movable(Protocol):
    """Ability: a store that takes in another's log as it is, and that can be left for another."""

    def load(self, rows: Sequence[Row]) -> None:
        """Record events of another log at the end of this one as they are: positions, ids, versions and times
        included. All of them or none; durable on return. Read tables are not brought up to date.

        `rows` are ascending, all beyond the head; gaps between positions stay gaps. What was sealed is open
        to this alone.

        Raises:
            Invalid: a row lies at or before the head, or is not the next version of its stream.
            IdReused: an id is in the log already.
        """
        ...

    def seal(self, reason: str) -> None:
        """Refuse every append from now on, by whatever process, with `Unavailable` and this reason; reads go
        on. Appends that were acknowledged before are in the log when this returns. Durable.
        """
        ...

    def unseal(self) -> None:
        """Take appends again. Nothing happens when it is not sealed."""
        ...


class StoreInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What a store says of itself. `details` holds what only this kind of store has to say."""

    backend: str
    path: str
    events: int
    streams: int
    bytes: int
    schema_version: int
    head: int
    details: dict[str, Any] = {}
    open_with: list[str] = []


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """A fault that a verification found, and where."""

    what: str
    position: int | None = None
    remedy: str = ""


class Verification(msgspec.Struct, frozen=True, kw_only=True):
    """What a verification looked at and found; no findings means sound."""

    events: int
    head: int
    head_hash: str
    findings: list[Finding] = []


@runtime_checkable
class Maintenance(Protocol):
    """Ability: a store that can describe itself and check that what it holds is what was written."""

    def info(self) -> StoreInfo:
        """What it is and how much it holds."""
        ...

    def verify(self, progress: Progress = lambda position: None) -> Verification:
        """Check every event's hash, the chain over the log and the head witness. `progress` is told how far
        the log has been read, at the end the head of a log that is not empty."""
        ...


@runtime_checkable
class Grants(Protocol):
    """Ability: a store on a server that tells users apart and can keep each to what they need."""

    def grants(self, owner: str | None = None, writer: str | None = None, reader: str | None = None) -> str:
        """The statements, in the server's own language, that let one role own the store, another append and
        read, a third read alone. For its administrator to run; nothing is executed. The store names the roles
        that the caller does not name.

        Raises:
            Usage: a name can't be a role's.
        """
        ...


def check_batches(batches: Sequence[Batch]) -> None:
    """What every store refuses alike: bad names, a bad expectation.

    Raises:
        Invalid: with the place as the path.
    """
    for index, batch in enumerate(batches):
        check_name(batch.stream[0], "stream type", f"$[{index}].stream.type")
        check_name(batch.stream[1], "stream id", f"$[{index}].stream.id")
        if isinstance(batch.expected, int) and not 0 <= batch.expected < 2**63:
            raise Invalid(f"expected version {batch.expected} is out of range", path=f"$[{index}].expected")
