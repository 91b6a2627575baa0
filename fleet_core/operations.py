"""Operations: plain typed functions that surfaces wear.

An operation is `run(fleet, request) -> result`. Its request struct says whether it reads or writes; its
type hints and descriptions are all a surface needs to offer it as a command, a route or a tool.
"""

import hashlib
import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from itertools import groupby
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Final,
    Generic,
    NamedTuple,
    NoReturn,
    TypeVar,
    cast,
    get_type_hints,
)

import msgspec
from msgspec import Meta

from fleet_core.errors import Conflict, FleetError, PluginBroken, Unavailable
from fleet_core.events import EventType, NewEvent, Recorded
from fleet_core.ids import id_text
from fleet_core.projections import Projection, View
from fleet_core.stores import Batch, Match, Query, Stream, check_batches

if TYPE_CHECKING:
    from fleet_core.fleet import Fleet

S = TypeVar("S")

_PAGE: Final = 20
"""Events of an answer that are looked up at once."""


class Read(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of requests that change nothing. Every one of them can look at the past."""

    as_of: Annotated[
        str | None, Meta(description="Answer as of a position, a time (2026-01-02T10:21:32Z) or an age (2h).")
    ] = None


class Write(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of requests that record events."""

    key: Annotated[
        Annotated[str, Meta(min_length=1, max_length=200)] | None,
        Meta(description="Idempotency key: the same request sent again with it is carried out once."),
    ] = None


class Done(msgspec.Struct, Generic[S], frozen=True):
    """What a write led to: the state afterwards, the position of its last event, and whether it is the
    answer to an earlier request with the same key."""

    state: S
    position: int
    replayed: bool = False


class Outcome:
    """What a decision led to: the position up to which it is told, and whether it is the answer to an earlier
    request with the same key."""

    def __init__(
        self, position: int, read: Callable[[], Sequence[Recorded]], *, replayed: bool = False
    ) -> None:
        self.position = position
        self.replayed = replayed
        self._read = read

    @cached_property
    def events(self) -> Sequence[Recorded]:
        """Its events as recorded, in their order; read when asked for. None if nothing was to be recorded."""
        return self._read()


class Operation(NamedTuple):
    """A function that surfaces can wear: `safe` operations change nothing."""

    name: str
    run: Callable[["Fleet", Any], Any]
    request: type[msgspec.Struct]
    result: Any
    safe: bool
    summary: str

    @classmethod
    def of(cls, name: str, run: Callable[..., Any]) -> "Operation":
        """Derive an operation from a function's signature and docstring.

        Raises:
            PluginBroken: it is not a function of a fleet and a `Read` or `Write` request, or says nothing
            of itself.
        """
        hints = get_type_hints(run, include_extras=True)
        result = hints.pop("return", None)
        parameters = list(inspect.signature(run).parameters)
        request = hints.get(parameters[1]) if len(parameters) == 2 else None
        if not (isinstance(request, type) and issubclass(request, Read | Write)):
            raise PluginBroken(
                f"operation {name} ({run.__module__}.{run.__qualname__}) must take a fleet"
                " and a Read or Write request",
                remedy="its author must annotate both parameters",
            )
        summary = (inspect.getdoc(run) or "").partition("\n")[0]
        return cls(name, run, request, result, issubclass(request, Read), summary)


class Decision:
    """What a decision looked at, and what it wants recorded.

    Everything looked at must still hold when the events are recorded; otherwise the decision is taken again
    on what is true then. Nothing is recorded before the deciding function returns.
    """

    def __init__(self, fleet: "Fleet", request: Write, position: int | None = None) -> None:
        """`position` is the head of the log that it is taken at, when that is known."""
        self.fleet = fleet
        self.request = request
        self._position = position
        self._views: dict[str, View[Any]] = {}
        self._known: dict[object, Any] = {}
        self.seen: list[Match] = []
        self.recorded: list[tuple[Stream, NewEvent]] = []
        self.followers: list[Callable[[], object]] = []
        self.now = fleet.clock()

    def look(self, projection: Projection[S], stream: Stream) -> S | None:
        """The state of a stream, on which the decision now depends: on the events that can change it."""
        looked_at = (projection.name, stream)
        if looked_at not in self._known:
            self.depend_on(Match(streams=(stream,), types=projection.types))
            self._known[looked_at] = self.view(projection).get(stream.id)
        return cast(S | None, self._known[looked_at])

    def once(self, find: Callable[["Decision"], S]) -> S:
        """What a function finds out, asked once: a decision is taken at one moment of a clock, say."""
        if find not in self._known:
            self._known[find] = find(self)
        return cast(S, self._known[find])

    def view(self, projection: Projection[S]) -> View[S]:
        """States on which the decision does not depend by itself; see `depend_on`."""
        if projection.name not in self._views:
            self._views[projection.name] = self.fleet.view(projection, at_least=self._position)
        return self._views[projection.name]

    def depend_on(self, events: Match) -> None:
        """Have the decision taken again when such an event is recorded meanwhile. Say so before looking at
        states.
        """
        self.seen.append(events)

    def record(
        self, stream: Stream, event: EventType, *, cause: str | None = None, tags: tuple[str, ...] = ()
    ) -> str:
        """Have an event recorded, if the decision stands; returns its id, to be the cause of others."""
        key = self.request.key
        event_id = id_text(self.fleet.ids()) if key is None else _derived_id(key, len(self.recorded))
        metadata = None if key is None else {"key": key, "request": _digest(self.request)}
        new = NewEvent(data=event, id=event_id, causation_id=cause, tags=tags, metadata=metadata)
        self.recorded.append((stream, new))
        return event_id

    def afterwards(self, follow: Callable[[], object]) -> None:
        """Have something done once the events are durable, such as writing a file beside the store. What
        fails there is reported, and undoes nothing.
        """
        self.followers.append(follow)

    def refuse(
        self,
        error: FleetError,
        stream: Stream,
        event: EventType,
        *,
        cause: str | None = None,
        besides: Sequence[tuple[Stream, EventType, str | None]] = (),
    ) -> NoReturn:
        """Refuse the request and have the refusal recorded; nothing else of the decision is. `besides` are
        more events that tell of it, each with its stream and its cause.

        Raises:
            Refused: always; `Fleet.carry_out` records the events and raises `error`.
        """
        told = [(stream, event, cause), *besides]
        raise Refused(error, [self._refusal(index, *each) for index, each in enumerate(told)])

    def _refusal(self, index: int, stream: Stream, event: EventType, cause: str | None) -> Batch:
        key = self.request.key
        own = f"{key}\0refused\0{_digest(self.request)}"
        event_id = id_text(self.fleet.ids()) if key is None else _derived_id(own, index)
        return Batch(stream, [NewEvent(data=event, id=event_id, causation_id=cause)])

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """What is said inside counts only if it comes to its end, and if stores would take it. For the parts
        of strangers in a decision that must not fail with them.

        Raises:
            Invalid: an event breaks a rule.
        """
        recorded, seen, followers = len(self.recorded), len(self.seen), len(self.followers)
        known = dict(self._known)
        try:
            yield
            self._check_from(recorded)
        except BaseException:
            del self.recorded[recorded:], self.seen[seen:], self.followers[followers:]
            self._known = known
            raise

    def invite(self, group: str, *what: object) -> None:
        """Have plugins join in, through functions of an entry-point group: `(decision, *what) -> None`.

        One that fails is reported and left out, with all that it said: its fault stops nobody from writing.
        To be unavailable is no fault, and most likely the store's: the request fails then, and can be tried
        again.

        Raises:
            Unavailable: one of them met it.
        """
        for entry, join_in in self.fleet.plugins.objects(group):
            try:
                with self.attempt():
                    join_in(self, *what)
            except Unavailable:
                raise
            except Exception as error:
                self.fleet.plugins.blame(entry, error)

    def _check_from(self, first: int) -> None:
        said = self.recorded[first:]
        check_batches([Batch(stream, [event]) for stream, event in said])
        for _, event in said:
            self.fleet.codec.prepare(event)

    def basis(self) -> Query:
        """What must not be recorded meanwhile. Streams that were looked at for the same types of events are
        one question, however many they are: databases answer that faster than a hundred.
        """
        streams: dict[tuple[str, ...], dict[Stream, None]] = {}
        others: dict[Match, None] = {}
        for match in self.seen:
            if match.streams and match == Match(streams=match.streams, types=match.types):
                streams.setdefault(match.types, {}).update(dict.fromkeys(match.streams))
            else:
                others[match] = None
        looks = (Match(streams=tuple(found), types=types) for types, found in streams.items())
        return Query((*looks, *others))

    def as_batches(self) -> list[Batch]:
        """What is to be appended, in the order in which it was said."""
        return [
            Batch(stream, [event for _, event in together])
            for stream, together in groupby(self.recorded, key=lambda each: each[0])
        ]


class Refused(Exception):
    """A decision that came to a refusal worth an event; see `Decision.refuse`."""

    def __init__(self, error: FleetError, batches: Sequence[Batch]) -> None:
        super().__init__(error.message)
        self.error, self.batches = error, batches


def find_answer(fleet: "Fleet", request: Write) -> list[Recorded]:
    """The events that an earlier request with the same key recorded; none when there was none.

    Raises:
        Conflict: the key was used for another request.
    """
    if request.key is None:
        return []
    first = next(fleet.store.read(Query.of(ids=(_derived_id(request.key, 0),)), limit=1), None)
    if first is None:
        return []
    if first.metadata.get("request") != _digest(request):
        raise Conflict(
            f"key {request.key!r} was used for another request, at position {first.position}",
            remedy="use a new key for a new request",
            key=request.key,
        )
    return [first, *_rest(fleet, request.key, first)]


def _rest(fleet: "Fleet", key: str, first: Recorded) -> list[Recorded]:
    """The events after the first of a commit. Between their positions there may be events of others."""
    rest: list[Recorded] = []
    while True:
        ids = tuple(_derived_id(key, len(rest) + 1 + index) for index in range(_PAGE))
        found = list(fleet.store.read(Query.of(ids=ids), after=first.position))
        rest += found
        if len(found) < _PAGE:
            return rest


def _derived_id(key: str, index: int) -> str:
    """The id of the n-th event recorded under a key: a UUIDv8 (RFC 9562 §5.8), so that a retry meets the
    first try.
    """
    digest = bytearray(hashlib.blake2b(f"fleet key\0{key}\0{index}".encode(), digest_size=16).digest())
    digest[6] = digest[6] & 0x0F | 0x80
    digest[8] = digest[8] & 0x3F | 0x80
    return id_text(bytes(digest))


def _digest(request: Write) -> str:
    content = msgspec.json.encode(
        (type(request).__name__, msgspec.structs.replace(request, key=None)), order="sorted"
    )
    return hashlib.blake2b(content, digest_size=16).hexdigest()
