"""Putting messages into mailboxes, in a decision: of `squawk send`, or of another plugin's operation."""

from typing import Final

from fleet_core.api import Decision, Match, NotFound, id_text
from fleet_leases.api import LEASES, LeaseExpired, LeaseReleased, now, session_id
from fleet_specialists.api import SPECIALISTS, SpecialistLost, SpecialistRegistered
from fleet_squawk.events import Priority, SquawkSent
from fleet_squawk.mailboxes import ROLE, named_mailbox, role_mailbox
from fleet_squawk.messages import message_tag, stream, thread_tag
from fleet_squawk.settings import settings_of

ALL: Final = "@all"
"""All living specialists."""


def post(
    decision: Decision,
    *,
    to: str,
    subject: str,
    body: str = "",
    sender: str | None = None,
    priority: Priority = "normal",
    message_type: str = "message",
    ack_required: bool = False,
    ack_within_ms: int | None = None,
    thread_id: str | None = None,
    cause: str | None = None,
    tags: tuple[str, ...] = (),
) -> list[str]:
    """Send a message in the decision's append; returns the ids of its events, one for each copy.

    `to` is a mailbox, `@ROLE` (`@coordinator` and `@coordinators` mean the same) or `@all`: the living
    specialists of that role, or all, but for the sender. For a role that none has it waits in the role's own
    mailbox, which exists from then on; to `@all` without anybody nothing is sent. Without `sender` it is the
    fleet itself that speaks. `cause` is an event's id; `thread_id` the conversation, or this begins one.
    `ack_within_ms` is the project's setting unless given.

    Raises:
        NotFound: there is no such mailbox.
    """
    mailboxes = recipients(decision, to, sender) or ([] if to == ALL else [role_mailbox(to)])
    message_id = id_text(decision.fleet.ids())
    thread = thread_id or message_id
    within = ack_within_ms or int(settings_of(decision.fleet).ack_within * 1000)
    moment = now(decision).steady
    sent: list[str] = []
    for copy, mailbox in enumerate(mailboxes):
        message = SquawkSent(
            message_id=message_id,
            mailbox_id=mailbox,
            sender_id=sender,
            thread_id=thread,
            message_type=message_type,
            content={"subject": subject, "body": body},
            priority=priority,
            to=to if to.startswith(ROLE) else None,
            copy=copy,
            ack_required=ack_required,
            ack_within_ms=within if ack_required else None,
            at=moment,
        )
        marks = (message_tag(message_id), thread_tag(thread), *(tags if copy == 0 else ()))
        sent.append(decision.record(stream(mailbox), message, cause=cause, tags=marks))
    return sent


def recipients(decision: Decision, to: str, sender: str | None = None) -> list[str]:
    """The mailboxes that an address means; none for a role that nobody has, or nobody but the sender.

    Raises:
        NotFound: it is no role, and there is no such mailbox.
    """
    if not to.startswith(ROLE):
        return [named_mailbox(decision.fleet, to).mailbox]
    living = [each for each in _living(decision) if each != sender]
    return living if to == ALL else [each for each in living if _has_role(decision, each, to)]


def no_one(to: str) -> NotFound:
    """What to say of an address that means nobody."""
    return NotFound(
        f"nobody but you is there to read what goes to {to}"
        if to == ALL
        else f"no living specialist but you has the role {role_mailbox(to)[1:]!r}",
        remedy="see 'fleet specialist list' for those there are",
        to=to,
    )


def _living(decision: Decision) -> list[str]:
    """Whose session goes on, as far as this decision knows: neither is it due, nor does it end here."""
    decision.depend_on(Match(types=(SpecialistRegistered.type_name, SpecialistLost.type_name)))
    ended = {
        event.data.lease_id
        for _, event in decision.recorded
        if isinstance(event.data, LeaseExpired | LeaseReleased)
    }
    at = now(decision).steady
    sessions = decision.view(LEASES).select({"kind": "session", "status": "held"}).items
    return [
        each.holder
        for each in sessions
        if each.lease_id == session_id(each.holder)
        and each.lease_id not in ended
        and (each.due_at is None or each.due_at > at)
    ]


def _has_role(decision: Decision, specialist: str, to: str) -> bool:
    known = decision.view(SPECIALISTS).get(specialist)
    return known is not None and known.role is not None and role_mailbox(known.role) == role_mailbox(to)
