"""Confirmations that were asked for and did not come yet. The table is as small as their number."""

from datetime import datetime
from typing import Final

import msgspec

from fleet_core.api import Projection, Recorded
from fleet_squawk.events import Priority, SquawkAcked, SquawkSent
from fleet_squawk.mailboxes import BOOK
from fleet_squawk.messages import STREAM_TYPE, message_of


class Unacknowledged(msgspec.Struct, frozen=True, kw_only=True):
    """A message whose sender waits for a confirmation, until `due_at` microseconds of the steady clock."""

    message_id: str
    mailbox: str
    sender: str | None
    subject: str
    priority: Priority
    thread_id: str | None
    sent_at: datetime
    due_at: int
    position: int


def key(event: Recorded) -> str | None:
    """The copy of a message that an event sends or confirms."""
    known = event.known
    if isinstance(known, SquawkSent) and event.stream_type == STREAM_TYPE:
        return _key(known.message_id, event.stream_id)
    if isinstance(known, SquawkAcked) and event.stream_type == BOOK:
        return _key(known.message_id, event.stream_id)
    return None


def _key(message_id: str, mailbox: str) -> str:
    return f"{message_id}/{mailbox}"


def evolve(state: Unacknowledged | None, event: Recorded) -> Unacknowledged | None:
    """What is waited for after an event; nothing, once it is confirmed."""
    sent = event.known
    if not isinstance(sent, SquawkSent):
        return None
    if not sent.ack_required or sent.ack_within_ms is None or sent.at is None:
        return state
    message = message_of(event)
    return Unacknowledged(
        message_id=message.message_id,
        mailbox=message.mailbox,
        sender=message.sender,
        subject=message.subject,
        priority=message.priority,
        thread_id=message.thread_id,
        sent_at=message.sent_at,
        due_at=sent.at + sent.ack_within_ms * 1000,
        position=message.position,
    )


UNACKNOWLEDGED: Final = Projection(
    name="unacknowledged",
    state=Unacknowledged,
    types=(SquawkSent.type_name, SquawkAcked.type_name),
    key=key,
    evolve=evolve,
)
"""What waits for a confirmation, by message and mailbox."""
