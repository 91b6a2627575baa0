"""What a FleetTools file says that FleetTools never told as an event."""

from typing import Annotated, ClassVar

from msgspec import Meta

from fleet_core.api import EventType, Moment

Position = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)] | float | str
"""Where a cursor stood: any number a client sent; as text where 64 bits don't hold it."""


class LegacyMailboxImported(EventType, frozen=True, kw_only=True):
    """A mailbox was found in a FleetTools file. Imported again when the file says something else of it later.

    `listed` says that it stands among the file's mailboxes, `has_events` that it has a list of events there,
    be it an empty one.
    """

    type_name: ClassVar[str] = "legacy_mailbox_imported"

    mailbox_id: str
    created_at: Moment | None = None
    updated_at: Moment | None = None
    listed: bool = True
    has_events: bool = True


class LegacyCursorImported(EventType, frozen=True, kw_only=True):
    """A cursor was found in a FleetTools file. Its position counts the mailbox's events that were read."""

    type_name: ClassVar[str] = "legacy_cursor_imported"

    cursor_id: str
    stream_id: str
    position: Position
    updated_at: Moment | None = None


EVENT_TYPES: tuple[type[EventType], ...] = (LegacyMailboxImported, LegacyCursorImported)
"""All of them, as the plugin contributes them."""
