"""Events: types, the recorded envelope, and the codec that stands between structs and stored bytes.

Times are whole microseconds since 1970 in UTC; ids are text outside and 16 bytes inside where they are UUIDs.
"""

import os
import re
import struct
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, ClassVar, Final, NamedTuple, Protocol

import msgspec

from fleet_core.errors import Invalid, PluginBroken

Clock = Callable[[], int]
"""Gives the current time in microseconds since 1970, UTC. Injected, so that a test can hold it still."""

IdSource = Callable[[], bytes]
"""Gives the 16 bytes of a new UUID."""

StoredId = bytes | str
"""An id as stores keep it: the 16 bytes of a UUID written in its canonical form, any other id as text."""

MAX_NAME: Final = 255
"""Longest id, stream id, type name or tag, in characters."""

MAX_TAGS: Final = 64
"""Most tags that one event carries."""

MAX_BYTES: Final = 1_048_576
"""Largest encoded data of one event, in bytes."""


def system_clock() -> int:
    """The machine's wall clock, in microseconds since 1970, UTC."""
    return time.time_ns() // 1000


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def as_datetime(microseconds: int) -> datetime:
    """A time of the log as an aware datetime in UTC."""
    seconds, rest = divmod(microseconds, 1_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest)


def as_microseconds(moment: datetime) -> int:
    """An aware datetime as a time of the log.

    Raises:
        Invalid: the datetime names no time zone.
    """
    if moment.tzinfo is None:
        raise Invalid(f"time {moment.isoformat()} names no time zone", remedy="write an offset, such as Z")
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


_EARLIEST: Final = as_microseconds(datetime.min.replace(tzinfo=UTC))
_LATEST: Final = as_microseconds(datetime.max.replace(tzinfo=UTC))


class Uuid7:
    """A source of UUIDv7 (RFC 9562 §5.7, method 1): sorted by time, and rising within one process even when
    the clock is not.

    Sixty-two bits are random; they are drawn in blocks because a system call per id costs more than the id.
    """

    def __init__(self, clock: Clock = system_clock, random: Callable[[int], bytes] = os.urandom) -> None:
        self._clock = clock
        self._random = random
        self._last = 0
        self._start_over()
        # A forked child must neither repeat its parent's random bits nor wait for a thread that it has not.
        # Asking for the process id each time would cost as much as the rest.
        me = weakref.ref(self)
        os.register_at_fork(after_in_child=lambda: _start_over(me()))

    def _start_over(self) -> None:
        self._lock = threading.Lock()
        self._tails: list[int] = []

    def __call__(self) -> bytes:
        with self._lock:
            # Milliseconds and twelve bits of counter in one number: it only ever rises.
            tick = self._clock() // 1000 << 12
            if tick <= self._last:
                tick = self._last + 1
            self._last = tick
            if not self._tails:
                self._tails.extend(_TAILS.unpack(self._random(_TAILS.size)))
            tail = self._tails.pop()
        return _ID.pack(tick >> 12 << 16 | 0x7000 | tick & 0xFFF, _VARIANT | tail & 0x3FFFFFFFFFFFFFFF)


def _start_over(source: Uuid7 | None) -> None:
    if source is not None:
        source._start_over()


_TAILS: Final = struct.Struct(">512Q")
_ID: Final = struct.Struct(">QQ")
_VARIANT: Final = 0x8000000000000000

_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_CONTROL: Final = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")


def stored_id(text: str) -> StoredId:
    """An id as stores keep it; the inverse of `id_text`."""
    return bytes.fromhex(text.replace("-", "")) if _UUID.fullmatch(text) else text


def id_text(stored: StoredId) -> str:
    """An id as people and programs see it."""
    if isinstance(stored, str):
        return stored
    digits = stored.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def check_name(value: object, what: str, path: str = "$") -> str:
    """Accept an id, type or tag: 1 to 255 characters, no control characters, no lone surrogates.

    Raises:
        Invalid: anything else.
    """
    if not isinstance(value, str):
        raise Invalid(f"{what} must be text, got {type(value).__name__}", path=path)
    if not 1 <= len(value) <= MAX_NAME:
        raise Invalid(f"{what} must have 1 to {MAX_NAME} characters, got {len(value)}", path=path)
    if _CONTROL.search(value):
        raise Invalid(f"{what} {value!r} contains control characters or lone surrogates", path=path)
    return value


class EventType(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Base of typed events: a frozen struct whose fields are the event's data.

    `type_name` is the stable snake_case name under which it is stored, never an import path. A change of
    the fields that old data does not fit raises `schema_version` by one and comes with an `Upcaster`.
    Unknown fields are ignored on reading, so that old readers understand newer writers. Subclasses say
    `frozen=True, kw_only=True` themselves: msgspec and type checkers do not inherit it.
    """

    type_name: ClassVar[str]
    schema_version: ClassVar[int] = 1


class NewEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event to append, with what a caller may want to say about it.

    `data` is an `EventType`, or any JSON value together with `type`. `id` makes a retry safe: the same
    event sent again is recorded once. Schema version 0 marks foreign data that no type of ours describes:
    it is neither validated nor decoded into a struct, whatever its type is called.
    """

    data: Any
    type: str | None = None
    id: str | None = None
    schema_version: int | None = None
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, Any] | None = None
    causation_id: str | None = None
    correlation_id: str | None = None
    occurred_at: int | None = None


class Prepared(msgspec.Struct, frozen=True, gc=False):
    """An event ready for a store: validated, encoded, and with an id.

    `given_id` tells a caller's id (which may be a retry) from one made here. `occurred_at` is None when
    it is the moment of recording, `correlation_id` None when the store must find it.
    """

    id: StoredId
    given_id: bool
    type: str
    schema_version: int
    data: bytes
    tags: tuple[str, ...]
    metadata: bytes | None
    causation_id: StoredId | None
    correlation_id: StoredId | None
    occurred_at: int | None


class Row(NamedTuple):
    """A recorded event as a store hands it over: nothing decoded yet.

    Stores may pass any tuple of this shape. `tags` is the codec's encoding of a sorted list of text or
    None, `correlation_id` None stands for the event's own id, `occurred_at` None for `recorded_at`.
    """

    position: int
    id: StoredId
    type: str
    schema_version: int
    stream_type: str
    stream_id: str
    version: int
    data: bytes
    tags: bytes | None
    metadata: bytes | None
    causation_id: StoredId | None
    correlation_id: StoredId | None
    occurred_at: int | None
    recorded_at: int


class Codec(Protocol):
    """Turns values into bytes and back. Equal values must give equal bytes (sorted keys)."""

    name: str

    def encode(self, value: Any, *, foreign: bool = False) -> bytes:
        """Canonical bytes of a JSON-like value or struct. Raises `Invalid` for what can't be encoded.

        `foreign` data is history that others wrote: it may hold NUL, which new text may not.
        """
        ...

    def decoder(self, type: Any) -> Callable[[bytes], Any]:
        """A function that decodes and validates bytes as `type`, raising `Invalid` with the fault's path."""
        ...


class Upcaster(NamedTuple):
    """One step of a schema's history: data of `from_version` becomes data of the next version."""

    type: str
    from_version: int
    upcast: Callable[[dict[str, Any]], dict[str, Any]]


class _Reader(msgspec.Struct, frozen=True):
    name: str
    version: int
    decode: Callable[[bytes], Any]
    event_type: type[EventType]


class EventCodec:
    """Prepares events for a store and reads them back: type registry, validation, upcasting, ids.

    One is made for each `Fleet`; stores receive it and never look at types themselves.
    """

    def __init__(
        self,
        codec: Codec,
        types: Iterable[type[EventType]] = (),
        upcasters: Iterable[Upcaster] = (),
        ids: IdSource | None = None,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self.name = codec.name
        self._codec = codec
        self._ids = ids or Uuid7()
        self._max_bytes = max_bytes
        self._encode = codec.encode
        self._plain = codec.decoder(Any)
        self._types: dict[str, type[EventType]] = {}
        self._readers: dict[str, _Reader] = {}
        self._writers: dict[type, _Reader] = {}
        self._upcasters: dict[tuple[str, int], Upcaster] = {}
        for event_type in types:
            self.register(event_type)
        for upcaster in upcasters:
            self.add_upcaster(upcaster)

    def register(self, event_type: type[EventType]) -> None:
        """Make a type known.

        Raises:
            Invalid: another class has that name already.
        """
        known = self._types.setdefault(event_type.type_name, event_type)
        if known is not event_type:
            raise Invalid(
                f"{event_type.type_name} is defined by {known.__module__} and by {event_type.__module__}",
                remedy="switch one of the two plugins off with --without",
            )

    def _reader(self, name: str) -> _Reader | None:
        """Who reads events of that type. Made when first needed: of many types a command meets a few."""
        reader = self._readers.get(name)
        if reader is None and name in self._types:
            event_type = self._types[name]
            decode = self._codec.decoder(event_type)
            reader = _Reader(name, event_type.schema_version, decode, event_type)
            self._readers[name] = self._writers[event_type] = reader
        return reader

    def add_upcaster(self, upcaster: Upcaster) -> None:
        """Make one step of a schema's history known.

        Raises:
            Invalid: another leads away from the same version.
        """
        step = (upcaster.type, upcaster.from_version)
        if step in self._upcasters:
            raise Invalid(f"two upcasters lead {upcaster.type} away from version {upcaster.from_version}")
        self._upcasters[step] = upcaster

    @property
    def types(self) -> dict[str, type[EventType]]:
        """The known types by name."""
        return dict(sorted(self._types.items()))

    def prepare(self, event: EventType | NewEvent) -> Prepared:
        """Validate and encode an event.

        Raises:
            Invalid: a constraint is broken, something can't be encoded, or it is too large; `path` says
                where.
        """
        if isinstance(event, NewEvent):
            return self._prepare_new(event)
        writer = self._writers.get(type(event)) or self._writer(type(event))
        data = self._encode(event)
        writer.decode(data)
        if len(data) > self._max_bytes:
            raise self._too_large(data, "$")
        return Prepared(self._ids(), False, writer.name, writer.version, data, (), None, None, None, None)

    def _writer(self, event_type: type[EventType]) -> _Reader:
        """Who validates events of a type, which need not be known before."""
        if not issubclass(event_type, EventType):
            raise Invalid(f"an event is an EventType or a NewEvent, not {event_type.__name__}")
        self.register(event_type)
        reader = self._reader(event_type.type_name)
        assert reader is not None
        return reader

    def _prepare_new(self, event: NewEvent) -> Prepared:
        name, version, data = self._encode_new(event)
        metadata = None
        if event.metadata is not None:
            metadata = self._encode_at("$.metadata", dict(event.metadata), foreign=version == 0)
        return Prepared(
            self._ids() if event.id is None else stored_id(check_name(event.id, "event id", "$.id")),
            event.id is not None,
            name,
            version,
            data,
            _checked_tags(event.tags),
            metadata,
            None if event.causation_id is None else _reference(event.causation_id, "causation_id"),
            None if event.correlation_id is None else _reference(event.correlation_id, "correlation_id"),
            None if event.occurred_at is None else _checked_time(event.occurred_at),
        )

    def _encode_new(self, event: NewEvent) -> tuple[str, int, bytes]:
        if isinstance(event.data, EventType):
            reader: _Reader | None = self._writer(type(event.data))
            name, version = event.data.type_name, event.data.schema_version
            if event.type not in (None, name):
                raise Invalid(f"an event of type {name} is called {event.type}", path="$.type")
            if event.schema_version not in (None, version):
                raise Invalid(
                    f"data of version {version} is called {event.schema_version}", path=_VERSION_PATH
                )
        else:
            name = check_name(event.type, "event type", "$.type")
            reader = self._reader(name)
            version = _version_of(event, reader)
        # What a newer version wrote may be beyond this one, and what nobody knows is beyond anybody.
        known = reader is not None and version <= reader.version
        validate = partial(self.decode, name, version) if known else None
        return name, version, self._encode_at("$.data", event.data, validate, foreign=version == 0)

    def _encode_at(
        self, path: str, value: Any, validate: Callable[[bytes], Any] | None = None, *, foreign: bool
    ) -> bytes:
        try:
            data = self._encode(value, foreign=foreign)
            if validate is not None:
                validate(data)
        except Invalid as error:
            place = path + error.path.removeprefix("$")
            raise Invalid(error.message, path=place, remedy=error.remedy) from error
        if len(data) > self._max_bytes:
            raise self._too_large(data, path)
        return data

    def _too_large(self, data: bytes, path: str) -> Invalid:
        return Invalid(
            f"an event's data and its metadata may have {self._max_bytes:,} bytes each, got {len(data):,}",
            path=path,
            remedy="store the large part elsewhere and record where it is",
        )

    def encode_tags(self, tags: tuple[str, ...]) -> bytes | None:
        """Tags as a row carries them."""
        return self._encode(list(tags)) if tags else None

    def decode(self, type: str, schema_version: int, data: bytes) -> Any:
        """The typed data of a recorded event, upcast to the current version; plain data of unknown types.

        Raises:
            Invalid: the data does not fit its type.
        """
        reader = self._readers.get(type) or self._reader(type)
        if reader is None:
            return self._plain(data)
        if schema_version >= reader.version:
            return reader.decode(data)
        return self._upcast(schema_version, reader, data)

    def _upcast(self, version: int, reader: _Reader, data: bytes) -> Any:
        value = self._plain(data)
        if version == 0 and (reader.name, 0) not in self._upcasters:
            return value
        for old in range(version, reader.version):
            value = self._step(old, reader, value)
        return reader.decode(self._encode(value))

    def _step(self, version: int, reader: _Reader, value: Any) -> Any:
        step = self._upcasters.get((reader.name, version))
        package = reader.event_type.__module__.partition(".")[0]
        if step is None:
            raise Invalid(
                f"no upcaster leads {reader.name} from version {version} on to {reader.version}",
                remedy=f"install the version of {package} that wrote it, or newer",
            )
        if not isinstance(value, dict):
            raise Invalid(f"data of {reader.name} must be an object, got {type(value).__name__}")
        try:
            return step.upcast(value)
        except Exception as error:
            raise PluginBroken(
                f"the upcaster of {reader.name} from version {version} failed: {error!r}",
                remedy=f"report it to the authors of {package}",
            ) from error

    def plain(self, data: bytes) -> Any:
        """Stored bytes as a JSON-like value, whatever their type."""
        return self._plain(data)


_VERSION_PATH: Final = "$.schema_version"


def _version_of(event: NewEvent, reader: _Reader | None) -> int:
    given = event.schema_version
    if given is None:
        return 1 if reader is None else reader.version
    if not 0 <= given < 2**31:
        raise Invalid(f"schema version {given} is out of range", path=_VERSION_PATH)
    return given


def _checked_time(moment: int) -> int:
    if not _EARLIEST <= moment <= _LATEST:
        raise Invalid("a time must lie within the years 1 to 9999", path="$.occurred_at")
    return moment


def _checked_tags(tags: tuple[str, ...]) -> tuple[str, ...]:
    if not tags:
        return ()
    if isinstance(tags, str):
        raise Invalid("tags must be several texts, got one", path="$.tags")
    if len(tags) > MAX_TAGS:
        raise Invalid(f"an event carries at most {MAX_TAGS} tags, got {len(tags)}", path="$.tags")
    return tuple(sorted({check_name(tag, "tag", f"$.tags[{index}]") for index, tag in enumerate(tags)}))


def _reference(value: str, field: str) -> StoredId:
    return stored_id(check_name(value, field, f"$.{field}"))


class Recorded(msgspec.Struct, frozen=True, gc=False, eq=False):
    """A recorded event. Immutable; its parts are decoded when asked for, each time anew.

    `position` is global and strictly rising (gaps are legal, reuse is not), `version` counts from 1 within
    its stream.
    """

    row: tuple[Any, ...]
    codec: EventCodec

    @property
    def position(self) -> int:
        """Its place in the log."""
        return self.row[0]  # type: ignore[no-any-return]

    @property
    def id(self) -> str:
        """Its identity, a UUID unless the writer chose another."""
        return id_text(self.row[1])

    @property
    def type(self) -> str:
        """The name of its type."""
        return self.row[2]  # type: ignore[no-any-return]

    @property
    def schema_version(self) -> int:
        """The version of the schema it was written with; 0 for foreign data."""
        return self.row[3]  # type: ignore[no-any-return]

    @property
    def stream_type(self) -> str:
        """The kind of its stream."""
        return self.row[4]  # type: ignore[no-any-return]

    @property
    def stream_id(self) -> str:
        """Which stream of that kind."""
        return self.row[5]  # type: ignore[no-any-return]

    @property
    def version(self) -> int:
        """Its number within the stream, from 1."""
        return self.row[6]  # type: ignore[no-any-return]

    @property
    def data(self) -> Any:
        """Its data as the current version of its type, or as a plain value when nobody knows the type."""
        row = self.row
        return self.codec.decode(row[2], row[3], row[7])

    @property
    def known(self) -> EventType | None:
        """Its data as a struct; None when no type of ours fits it. An `evolve` that reads it is total.

        Foreign data (schema version 0), and data that a newer version wrote in a way this one can't read.
        """
        try:
            data = self.data
        except Invalid:
            return None
        return data if isinstance(data, EventType) else None

    @property
    def plain(self) -> Any:
        """Its data as written, as a JSON-like value."""
        return self.codec.plain(self.row[7])

    @property
    def tags(self) -> tuple[str, ...]:
        """Its tags, sorted."""
        encoded = self.row[8]
        return () if encoded is None else tuple(self.codec.plain(encoded))

    @property
    def metadata(self) -> dict[str, Any]:
        """What was said about it beside its data."""
        encoded = self.row[9]
        return {} if encoded is None else self.codec.plain(encoded)

    @property
    def causation_id(self) -> str | None:
        """The event that caused it."""
        stored = self.row[10]
        return None if stored is None else id_text(stored)

    @property
    def correlation_id(self) -> str:
        """The root of the chain it belongs to; a root's is its own id."""
        row = self.row
        return id_text(row[1] if row[11] is None else row[11])

    @property
    def occurred_us(self) -> int:
        """When it happened, in microseconds since 1970."""
        row = self.row
        return row[13] if row[12] is None else row[12]  # type: ignore[no-any-return]

    @property
    def occurred_at(self) -> datetime:
        """When it happened, by its writer's word."""
        return as_datetime(self.occurred_us)

    @property
    def recorded_us(self) -> int:
        """When the store recorded it, in microseconds since 1970."""
        return self.row[13]  # type: ignore[no-any-return]

    @property
    def recorded_at(self) -> datetime:
        """When the store recorded it, by the store's clock."""
        return as_datetime(self.row[13])

    def as_dict(self) -> dict[str, Any]:
        """Everything, as plain values under the names of the fields; `data` as written."""
        return {
            "position": self.position,
            "id": self.id,
            "type": self.type,
            "schema_version": self.schema_version,
            "stream_type": self.stream_type,
            "stream_id": self.stream_id,
            "version": self.version,
            "data": self.plain,
            "tags": list(self.tags),
            "metadata": self.metadata,
            "causation_id": self.causation_id,
            "correlation_id": self.correlation_id,
            "occurred_at": timestamp(self.occurred_us),
            "recorded_at": timestamp(self.recorded_us),
        }

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Recorded) and self.as_dict() == other.as_dict()

    def __hash__(self) -> int:
        return hash(self.row[1])


def timestamp(microseconds: int) -> str:
    """A time of the log as RFC 3339 text in UTC, to the microsecond."""
    return as_datetime(microseconds).isoformat(timespec="microseconds").replace("+00:00", "Z")


def decode_fault(error: Exception) -> Invalid:
    """What msgspec says of bad data, as an `Invalid` with the path apart. For codecs.

    The texts end in `` - at `$.items[1]` ``, of bad keys in `` - at `key` in `$.items` ``; hostile nesting
    ends in RecursionError.
    """
    if isinstance(error, RecursionError):
        return Invalid("the data is nested too deeply", remedy="flatten it")
    message, found, place = str(error).rpartition(" - at ")
    if not found:
        return Invalid(str(error))
    return Invalid(message, path=place.removeprefix("`key` in ").strip("`"))
