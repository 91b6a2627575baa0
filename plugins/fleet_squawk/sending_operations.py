"""Sending and answering. Each function is offered under its name in pyproject.toml."""

from typing import Annotated

import msgspec
from msgspec import Meta

from fleet_core.api import Conflict, Decision, Done, Fleet, Match, NotFound, Outcome, Query
from fleet_leases.api import HeldWrite, Holding, carry_out_held, now
from fleet_squawk.copies import MessageId, copy_for
from fleet_squawk.events import Priority, SquawkSent
from fleet_squawk.mailboxes import MAILBOXES, MailboxName
from fleet_squawk.messages import message_of
from fleet_squawk.posting import ALL, no_one, post, recipients
from fleet_squawk.settings import settings_of

Subject = Annotated[str, Meta(description="What it is about, in a few words.", min_length=1, max_length=200)]

ThreadId = Annotated[str, Meta(min_length=1, max_length=200)]

AckWithin = Annotated[
    Annotated[float, Meta(ge=0.001, le=86_400 * 365)] | None,
    Meta(description="Seconds after which a confirmation is overdue; asks for one."),
]


class _Letter(HeldWrite, frozen=True, kw_only=True):
    """What every message says of itself."""

    priority: Annotated[Priority, Meta(description="How soon it wants to be read.")] = "normal"
    ack_required: Annotated[bool, Meta(description="Ask for a confirmation.")] = False
    ack_within: AckWithin = None


class Send(_Letter, frozen=True, kw_only=True):
    """A message to send."""

    to: Annotated[
        MailboxName,
        Meta(description="A specialist or another mailbox, @ROLE for all of a role, or @all for everybody."),
    ]
    subject: Subject
    body: Annotated[str, Meta(description="What there is to say.")] = ""
    thread: Annotated[
        ThreadId | None, Meta(description="The conversation it belongs to; it begins one when left out.")
    ] = None
    type: Annotated[
        str, Meta(description="What kind of message it is, for programs.", min_length=1, max_length=100)
    ] = "message"


class Reply(_Letter, frozen=True, kw_only=True):
    """A message to answer."""

    message: MessageId
    body: Annotated[str, Meta(description="The answer.")]
    subject: Annotated[
        Subject | None, Meta(description="What it is about; the same as before when left out.")
    ] = None
    mailbox: Annotated[
        MailboxName | None, Meta(description="The mailbox the message is in; yours when left out.")
    ] = None


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """A message that was sent, and the mailboxes in which it lies now."""

    message_id: str
    thread_id: str
    sender: str | None
    recipients: tuple[str, ...]
    subject: str
    priority: Priority
    ack_required: bool


def send(fleet: Fleet, request: Send) -> Done[Sent]:
    """Send a message to a specialist, a role or all.

    @reviewer is everybody with that role, @all every living specialist; the sender gets no copy.

    Example: fleet squawk send ada "need settings.py" --priority high --ack-required
    """

    def decide(decision: Decision, holding: Holding) -> None:
        tags: tuple[str, ...] = ()
        if request.to == ALL:
            tags = (_check_allowance(decision, holding.specialist),)
        if not recipients(decision, request.to, holding.specialist):
            raise no_one(request.to)
        post(
            decision,
            to=request.to,
            subject=request.subject,
            body=request.body,
            sender=holding.specialist,
            priority=request.priority,
            message_type=request.type,
            ack_required=_asks(request),
            ack_within_ms=_within_ms(request),
            thread_id=request.thread,
            tags=tags,
        )

    return _sent(carry_out_held(fleet, request, decide))


def reply(fleet: Fleet, request: Reply) -> Done[Sent]:
    """Answer whoever sent a message, in its thread.

    Example: fleet squawk reply 018f2c4e-5a1b-7c3d-8e4f-0123456789ab "released it"
    """

    def decide(decision: Decision, holding: Holding) -> None:
        copy = copy_for(decision, holding, request.message, request.mailbox)
        message = message_of(copy)
        post(
            decision,
            to=_sender_of(fleet, message.message_id, message.sender),
            subject=request.subject or _answering(message.subject),
            body=request.body,
            sender=holding.specialist,
            priority=request.priority,
            message_type="reply",
            ack_required=_asks(request),
            ack_within_ms=_within_ms(request),
            thread_id=message.thread_id or message.message_id,
            cause=copy.id,
        )

    return _sent(carry_out_held(fleet, request, decide))


def _asks(letter: _Letter) -> bool:
    return letter.ack_required or letter.ack_within is not None


def _within_ms(letter: _Letter) -> int | None:
    return None if letter.ack_within is None else int(letter.ack_within * 1000)


def _answering(subject: str) -> str:
    return subject if subject.startswith("Re: ") else f"Re: {subject}"


def _sender_of(fleet: Fleet, message_id: str, sender: str | None) -> str:
    if sender is None or fleet.view(MAILBOXES).get(sender) is None:
        raise NotFound(
            f"message {message_id} comes from {sender or 'the fleet itself'}, who has no mailbox",
            remedy="'fleet squawk send' writes to somebody else",
            message_id=message_id,
        )
    return sender


def _check_allowance(decision: Decision, sender: str) -> str:
    """Refuse a message to all from who has sent many of late; returns the tag by which this one counts.

    Raises:
        Conflict: it must wait; says for how long.
    """
    settings = settings_of(decision.fleet)
    tag = f"broadcasts:{sender}"
    decision.depend_on(Match(tags=(tag,)))
    if not settings.broadcasts:
        raise Conflict(
            "messages to @all are switched off in this project",
            remedy="send to a role, such as @reviewer, or set plugins.squawk.broadcasts",
        )
    latest = decision.fleet.store.read(Query.of(tags=(tag,)), backwards=True, limit=settings.broadcasts)
    counted = list(latest)
    if len(counted) < settings.broadcasts:
        return tag
    since = (now(decision).steady - (counted[-1].data.at or 0)) / 1_000_000
    left = settings.broadcast_window - since
    if left > 0:
        raise Conflict(
            f"{sender} has sent {settings.broadcasts} messages to @all within"
            f" {settings.broadcast_window:g} s, as many as one may",
            remedy=f"try again in {left:.0f} s, or send to a role, such as @reviewer",
            allowed=settings.broadcasts,
            seconds_left=round(left, 3),
        )
    return tag


def _sent(outcome: Outcome) -> Done[Sent]:
    copies = [event for event in outcome.events if isinstance(event.known, SquawkSent)]
    first: SquawkSent = copies[0].data
    message = message_of(copies[0])
    sent = Sent(
        message_id=first.message_id,
        thread_id=first.thread_id or first.message_id,
        sender=first.sender_id,
        recipients=tuple(event.stream_id for event in copies),
        subject=message.subject,
        priority=first.priority,
        ack_required=first.ack_required,
    )
    return Done(sent, outcome.position, outcome.replayed)
