"""Mail for tests: specialists that write, and consumers in processes of their own."""

from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from fleet_core.api import Batch, Conflict, Fleet, Match, NewEvent, Query
from fleet_specialists.api import Register, register
from fleet_squawk.api import (
    Advance,
    Inbox,
    InboxRequest,
    Receive,
    Send,
    Sent,
    SquawkCursorAdvanced,
    SquawkSent,
    advance,
    book,
    inbox,
    receive,
    send,
    stream,
)
from fleets import opened


def join(fleet: Fleet, specialist: str, role: str | None = None) -> int:
    """Register a specialist; gives its token."""
    return register(fleet, Register(specialist=specialist, role=role)).state.token


def write(fleet: Fleet, token: int, to: str, subject: str = "hello", **said: Any) -> Sent:
    """Send a message."""
    return send(fleet, Send(token=token, to=to, subject=subject, **said)).state


def look(fleet: Fleet, mailbox: str, **asked: Any) -> Inbox:
    """What lies unread in a mailbox."""
    return inbox(fleet, InboxRequest(mailbox=mailbox, **asked))


def take(fleet: Fleet, token: int, **asked: Any) -> Inbox:
    """What a specialist is handed out."""
    return receive(fleet, Receive(token=token, **asked)).state


def finish(fleet: Fleet, token: int, position: int, **asked: Any) -> None:
    """Have a specialist be done with its messages up to a position."""
    advance(fleet, Advance(token=token, position=position, **asked))


def subjects(found: Inbox) -> list[str]:
    """What the messages are about."""
    return [row.subject for row in found.messages]


def storm(fleet: Fleet, mailbox: str, count: int) -> None:
    """Put many messages into a mailbox at once; their subjects are their numbers."""
    fleet.append(
        Batch(stream(mailbox), [NewEvent(data=_numbered(number, mailbox)) for number in range(count)])
    )


def _numbered(number: int, mailbox: str) -> SquawkSent:
    return SquawkSent(
        message_id=f"018f2c4e-5a1b-7c3d-8e4f-{number:012x}",
        mailbox_id=mailbox,
        message_type="message",
        content={"subject": str(number), "body": ""},
    )


def cursors(fleet: Fleet, mailbox: str) -> list[int]:
    """Where a mailbox's cursor was moved to, one position after another."""
    moves = Match(streams=(book(mailbox),), types=(SquawkCursorAdvanced.type_name,))
    return [event.data.position for event in fleet.store.read(Query((moves,)))]


Place = tuple[Path, str, dict[str, dict[str, Any]]]
"""A project's folder, its store, and the settings of plugins."""


def consume(place: Place, token: int, pipe: Connection) -> None:
    """Take page after page, tell each, and be done with it when told so."""
    folder, backend, plugins = place
    with opened(folder, backend, plugins=plugins) as fleet:
        while True:
            found = take(fleet, token, limit=100)
            pipe.send([(row.subject, row.redelivered) for row in found.messages])
            pipe.recv()
            finish(fleet, token, found.messages[-1].position)


def race_through(place: Place, token: int, limit: int) -> list[str]:
    """Be done with a mailbox as fast as one can, while others are at it; gives what was handed out."""
    folder, backend, plugins = place
    seen: list[str] = []
    with opened(folder, backend, plugins=plugins) as fleet:
        while (found := take(fleet, token, limit=limit)).messages:
            seen += subjects(found)
            with suppress(Conflict):
                finish(fleet, token, found.messages[-1].position)
    return seen


def rising(positions: Sequence[int]) -> bool:
    """Whether each is beyond the one before."""
    return list(positions) == sorted(set(positions))
