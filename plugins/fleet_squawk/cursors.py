"""Cursors: how far a consumer is done with a mailbox. A cursor never goes back.

A consumer is handed messages by `receive`, which records it, and says by `advance` that it is done with them.
Killed in between, it is handed the same ones again, marked as redelivered: at least once, and in order.
"""

from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from fleet_core.api import AsOf, Decision, Fleet, Match, Projection, Query, Recorded
from fleet_squawk.events import SquawkCursorAdvanced, SquawkDelivered
from fleet_squawk.mailboxes import book
from fleet_squawk.messages import stream

DEFAULT: Final = "default"
"""The consumer of a mailbox that FleetTools knew, and whom most mailboxes have alone."""

ConsumerName = Annotated[
    str,
    Meta(
        description="Whose cursor, where several read one mailbox each for itself.",
        min_length=1,
        max_length=100,
        pattern=r"^[^\s/]+$",
    ),
]
"""A consumer's name as requests take it. It has no slash: the key of a cursor has one after it."""

_IMPORTED: Final = "legacy_cursor_imported"
"""What a FleetTools file said of a cursor; whoever migrates one records it."""

_CURSOR_STREAM: Final = "cursor"


class Cursor(msgspec.Struct, frozen=True, kw_only=True):
    """How far a consumer is with a mailbox: done with its first `count` messages, up to `position`, and
    handed out all up to `delivered`.

    One that FleetTools left, and that nobody moved since, knows its position only by counting: it is done
    with the first `count` messages of those that had been imported by `imported_at`, in microseconds.
    """

    mailbox: str
    consumer: str
    position: int | None = 0
    count: int = 0
    delivered: int = 0
    imported_at: int | None = None
    last_event: str | None = None


class _Imported(msgspec.Struct):
    stream_id: str
    position: int | float | str


def key_of(mailbox: str, consumer: str) -> str:
    """The key of a cursor."""
    return f"{consumer}/{mailbox}"


def key(event: Recorded) -> str | None:
    """Whose cursor an event moves."""
    imported = _imported(event)
    if imported is not None:
        return key_of(imported.stream_id, DEFAULT)
    known = event.known
    if isinstance(known, SquawkDelivered | SquawkCursorAdvanced) and event.stream_type == book("").type:
        return key_of(event.stream_id, known.consumer_id)
    return None


def _imported(event: Recorded) -> _Imported | None:
    if event.type != _IMPORTED or event.stream_type != _CURSOR_STREAM:
        return None
    try:
        return msgspec.convert(event.plain, _Imported)
    except msgspec.ValidationError:
        return None


def evolve(state: Cursor | None, event: Recorded) -> Cursor | None:
    """The cursor after an event. None of them moves it back."""
    imported = _imported(event)
    if imported is not None:
        return _left_behind(state, imported, event)
    known = event.known
    if not isinstance(known, SquawkDelivered | SquawkCursorAdvanced):
        return state
    state = state or Cursor(mailbox=event.stream_id, consumer=known.consumer_id)
    changes: dict[str, Any] = {"delivered": max(state.delivered, known.position), "last_event": event.id}
    if isinstance(known, SquawkCursorAdvanced) and known.position > (state.position or 0):
        changes |= {"position": known.position, "count": known.count, "imported_at": None}
    return msgspec.structs.replace(state, **changes)


def _left_behind(state: Cursor | None, imported: _Imported, event: Recorded) -> Cursor:
    """A cursor that was moved here is not moved by what FleetTools says later: its count is of other
    messages.
    """
    state = state or Cursor(mailbox=imported.stream_id, consumer=DEFAULT, position=None)
    if state.position is not None:
        return state
    count = max(state.count, _counted(imported.position))
    return msgspec.structs.replace(state, count=count, imported_at=event.recorded_us)


def _counted(position: float | str) -> int:
    """How many messages a position of FleetTools counts. Beyond 64 bits, where it is text, it means all."""
    if isinstance(position, str):
        return 0 if position.startswith("-") else 2**53
    return max(0, min(int(position), 2**53))


CURSORS: Final = Projection(
    name="squawk_cursors",
    state=Cursor,
    types=(SquawkDelivered.type_name, SquawkCursorAdvanced.type_name, _IMPORTED),
    key=key,
    evolve=evolve,
)
"""The cursors, by consumer and mailbox."""


def cursor_of(fleet: Fleet, mailbox: str, consumer: str, as_of: AsOf | None = None) -> Cursor:
    """Where a consumer's cursor stands, or stood: at the beginning, if it never moved."""
    return _found(fleet, fleet.view(CURSORS, as_of).get(key_of(mailbox, consumer)), mailbox, consumer)


def cursor_in(decision: Decision, mailbox: str, consumer: str) -> Cursor:
    """The same in a decision, which depends on it."""
    decision.depend_on(Match(streams=(book(mailbox),), types=CURSORS.types))
    state = decision.view(CURSORS).get(key_of(mailbox, consumer))
    return _found(decision.fleet, state, mailbox, consumer)


def _found(fleet: Fleet, state: Cursor | None, mailbox: str, consumer: str) -> Cursor:
    if state is None:
        return Cursor(mailbox=mailbox, consumer=consumer)
    return state if state.position is not None else _counted_out(fleet, state)


def _counted_out(fleet: Fleet, left: Cursor) -> Cursor:
    """A cursor of FleetTools at its place in the log. It passes over the messages that came with it or before
    it: what was put among them since, it did not count.
    """
    last: Recorded | None = None
    for message in fleet.store.read(Query.of(streams=(stream(left.mailbox),))):
        if message.version > left.count or not _came_with(left, message):
            break
        last = message
    position, count = (last.position, last.version) if last else (0, 0)
    delivered = max(left.delivered, position)
    return msgspec.structs.replace(left, position=position, count=count, delivered=delivered)


def _came_with(left: Cursor, message: Recorded) -> bool:
    """Whether a message was imported by then. All events of one import are recorded at one time."""
    return message.schema_version == 0 and message.recorded_us <= (left.imported_at or 0)
