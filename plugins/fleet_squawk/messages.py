"""Messages: how an event of a mailbox reads as one, and how one is found again.

Every event of a stream `squawk/<mailbox>` is a message, whoever wrote it: ours, those of a FleetTools file,
and what clients of FleetTools append. Nothing else is recorded there, so that the versions of the stream
number the messages.
"""

from datetime import datetime
from typing import Any, Final, get_args

import msgspec

from fleet_core.api import Fleet, Match, Projection, Query, Recorded, Stream
from fleet_squawk.events import Priority, SquawkSent

STREAM_TYPE: Final = "squawk"

PRIORITIES: Final[tuple[str, ...]] = get_args(Priority)
"""From the lowest to the highest."""


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A message in a mailbox: one of the copies of what was sent.

    `number` is its place in the mailbox, from 1; `copy` 0 marks the first of several copies. One that fleet
    did not write has its event's type as subject, unless it says better, and its data in JSON as body.
    """

    message_id: str
    mailbox: str
    position: int
    number: int
    copy: int
    sender: str | None
    to: str | None
    subject: str
    body: str
    priority: Priority
    message_type: str
    thread_id: str | None
    ack_required: bool
    sent_at: datetime


def stream(mailbox: str) -> Stream:
    """The stream of a mailbox's messages."""
    return Stream(STREAM_TYPE, mailbox)


def message_tag(message_id: str) -> str:
    """What marks the copies of a message."""
    return f"message:{message_id}"


def thread_tag(thread_id: str) -> str:
    """What marks the messages of a thread."""
    return f"thread:{thread_id}"


def message_of(event: Recorded) -> Message:
    """What an event of a mailbox says. Total: there is something to show of any event."""
    known = event.known
    said = _of_squawk(known) if isinstance(known, SquawkSent) else _of_foreign(event)
    return Message(
        **said,
        mailbox=event.stream_id,
        position=event.position,
        number=event.version,
        sent_at=event.occurred_at,
    )


def _of_squawk(sent: SquawkSent) -> dict[str, Any]:
    subject, body = sent.content.get("subject"), sent.content.get("body")
    is_ours = isinstance(subject, str) and isinstance(body, str)
    return {
        "message_id": sent.message_id,
        "copy": sent.copy,
        "sender": sent.sender_id,
        "to": sent.to,
        "subject": subject if isinstance(subject, str) else sent.message_type,
        "body": body if is_ours else _as_json(sent.content),
        "priority": sent.priority,
        "message_type": sent.message_type,
        "thread_id": sent.thread_id or sent.message_id,
        "ack_required": sent.ack_required,
    }


def _of_foreign(event: Recorded) -> dict[str, Any]:
    plain = event.plain
    facts = plain if isinstance(plain, dict) else {}
    priority = facts.get("priority")
    return {
        "message_id": event.id,
        "copy": 0,
        "sender": _text(facts.get("sender_id")),
        "to": None,
        "subject": _text(facts.get("subject")) or event.type,
        "body": _as_json(plain),
        "priority": priority if priority in PRIORITIES else "normal",
        "message_type": event.type,
        "thread_id": _text(facts.get("thread_id")),
        "ack_required": False,
    }


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _as_json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def copies_of(fleet: Fleet, message_id: str) -> list[Recorded]:
    """The copies of a message, in the order in which they were sent; none when there is no such message. One
    that fleet did not write goes by its event's id.
    """
    named = Query((Match(tags=(message_tag(message_id),)), Match(ids=(message_id,))))
    return [event for event in fleet.store.read(named) if event.stream_type == STREAM_TYPE]


def key(event: Recorded) -> str | None:
    """A message's place in the log, so that keys are in the order of time."""
    return f"{event.position:019d}" if event.stream_type == STREAM_TYPE else None


def evolve(state: Message | None, event: Recorded) -> Message | None:
    """The message that an event is; it does not change any more."""
    return state or message_of(event)


MESSAGES: Final = Projection(
    name="messages", state=Message, types=(), key=key, evolve=evolve, text=("subject", "body")
)
"""All messages, a row for each copy, by position."""
