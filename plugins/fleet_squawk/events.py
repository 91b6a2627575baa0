"""What happens to messages and threads."""

from typing import ClassVar, Literal

from fleet_core.api import EventType, JsonObject, Uuid

Priority = Literal["low", "normal", "high", "urgent"]
"""How soon a message wants to be read."""

ThreadActivity = Literal["message", "join", "leave", "close"]
"""What somebody did in a thread."""


class SquawkSent(EventType, frozen=True, kw_only=True):
    """A message was put into a mailbox."""

    type_name: ClassVar[str] = "squawk_sent"

    message_id: Uuid
    mailbox_id: str
    sender_id: str | None = None
    thread_id: str | None = None
    message_type: str
    content: JsonObject
    priority: Priority = "normal"


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


EVENT_TYPES: tuple[type[EventType], ...] = (
    SquawkSent,
    SquawkRead,
    SquawkAcked,
    SquawkThreadCreated,
    SquawkThreadActivity,
)
"""All of them, as the plugin contributes them."""
