"""Finding messages: mailboxes, threads, words, and what waits for a confirmation. Each function is offered
under its name in pyproject.toml.
"""

from datetime import datetime
from itertools import islice
from typing import Annotated

import msgspec
from msgspec import Meta

from fleet_core.api import AsOf, AtMost, Fleet, NotFound, Page, Query, Read
from fleet_leases.api import read_clock
from fleet_squawk.confirmations import UNACKNOWLEDGED, Unacknowledged
from fleet_squawk.events import Priority
from fleet_squawk.inbox_operations import Bodies, Limit
from fleet_squawk.mailboxes import MAILBOXES, Mailbox, named_mailbox
from fleet_squawk.messages import MESSAGES, STREAM_TYPE, Message, message_of, thread_tag
from fleet_squawk.sending_operations import ThreadId
from fleet_squawk.threads import THREADS, Thread

After = Annotated[str | None, Meta(description="Go on after this, which an earlier answer gave as next.")]


class ListMailboxes(Read, frozen=True, kw_only=True):
    """Which mailboxes."""

    after: After = None
    limit: Limit = 50


class ListThreads(Read, frozen=True, kw_only=True):
    """Which conversations."""

    after: After = None
    limit: Limit = 50


class ShowThread(Read, frozen=True, kw_only=True):
    """Which conversation."""

    thread: Annotated[ThreadId, Meta(description="The conversation's id.")]
    after: Annotated[
        int | None, Meta(description="Go on after this position, which an earlier answer gave.")
    ] = None
    limit: Limit = 50


class Search(Read, frozen=True, kw_only=True):
    """What to look for."""

    words: Annotated[
        str, Meta(description="Words of the subject or the body, or how they begin.", min_length=1)
    ]
    mailbox: Annotated[str | None, Meta(description="Only in this mailbox.")] = None
    sender: Annotated[str | None, Meta(description="Only what this specialist sent.")] = None
    thread: Annotated[str | None, Meta(description="Only in this conversation.")] = None
    bodies: Bodies = False
    after: After = None
    limit: Limit = 50


class Overdue(Read, frozen=True, kw_only=True):
    """Which confirmations are waited for."""

    mailbox: Annotated[str | None, Meta(description="Only of what lies in this mailbox.")] = None
    sender: Annotated[str | None, Meta(description="Only of what this specialist sent.")] = None
    pending: Annotated[bool, Meta(description="Also those whose time is not over yet.")] = False
    after: After = None
    limit: Limit = 50


class Found(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A message that was looked for; `body` stands there only when it was asked for."""

    message_id: str
    mailbox: str
    sender: str | None
    subject: str
    priority: Priority
    sent_at: datetime
    thread_id: str | None
    position: int
    body: str | None = None


class Awaited(msgspec.Struct, frozen=True, kw_only=True):
    """A message that nobody confirmed yet. `overdue_ms` is how long it has been overdue, in milliseconds;
    below 0, how long it is until then."""

    message_id: str
    mailbox: str
    sender: str | None
    subject: str
    priority: Priority
    thread_id: str | None
    sent_at: datetime
    overdue_ms: int


def mailboxes(fleet: Fleet, request: ListMailboxes) -> Page[Mailbox]:
    """List the mailboxes by name.

    There is one for each specialist, for roles that were written to while nobody had them, and for each that
    FleetTools left.

    Example: fleet squawk mailboxes
    """
    return fleet.view(MAILBOXES, request.as_of).select(after=request.after, limit=request.limit)


def threads(fleet: Fleet, request: ListThreads) -> Page[Thread]:
    """List the conversations, the latest begun first.

    Those that were given names of their own stand before them, by name.

    Example: fleet squawk threads --limit 10
    """
    view = fleet.view(THREADS, request.as_of)
    return view.select(after=request.after, limit=request.limit, backwards=True)


def thread(fleet: Fleet, request: ShowThread) -> Page[Message]:
    """Show the messages of a conversation, the oldest first.

    Example: fleet squawk thread ms-1/settings
    """
    as_of = None if request.as_of is None else fleet.moment(request.as_of)
    if fleet.view(THREADS, as_of).get(request.thread) is None:
        raise NotFound(
            f"there is no thread {request.thread!r}",
            remedy="see 'fleet squawk threads' for those there are",
            thread=request.thread,
        )
    query = Query.of(stream_types=(STREAM_TYPE,), tags=(thread_tag(request.thread),))
    query, before = (query, None) if as_of is None else (as_of.narrow(query), as_of.before)
    messages = map(message_of, fleet.store.read(query, after=request.after or 0, before=before))
    taken = list(islice((each for each in messages if each.copy == 0), request.limit + 1))
    shown = taken[: request.limit]
    return Page(shown, str(shown[-1].position) if len(taken) > len(shown) else None)


def search(fleet: Fleet, request: Search) -> Page[Found]:
    """Search all messages for words, the latest first.

    What was sent in copies is found once, unless a mailbox is named.

    Example: fleet squawk search "settings.py" --sender cy
    """
    where: dict[str, object] = {} if request.mailbox else {"copy": 0}
    if request.mailbox:
        where["mailbox"] = named_mailbox(fleet, request.mailbox).mailbox
    said = {"sender": request.sender, "thread_id": request.thread}
    where |= {field: value for field, value in said.items() if value is not None}
    page = fleet.view(MESSAGES, request.as_of).search(
        request.words, where, after=request.after, limit=request.limit, backwards=True
    )
    return Page([_found(each, request.bodies) for each in page.items], page.next)


def _found(message: Message, bodies: bool) -> Found:
    return Found(
        message_id=message.message_id,
        mailbox=message.mailbox,
        sender=message.sender,
        subject=message.subject,
        priority=message.priority,
        sent_at=message.sent_at,
        thread_id=message.thread_id,
        position=message.position,
        body=message.body if bodies else None,
    )


def overdue(fleet: Fleet, request: Overdue) -> Page[Awaited]:
    """List messages whose confirmation is overdue, the oldest first.

    Example: fleet squawk overdue --sender cy
    """
    as_of = None if request.as_of is None else fleet.moment(request.as_of)
    moment = _moment(fleet, as_of)
    where: dict[str, object] = {} if request.pending else {"due_at": AtMost(moment)}
    said = {"sender": request.sender, "mailbox": request.mailbox}
    where |= {field: value for field, value in said.items() if value is not None}
    page = fleet.view(UNACKNOWLEDGED, as_of).select(where, after=request.after, limit=request.limit)
    return Page([_awaited(each, moment) for each in page.items], page.next)


def _moment(fleet: Fleet, as_of: AsOf | None) -> int:
    """The time of the steady clock; of the past, when the last event then was recorded."""
    if as_of is None:
        return read_clock(fleet).steady
    if as_of.time is not None:
        return as_of.time
    last = next(fleet.store.read(before=as_of.before, backwards=True, limit=1), None)
    return last.recorded_us if last else 0


def _awaited(waiting: Unacknowledged, moment: int) -> Awaited:
    return Awaited(
        message_id=waiting.message_id,
        mailbox=waiting.mailbox,
        sender=waiting.sender,
        subject=waiting.subject,
        priority=waiting.priority,
        thread_id=waiting.thread_id,
        sent_at=waiting.sent_at,
        overdue_ms=(moment - waiting.due_at) // 1000,
    )
