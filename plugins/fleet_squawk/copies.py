"""The copy of a message that a specialist may take: the one in its own mailbox, or in a common one."""

from typing import Annotated

from msgspec import Meta

from fleet_core.api import Conflict, Decision, NotFound, Recorded
from fleet_leases.api import Holding
from fleet_squawk.mailboxes import MAILBOXES, taken_from
from fleet_squawk.messages import copies_of

MessageId = Annotated[
    str, Meta(description="The message's id, as an inbox shows it.", min_length=1, max_length=200)
]
"""A message's id as requests take it."""


def copy_for(decision: Decision, holding: Holding, message_id: str, mailbox: str | None) -> Recorded:
    """The copy of a message in the mailbox that is named; else in the specialist's own, else in a common one.

    Raises:
        NotFound: there is no such message, or none in that mailbox.
        Conflict: it lies in mailboxes of others only.
    """
    copies = copies_of(decision.fleet, message_id)
    if not copies:
        raise NotFound(
            f"there is no message {message_id!r}",
            remedy="see 'fleet squawk inbox' for what there is",
            message_id=message_id,
        )
    if mailbox is not None:
        named = taken_from(decision, holding, mailbox).mailbox
        return _in(copies, named, message_id)
    own = [copy for copy in copies if copy.stream_id == holding.specialist]
    common = [copy for copy in copies if _is_common(decision, copy.stream_id)]
    if not own and not common:
        raise Conflict(
            f"message {message_id} went to {', '.join(copy.stream_id for copy in copies[:3])}, not to you",
            remedy=f"'fleet squawk inbox --mailbox {copies[0].stream_id}' shows it to you",
            message_id=message_id,
        )
    return (own or common)[0]


def _in(copies: list[Recorded], mailbox: str, message_id: str) -> Recorded:
    for copy in copies:
        if copy.stream_id == mailbox:
            return copy
    raise NotFound(
        f"message {message_id} is not in mailbox {mailbox}",
        remedy=f"see 'fleet squawk inbox --mailbox {mailbox}' for what is",
        message_id=message_id,
        mailbox=mailbox,
    )


def _is_common(decision: Decision, mailbox: str) -> bool:
    known = decision.view(MAILBOXES).get(mailbox)
    return known is not None and not known.owned
