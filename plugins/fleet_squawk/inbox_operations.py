"""Looking into a mailbox, taking from it, and saying that one is done. Each function is offered under its
name in pyproject.toml.

`inbox` only looks, and may hide what is less urgent. `receive` hands out and hides nothing, and `advance`
goes no further than what was handed out; so no view of a mailbox can lose what it did not show.
"""

from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import Annotated

import msgspec
from msgspec import Meta

from fleet_core.api import AsOf, Conflict, Decision, Done, Fleet, Outcome, Query, Read, Recorded
from fleet_leases.api import HeldWrite, Holding, Token, carry_out_held
from fleet_specialists.api import SPECIALISTS
from fleet_squawk.cursors import DEFAULT, ConsumerName, Cursor, cursor_in, cursor_of
from fleet_squawk.events import Priority, SquawkCursorAdvanced, SquawkDelivered
from fleet_squawk.mailboxes import (
    MAILBOXES,
    Mailbox,
    MailboxName,
    book,
    named_mailbox,
    reader_of,
    role_mailbox,
    taken_from,
)
from fleet_squawk.messages import PRIORITIES, Message, message_of, stream

WhichMailbox = Annotated[MailboxName | None, Meta(description="Which mailbox; yours when left out.")]

Bodies = Annotated[bool, Meta(description="Give the messages' whole text too.")]

Limit = Annotated[int, Meta(description="How many at most.", ge=1, le=1000)]


class InboxRequest(Read, frozen=True, kw_only=True):
    """Which mailbox, and what of it."""

    mailbox: WhichMailbox = None
    consumer: ConsumerName = DEFAULT
    at_least: Annotated[
        Priority | None, Meta(description="Only what is as urgent as this; the rest stays unread.")
    ] = None
    bodies: Bodies = False
    after: Annotated[
        Annotated[int, Meta(ge=0)] | None,
        Meta(description="Go on after this position, which an earlier answer gave as next."),
    ] = None
    limit: Limit = 50
    token: Token = None


class Receive(HeldWrite, frozen=True, kw_only=True):
    """A consumer that wants its next messages."""

    mailbox: WhichMailbox = None
    consumer: ConsumerName = DEFAULT
    bodies: Bodies = False
    limit: Limit = 50


class Advance(HeldWrite, frozen=True, kw_only=True):
    """A consumer that is done with messages."""

    position: Annotated[int, Meta(description="The position of the last one it is done with.", ge=0)]
    mailbox: WhichMailbox = None
    consumer: ConsumerName = DEFAULT
    unseen: Annotated[bool, Meta(description="Pass over messages that were never handed out, too.")] = False


class InboxRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A message in an inbox. `redelivered` says that it was handed out before; `body` stands there only when
    it was asked for."""

    message_id: str
    sender: str | None
    subject: str
    priority: Priority
    sent_at: datetime
    thread_id: str | None
    position: int
    redelivered: bool = False
    ack_required: bool = False
    body: str | None = None


class Inbox(msgspec.Struct, frozen=True, kw_only=True):
    """What lies unread in a mailbox, the oldest first.

    `cursor` is the position up to which the consumer is done, `tail` that of the last message, `unread_total`
    the number of messages in between, shown here or not. With `next` there are more to show, beyond that
    position. `elsewhere` counts what is unread in the mailbox of the role that the mailbox's owner has.
    """

    mailbox: str
    consumer: str
    cursor: int
    tail: int
    unread_total: int
    messages: tuple[InboxRow, ...]
    next: int | None = None
    elsewhere: dict[str, int] = {}


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """Where a cursor stands."""

    mailbox: str
    consumer: str
    cursor: int
    tail: int
    unread_total: int


def inbox(fleet: Fleet, request: InboxRequest) -> Inbox:
    """Show the unread messages of a mailbox.

    Nothing changes by it: 'fleet squawk receive' takes messages, 'fleet squawk advance' is done with them.

    Example: fleet squawk inbox --at-least high --bodies
    """
    name = request.mailbox or reader_of(fleet, request.token)
    as_of = None if request.as_of is None else fleet.moment(request.as_of)
    named = named_mailbox(fleet, name, as_of)
    # The cursor is looked at first: it never stands beyond a tail that is looked at later.
    cursor = cursor_of(fleet, named.mailbox, request.consumer, as_of)
    mailbox = named_mailbox(fleet, named.mailbox, as_of)
    after = max(cursor.position or 0, request.after or 0)
    found = _at_least(request.at_least, _messages(fleet, mailbox, after, as_of))
    taken = list(islice(found, request.limit + 1))
    shown = taken[: request.limit]
    return Inbox(
        mailbox=mailbox.mailbox,
        consumer=request.consumer,
        cursor=cursor.position or 0,
        tail=mailbox.tail,
        unread_total=mailbox.total - cursor.count,
        messages=tuple(_row(each, each.position <= cursor.delivered, request.bodies) for each in shown),
        next=shown[-1].position if len(taken) > len(shown) else None,
        elsewhere=unread_of_role(fleet, mailbox, as_of),
    )


def unread_of_role(fleet: Fleet, mailbox: Mailbox, as_of: AsOf | None = None) -> dict[str, int]:
    """What is unread in the mailbox of the role that a mailbox's owner has, by the mailbox's name."""
    owner = fleet.view(SPECIALISTS, as_of).get(mailbox.mailbox) if mailbox.owned else None
    if owner is None or owner.role is None:
        return {}
    name = role_mailbox(owner.role)
    cursor = cursor_of(fleet, name, DEFAULT, as_of)
    found = fleet.view(MAILBOXES, as_of).get(name)
    unread = found.total - cursor.count if found else 0
    return {name: unread} if unread else {}


def _messages(fleet: Fleet, mailbox: Mailbox, after: int, as_of: AsOf | None) -> Iterator[Message]:
    query, before = Query.of(streams=(stream(mailbox.mailbox),)), mailbox.tail + 1
    if as_of is not None:
        query = as_of.narrow(query)
    return map(message_of, fleet.store.read(query, after=after, before=before))


def _at_least(priority: Priority | None, messages: Iterator[Message]) -> Iterator[Message]:
    least = PRIORITIES.index(priority or PRIORITIES[0])
    return (each for each in messages if PRIORITIES.index(each.priority) >= least)


def _row(message: Message, redelivered: bool, bodies: bool) -> InboxRow:
    return InboxRow(
        message_id=message.message_id,
        sender=message.sender,
        subject=message.subject,
        priority=message.priority,
        sent_at=message.sent_at,
        thread_id=message.thread_id,
        position=message.position,
        redelivered=redelivered,
        ack_required=message.ack_required,
        body=message.body if bodies else None,
    )


def receive(fleet: Fleet, request: Receive) -> Done[Inbox]:
    """Take the next messages of a mailbox, the oldest first.

    'fleet squawk advance' says that they are done with; until then they are handed out again, marked as
    redelivered.

    Example: fleet squawk receive --limit 10 --bodies
    """
    standing: list[SquawkDelivered] = []

    def decide(decision: Decision, holding: Holding) -> None:
        mailbox = taken_from(decision, holding, request.mailbox).mailbox
        cursor = cursor_in(decision, mailbox, request.consumer)
        after = cursor.position or 0
        page = list(_beyond(fleet, mailbox, after, request.limit))
        handed = SquawkDelivered(
            mailbox_id=mailbox,
            consumer_id=request.consumer,
            after=after,
            position=page[-1].position if page else after,
            count=cursor.count,
            seen=cursor.delivered,
        )
        standing[:] = [handed]
        if page:
            decision.record(book(mailbox), handed, cause=page[-1].id)

    outcome = carry_out_held(fleet, request, decide)
    told = _first(outcome)
    handed = standing[-1] if told is None else told.data
    return Done(_handed_out(fleet, handed, outcome, request.bodies), outcome.position, outcome.replayed)


def _beyond(fleet: Fleet, mailbox: str, after: int, limit: int) -> Iterator[Recorded]:
    return fleet.store.read(Query.of(streams=(stream(mailbox),)), after=after, limit=limit)


def _first(outcome: Outcome) -> Recorded | None:
    return outcome.events[0] if outcome.events else None


def _handed_out(fleet: Fleet, handed: SquawkDelivered, outcome: Outcome, bodies: bool) -> Inbox:
    """The answer of a receipt, from what is recorded of it alone: the same for the same key."""
    last = _last_message(fleet, handed.mailbox_id, outcome.position)
    query = Query.of(streams=(stream(handed.mailbox_id),))
    messages = map(message_of, fleet.store.read(query, after=handed.after, before=handed.position + 1))
    rows = tuple(_row(each, each.position <= handed.seen, bodies) for each in messages)
    tail = last.position if last else 0
    return Inbox(
        mailbox=handed.mailbox_id,
        consumer=handed.consumer_id,
        cursor=handed.after,
        tail=tail,
        unread_total=(last.version if last else 0) - handed.count,
        messages=rows,
        next=handed.position if handed.position < tail else None,
    )


def _last_message(fleet: Fleet, mailbox: str, position: int) -> Recorded | None:
    """The last message at or before a position."""
    query = Query.of(streams=(stream(mailbox),))
    return next(fleet.store.read(query, before=position + 1, backwards=True, limit=1), None)


def advance(fleet: Fleet, request: Advance) -> Done[Standing]:
    """Say that messages are done with, up to a position.

    It moves the consumer's cursor, which never goes back, and no further than messages were handed out.

    Example: fleet squawk advance 1204
    """
    standing: list[Cursor] = []

    def decide(decision: Decision, holding: Holding) -> None:
        mailbox = taken_from(decision, holding, request.mailbox)
        cursor = cursor_in(decision, mailbox.mailbox, request.consumer)
        standing[:] = [cursor]
        _check_advance(request, cursor)
        last = _last_message(fleet, mailbox.mailbox, request.position)
        if last is not None and last.position > (cursor.position or 0):
            advanced = SquawkCursorAdvanced(
                mailbox_id=mailbox.mailbox,
                consumer_id=request.consumer,
                position=last.position,
                count=last.version,
            )
            decision.record(book(mailbox.mailbox), advanced, cause=cursor.last_event or last.id)

    outcome = carry_out_held(fleet, request, decide)
    told = _first(outcome)
    if told is None:
        name, cursor, count = standing[-1].mailbox, standing[-1].position or 0, standing[-1].count
    else:
        name, cursor, count = told.stream_id, told.data.position, told.data.count
    last = _last_message(fleet, name, outcome.position)
    state = Standing(
        mailbox=name,
        consumer=request.consumer,
        cursor=cursor,
        tail=last.position if last else 0,
        unread_total=(last.version if last else 0) - count,
    )
    return Done(state, outcome.position, outcome.replayed)


def _check_advance(request: Advance, cursor: Cursor) -> None:
    stands = cursor.position or 0
    if request.position < stands:
        raise Conflict(
            f"the cursor of {cursor.consumer} in mailbox {cursor.mailbox} stands at {stands};"
            f" it does not go back to {request.position}",
            remedy="go on from there: 'fleet squawk receive'",
            cursor=stands,
            delivered=cursor.delivered,
        )
    if request.position > max(cursor.delivered, stands) and not request.unseen:
        raise Conflict(
            f"mailbox {cursor.mailbox} was handed out to {cursor.consumer} up to {cursor.delivered} only, not"
            f" to {request.position}",
            remedy="'fleet squawk receive' hands out the rest; --unseen passes over it",
            cursor=stands,
            delivered=cursor.delivered,
        )
