"""Looking into a mailbox, taking from it, and saying that one is done. Each function is offered under its
name in pyproject.toml.

`inbox` only looks, and may hide what is less urgent. `receive` hands out and hides nothing, and `advance`
goes no further than what was handed out; so no view of a mailbox can lose what it did not show.
"""

from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import Annotated, Final, NamedTuple

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


FEW: Final = 500
"""Messages that are read from the end of a mailbox rather than looked for from its beginning."""


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
    # One more than is shown tells whether there are more.
    taken = list(islice(_wanted(fleet, request, mailbox, cursor, as_of), request.limit + 1))
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


def _wanted(
    fleet: Fleet, request: InboxRequest, mailbox: Mailbox, cursor: Cursor, as_of: AsOf | None
) -> Iterator[Message]:
    """The messages that are asked for: the first ones beyond the cursor, unless it is said otherwise."""
    if as_of is None and request.at_least is None and request.after is None:
        return map(message_of, _unread(fleet, mailbox, cursor, request.limit + 1))
    query = Query.of(streams=(stream(mailbox.mailbox),))
    after = max(cursor.position or 0, request.after or 0)
    # Nobody knows how many lie between those that are as urgent as that.
    limit = request.limit + 1 if request.at_least is None else None
    events = fleet.store.read(
        query if as_of is None else as_of.narrow(query), after=after, before=mailbox.tail + 1, limit=limit
    )
    least = PRIORITIES.index(request.at_least or PRIORITIES[0])
    return (each for each in map(message_of, events) if PRIORITIES.index(each.priority) >= least)


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
    found: list[_Handout] = []

    def decide(decision: Decision, holding: Holding) -> None:
        name = taken_from(decision, holding, request.mailbox).mailbox
        cursor = cursor_in(decision, name, request.consumer)
        mailbox = named_mailbox(fleet, name)
        page = _unread(fleet, mailbox, cursor, request.limit)
        handed = SquawkDelivered(
            mailbox_id=name,
            consumer_id=request.consumer,
            after=cursor.position or 0,
            position=page[-1].position if page else cursor.position or 0,
            count=cursor.count,
            seen=cursor.delivered,
        )
        found[:] = [_Handout(handed, page, mailbox.total, mailbox.tail)]
        if page:
            decision.record(book(name), handed, cause=page[-1].id)

    outcome = carry_out_held(fleet, request, decide)
    handout = _as_recorded(fleet, request, outcome, found[-1].page if found else None)
    return Done(_shown(handout or found[-1], request.bodies), outcome.position, outcome.replayed)


class _Handout(NamedTuple):
    """What a receipt hands out, and how many messages there are, up to which position."""

    handed: SquawkDelivered
    page: list[Recorded]
    total: int
    tail: int


def _unread(fleet: Fleet, mailbox: Mailbox, cursor: Cursor, limit: int) -> list[Recorded]:
    """The first messages beyond a cursor. When they are few they are read from the end of the mailbox, since
    stores look for a position in a stream by going through it.
    """
    query, after = Query.of(streams=(stream(mailbox.mailbox),)), cursor.position or 0
    unread = mailbox.total - cursor.count
    if unread > FEW:
        return list(fleet.store.read(query, after=after, limit=limit))
    last = fleet.store.read(query, after=after, before=mailbox.tail + 1, backwards=True, limit=unread)
    return list(last)[::-1][:limit]


def _as_recorded(
    fleet: Fleet, request: Receive, outcome: Outcome, page: list[Recorded] | None
) -> _Handout | None:
    """What was handed out, from what is recorded of it: the same for the same key. None when nothing was."""
    if not outcome.events:
        return None
    handed: SquawkDelivered = outcome.events[0].data
    if page is None:
        query = Query.of(streams=(stream(handed.mailbox_id),))
        page = list(
            fleet.store.read(query, after=handed.after, before=handed.position + 1, limit=request.limit)
        )
    last = _last_message(fleet, handed.mailbox_id, outcome.position)
    return _Handout(handed, page, last.version if last else 0, last.position if last else 0)


def _shown(handout: _Handout, bodies: bool) -> Inbox:
    handed = handout.handed
    return Inbox(
        mailbox=handed.mailbox_id,
        consumer=handed.consumer_id,
        cursor=handed.after,
        tail=handout.tail,
        unread_total=handout.total - handed.count,
        messages=tuple(_row(message_of(each), each.position <= handed.seen, bodies) for each in handout.page),
        next=handed.position if handed.position < handout.tail else None,
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
    told = outcome.events[0] if outcome.events else None
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
