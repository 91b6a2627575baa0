"""Waiting for mail: what `fleet wait --for mail` looks at."""

import msgspec

from fleet_core.api import Fleet, Look
from fleet_leases.api import attend
from fleet_squawk.cursors import DEFAULT, cursor_of
from fleet_squawk.inbox_operations import unread_of_role
from fleet_squawk.mailboxes import named_mailbox, reader_of


class Unread(msgspec.Struct, frozen=True, kw_only=True):
    """Mail that is there: how many messages, in all and in each mailbox."""

    unread_total: int
    mailboxes: dict[str, int]


def mail(fleet: Fleet, argument: str, token: int | None) -> Look:
    """Whether messages lie unread in a mailbox: the one that is named, else that of the token's holder and of
    its role.

    Raises:
        Fenced: the session of the token is over.
        Invalid, NotFound: there is no such mailbox, or neither argument nor token.
    """
    again_in = attend(fleet, token)
    mailbox = named_mailbox(fleet, argument or reader_of(fleet, token))
    lying = mailbox.total - cursor_of(fleet, mailbox.mailbox, DEFAULT).count
    found = {mailbox.mailbox: lying} if lying > 0 else {}
    if not argument:
        found |= unread_of_role(fleet, mailbox)
    unread = Unread(unread_total=sum(found.values()), mailboxes=found)
    return Look(unread if found else None, again_in)
