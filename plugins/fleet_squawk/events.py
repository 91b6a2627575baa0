"""What happens to messages and threads."""

from typing import ClassVar, Literal

from fleet_core.api import EventType, Integer, JsonObject, PositiveInteger, Uuid

Priority = Literal["low", "normal", "high", "urgent"]
"""How soon a message wants to be read."""

ThreadActivity = Literal["message", "join", "leave", "close"]
"""What somebody did in a thread."""


class SquawkSent(EventType, frozen=True, kw_only=True):
    """A message was put into a mailbox. To several mailboxes it goes in copies, told in one append.

    `to` is what its sender wrote, such as `@reviewer`, and `copy` counts the copies from 0. `at` is the
    moment by the store's steady clock, in microseconds; where a confirmation is asked for, it is overdue
    `ack_within_ms` milliseconds later. FleetTools knows none of these five. The content of messages that
    fleet sends is `{"subject": ..., "body": ...}`.
    """

    type_name: ClassVar[str] = "squawk_sent"

    message_id: Uuid
    mailbox_id: str
    sender_id: str | None = None
    thread_id: str | None = None
    message_type: str
    content: JsonObject
    priority: Priority = "normal"
    to: str | None = None
    copy: int = 0
    ack_required: bool = False
    ack_within_ms: PositiveInteger | None = None
    at: Integer | None = None


class SquawkRead(EventType, frozen=True, kw_only=True):
    """Somebody read a message."""

    type_name: ClassVar[str] = "squawk_read"

    message_id: Uuid
    mailbox_id: str
    reader_id: str


class SquawkAcked(EventType, frozen=True, kw_only=True):
    """Somebody confirmed a message, perhaps with an answer."""

    type_name: ClassVar[str] = "squawk_acked"

    message_id: Uuid
    mailbox_id: str
    acker_id: str
    response: JsonObject | None = None


class SquawkThreadCreated(EventType, frozen=True, kw_only=True):
    """A conversation was opened."""

    type_name: ClassVar[str] = "squawk_thread_created"

    thread_id: Uuid
    title: str | None = None
    participants: tuple[str, ...]
    initial_message_id: Uuid | None = None


class SquawkThreadActivity(EventType, frozen=True, kw_only=True):
    """Something happened in a conversation."""

    type_name: ClassVar[str] = "squawk_thread_activity"

    thread_id: Uuid
    activity_type: ThreadActivity
    actor_id: str
    message_id: Uuid | None = None


class SquawkDelivered(EventType, frozen=True, kw_only=True):
    """Messages of a mailbox were handed out to a consumer: those beyond `after`, up to `position`.

    `after` is where its cursor stood, before which `count` messages lie; what lies up to `seen` had been
    handed out before. FleetTools has no type for this one.
    """

    type_name: ClassVar[str] = "squawk_delivered"

    mailbox_id: str
    consumer_id: str
    after: Integer
    position: Integer
    count: Integer
    seen: Integer


class SquawkCursorAdvanced(EventType, frozen=True, kw_only=True):
    """A consumer of a mailbox is done with all messages up to `position`, the first `count` of the mailbox.

    FleetTools has no type for this one.
    """

    type_name: ClassVar[str] = "squawk_cursor_advanced"

    mailbox_id: str
    consumer_id: str
    position: Integer
    count: Integer


EVENT_TYPES: tuple[type[EventType], ...] = (
    SquawkSent,
    SquawkRead,
    SquawkAcked,
    SquawkThreadCreated,
    SquawkThreadActivity,
    SquawkDelivered,
    SquawkCursorAdvanced,
)
"""All of them, as the plugin contributes them."""
