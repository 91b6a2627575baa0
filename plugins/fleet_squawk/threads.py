"""Threads: conversations, folded from their messages. A message that answers nothing begins one."""

from datetime import datetime
from typing import Final

import msgspec

from fleet_core.api import Projection, Recorded
from fleet_squawk.events import SquawkSent
from fleet_squawk.messages import STREAM_TYPE, Message, message_of


class Thread(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation. `subject` is its first message's, the rest its last one's; copies count once."""

    thread_id: str
    subject: str
    messages: int
    participants: tuple[str, ...]
    last_sender: str | None
    last_at: datetime
    tail: int


def key(event: Recorded) -> str | None:
    """The thread of a message that fleet wrote."""
    known = event.known
    if not isinstance(known, SquawkSent) or event.stream_type != STREAM_TYPE:
        return None
    return known.thread_id or known.message_id


def evolve(state: Thread | None, event: Recorded) -> Thread | None:
    """The thread after a message."""
    message = message_of(event)
    state = state or _begun(message)
    people = (message.sender, message.mailbox)
    new = tuple(each for each in dict.fromkeys(people) if each and each not in state.participants)
    return msgspec.structs.replace(
        state,
        messages=state.messages + (message.copy == 0),
        participants=(*state.participants, *new),
        last_sender=message.sender,
        last_at=message.sent_at,
        tail=message.position,
    )


def _begun(message: Message) -> Thread:
    return Thread(
        thread_id=message.thread_id or message.message_id,
        subject=message.subject,
        messages=0,
        participants=(),
        last_sender=message.sender,
        last_at=message.sent_at,
        tail=message.position,
    )


THREADS: Final = Projection(
    name="threads", state=Thread, types=(SquawkSent.type_name,), key=key, evolve=evolve
)
"""The conversations, by id. Ids that fleet made up are in the order of time."""
