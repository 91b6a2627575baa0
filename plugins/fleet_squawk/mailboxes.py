"""Mailboxes: who has one, how many messages lie in it, and who may empty it."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from fleet_core.api import AsOf, Conflict, Decision, Fleet, NotFound, Projection, Recorded, Stream
from fleet_leases.api import Holding, granting
from fleet_specialists.api import SpecialistRegistered
from fleet_squawk.messages import STREAM_TYPE

BOOK: Final = "mailbox"
"""The stream type of what is done with a mailbox's messages: handed out, read, confirmed. A FleetTools file's
word of the mailbox itself stands there too.
"""

ROLE: Final = "@"
"""What the names of mailboxes that belong to a role begin with."""

MailboxName = Annotated[str, Meta(min_length=1, max_length=255)]
"""A mailbox's name as requests take it: a specialist's id, @ROLE, or whatever FleetTools called one."""


class Mailbox(msgspec.Struct, frozen=True, kw_only=True):
    """A mailbox. `tail` is the position of its last message, 0 in an empty one. One that is `owned` is the
    specialist's of that name; of the others everybody may take.
    """

    mailbox: str
    owned: bool = False
    total: int = 0
    tail: int = 0


def book(mailbox: str) -> Stream:
    """The stream of what is done with a mailbox's messages."""
    return Stream(BOOK, mailbox)


def key(event: Recorded) -> str | None:
    """The mailbox that an event is in, tells of, or makes: a specialist's registration makes one."""
    if event.stream_type in (STREAM_TYPE, BOOK):
        return event.stream_id
    is_new = event.stream_type == "specialist" and event.type == SpecialistRegistered.type_name
    return event.stream_id if is_new else None


def evolve(state: Mailbox | None, event: Recorded) -> Mailbox | None:
    """The mailbox after an event. Versions number the messages, also when old ones are archived."""
    state = state or Mailbox(mailbox=event.stream_id)
    if event.stream_type == STREAM_TYPE:
        return msgspec.structs.replace(state, total=event.version, tail=event.position)
    if isinstance(event.known, SpecialistRegistered):
        return msgspec.structs.replace(state, owned=True)
    return state


MAILBOXES: Final = Projection(name="squawk_mailboxes", state=Mailbox, types=(), key=key, evolve=evolve)
"""The mailboxes, by name."""


def role_mailbox(role: str) -> str:
    """The mailbox of a role. `@coordinators` are those whose role is coordinator."""
    bare = role.removeprefix(ROLE)
    return ROLE + (bare[:-1] if bare.endswith("s") and len(bare) > 1 else bare)


def named_mailbox(fleet: Fleet, name: str, as_of: AsOf | None = None) -> Mailbox:
    """The mailbox that somebody means.

    Raises:
        NotFound: there is none of that name.
    """
    view = fleet.view(MAILBOXES, as_of)
    found = view.get(name)
    if found is None and name.startswith(ROLE):
        found = view.get(role_mailbox(name))
    if found is None:
        raise NotFound(
            f"there is no mailbox {name!r}",
            remedy="see 'fleet squawk mailboxes'; 'fleet specialist register NAME' makes one",
            mailbox=name,
        )
    return found


def reader_of(fleet: Fleet, token: int | None) -> str:
    """Whose token it is, though its session may be over: to look is free.

    Raises:
        Invalid, NotFound: there is no token, or nobody was granted it.
    """
    return str(granting(fleet, token).data.holder)


def taken_from(decision: Decision, holding: Holding, name: str | None) -> Mailbox:
    """The mailbox that a specialist takes from: its own, unless it names another.

    Raises:
        NotFound: there is none of that name.
        Conflict: it is another specialist's.
    """
    mailbox = named_mailbox(decision.fleet, name or holding.specialist)
    if mailbox.owned and mailbox.mailbox != holding.specialist:
        raise Conflict(
            f"{mailbox.mailbox}'s mailbox is emptied by {mailbox.mailbox} alone",
            remedy=f"'fleet squawk inbox --mailbox {mailbox.mailbox}' shows it to you",
            holder=mailbox.mailbox,
        )
    return mailbox
