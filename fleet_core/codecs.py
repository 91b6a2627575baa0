"""What stands between events and stored bytes: codecs, the registry of types, validation, upcasting."""

import threading
from collections.abc import Callable, Iterable
from functools import lru_cache, partial
from typing import Any, Final, NamedTuple, Protocol

import msgspec

from fleet_core.errors import Invalid, PluginBroken
from fleet_core.events import EventType, NewEvent, Prepared
from fleet_core.ids import IdSource, StoredId, Uuid7, check_name, stored_id
from fleet_core.times import checked_time

MAX_TAGS: Final = 64
"""Most tags that one event carries."""


MAX_BYTES: Final = 1_048_576
"""Largest encoded data of one event, in bytes."""


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

    One is made for each `Fleet`; stores receive it and never look at types themselves. `learn` makes more
    types and upcasters known; it is called once, when the first event is typed: a command that reads nothing
    but tables needs no types, and importing them all costs as much as opening the store.
    """

    def __init__(
        self,
        codec: Codec,
        types: Iterable[type[EventType]] = (),
        upcasters: Iterable[Upcaster] = (),
        ids: IdSource | None = None,
        max_bytes: int = MAX_BYTES,
        learn: "Callable[[EventCodec], None] | None" = None,
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
        self._learn = learn
        self._learning = threading.Lock()
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

    def _learn_once(self) -> None:
        if self._learn is None:
            return
        with self._learning:
            # Another thread may have been quicker; until it has done, nobody goes on.
            if self._learn is not None:
                self._learn(self)
                self._learn = None

    def _reader(self, name: str) -> _Reader | None:
        """Who reads events of that type. Made when first needed: of many types a command meets a few."""
        self._learn_once()
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
        self._learn_once()
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
        self._learn_once()
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
            None if event.occurred_at is None else checked_time(event.occurred_at),
        )

    def _encode_new(self, event: NewEvent) -> tuple[str, int, bytes]:
        if isinstance(event.data, EventType):
            return self._encode_typed(event)
        name = check_name(event.type, "event type", "$.type")
        reader = self._reader(name)
        version = _version_of(event, reader)
        # What a newer version wrote may be beyond this one, and what nobody knows is beyond anybody.
        known = reader is not None and version <= reader.version
        validate = partial(self.decode, name, version) if known else None
        return name, version, self._encode_at("$.data", event.data, validate, foreign=version == 0)

    def _encode_typed(self, event: NewEvent) -> tuple[str, int, bytes]:
        data = event.data
        writer = self._writers.get(type(data)) or self._writer(type(data))
        if event.type is not None and event.type != writer.name:
            raise Invalid(f"an event of type {writer.name} is called {event.type}", path="$.type")
        if event.schema_version is not None and event.schema_version != writer.version:
            raise Invalid(
                f"data of version {writer.version} is called {event.schema_version}", path=_VERSION_PATH
            )
        return writer.name, writer.version, self._encode_at("$.data", data, writer.decode)

    def _encode_at(
        self, path: str, value: Any, validate: Callable[[bytes], Any] | None = None, *, foreign: bool = False
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


def _checked_tags(tags: tuple[str, ...]) -> tuple[str, ...]:
    if not tags:
        return ()
    if isinstance(tags, str):
        raise Invalid("tags must be several texts, got one", path="$.tags")
    if len(tags) > MAX_TAGS:
        raise Invalid(f"an event carries at most {MAX_TAGS} tags, got {len(tags)}", path="$.tags")
    return tuple(sorted({check_name(tag, "tag", f"$.tags[{index}]") for index, tag in enumerate(tags)}))


def _reference(value: str, field: str) -> StoredId:
    """An id that an event refers to."""
    return (
        _known_reference(value, field) if isinstance(value, str) else check_name(value, field, f"$.{field}")
    )


@lru_cache(4096)
def _known_reference(value: str, field: str) -> StoredId:
    """The events of a chain refer to the same few again and again."""
    return stored_id(check_name(value, field, f"$.{field}"))


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
