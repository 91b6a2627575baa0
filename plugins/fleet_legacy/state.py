"""Mailboxes, cursors and locks as a FleetTools file left them, and as squawks since then changed them."""

from datetime import datetime
from typing import Any, Final

import msgspec

from fleet_core.api import Projection, Recorded
from fleet_legacy.legacy_events import LegacyCursorImported, LegacyMailboxImported
from fleet_legacy.vocabulary import CURSOR, FOREIGN, LOCK, MAILBOX, RELEASED, RESERVED, SQUAWK


class Mailbox(msgspec.Struct, frozen=True, kw_only=True):
    """A mailbox: the times FleetTools gave it, how many events it holds, and the id of the last one."""

    mailbox_id: str
    events: int = 0
    created_at: datetime | None = None
    updated_at: datetime | None = None
    last_event: str | None = None


def mailbox_key(event: Recorded) -> str | None:
    """The mailbox that an event is in, or tells about."""
    return event.stream_id if event.stream_type in (SQUAWK, MAILBOX) else None


def evolve_mailbox(state: Mailbox | None, event: Recorded) -> Mailbox | None:
    """The mailbox after an event: one squawk more, or what a file said of it."""
    if event.stream_type == SQUAWK:
        state = state or Mailbox(mailbox_id=event.stream_id)
        return msgspec.structs.replace(state, events=state.events + 1, last_event=event.id)
    known = event.known
    if not isinstance(known, LegacyMailboxImported):
        return state
    state = state or Mailbox(mailbox_id=event.stream_id)
    return msgspec.structs.replace(state, created_at=known.created_at, updated_at=known.updated_at)


MAILBOXES: Final = Projection(
    name="mailboxes", state=Mailbox, types=(), key=mailbox_key, evolve=evolve_mailbox
)
"""The mailboxes, by id."""


class Cursor(msgspec.Struct, frozen=True, kw_only=True):
    """How far a mailbox was read. `position` is null where `position_text`, as it stands in the file, is no
    whole number of 64 bits.
    """

    cursor_id: str
    stream_id: str
    position: int | None
    position_text: str
    updated_at: datetime | None


def cursor_key(event: Recorded) -> str | None:
    """The cursor that an event tells about."""
    return event.stream_id if event.stream_type == CURSOR else None


def evolve_cursor(state: Cursor | None, event: Recorded) -> Cursor | None:
    """The cursor as a file told it last."""
    known = event.known
    if not isinstance(known, LegacyCursorImported):
        return state
    return Cursor(
        cursor_id=known.cursor_id,
        stream_id=known.stream_id,
        position=known.position if isinstance(known.position, int) else None,
        position_text=str(known.position),
        updated_at=known.updated_at,
    )


CURSORS: Final = Projection(
    name="cursors",
    state=Cursor,
    types=(LegacyCursorImported.type_name,),
    key=cursor_key,
    evolve=evolve_cursor,
)
"""The cursors, by id."""


class Lock(msgspec.Struct, frozen=True, kw_only=True):
    """A reservation of a file. Status `active` means not released; readers judge whether it is due.

    `timeout_ms` is null where there was none that 64 bits hold; fractions are cut off.
    """

    lock_id: str
    file: str
    reserved_by: str
    purpose: str | None
    timeout_ms: int | None
    reserved_at: datetime
    released_at: datetime | None
    status: str


class _Reservation(msgspec.Struct):
    file_path: str
    specialist_id: str
    purpose: str | None = None
    timeout_ms: int | float | None = None


def lock_key(event: Recorded) -> str | None:
    """The lock that an event from a FleetTools file concerns."""
    return event.stream_id if event.stream_type == LOCK and event.schema_version == FOREIGN else None


def evolve_lock(state: Lock | None, event: Recorded) -> Lock | None:
    """The lock after it was reserved or released. A release of what was never reserved is nothing."""
    if event.type == RESERVED:
        return _reserved(event) or state
    if state is None or event.type != RELEASED:
        return state
    return msgspec.structs.replace(state, released_at=event.occurred_at, status="released")


def _reserved(event: Recorded) -> Lock | None:
    try:
        facts = msgspec.convert(event.plain, _Reservation)
    except msgspec.ValidationError:
        return None
    return Lock(
        lock_id=event.stream_id,
        file=facts.file_path,
        reserved_by=facts.specialist_id,
        purpose=facts.purpose,
        timeout_ms=_whole(facts.timeout_ms),
        reserved_at=event.occurred_at,
        released_at=None,
        status="active",
    )


def _whole(number: float | None) -> int | None:
    return int(number) if number is not None and -(2**63) <= number < 2**63 else None


LOCKS: Final = Projection(
    name="locks", state=Lock, types=(RESERVED, RELEASED), key=lock_key, evolve=evolve_lock
)
"""The locks, by id."""

PROJECTIONS: Final[tuple[Projection[Any], ...]] = (MAILBOXES, CURSORS, LOCKS)
"""All of them, as the plugin contributes them."""
