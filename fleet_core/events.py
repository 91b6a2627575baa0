"""Events: their types, what a caller appends, and the recorded envelope."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import msgspec

from fleet_core.errors import Invalid
from fleet_core.ids import StoredId, id_text
from fleet_core.times import as_datetime, timestamp

if TYPE_CHECKING:
    from fleet_core.codecs import EventCodec


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


class Recorded(msgspec.Struct, frozen=True, gc=False, eq=False):
    """A recorded event. Immutable; its parts are decoded when asked for, each time anew.

    `position` is global and strictly rising (gaps are legal, reuse is not), `version` counts from 1 within
    its stream.
    """

    row: tuple[Any, ...]
    codec: "EventCodec"

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
