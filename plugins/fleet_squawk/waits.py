"""Waiting for mail: what `fleet wait --for mail` looks at."""

from typing import Final

import msgspec

from fleet_core.api import Decision, Fleet, Look
from fleet_leases.api import HeldWrite, Holding, Lease, carry_out_held, keep_alive
from fleet_squawk.cursors import DEFAULT, cursor_of
from fleet_squawk.inbox_operations import unread_of_role
from fleet_squawk.mailboxes import named_mailbox, reader_of

LOOKS: Final = 4
"""How often a waiting specialist says that it is alive, within the time of its session."""


class Unread(msgspec.Struct, frozen=True, kw_only=True):
    """Mail that is there: how many messages, in all and in each mailbox."""

    unread_total: int
    mailboxes: dict[str, int]


class StayAlive(HeldWrite, frozen=True, kw_only=True):
    """Whoever waits is alive."""


def mail(fleet: Fleet, argument: str, token: int | None) -> Look:
    """Whether messages lie unread in a mailbox: the one that is named, else that of the token's holder and of
    its role. Whoever waits for its own mail stays alive by it.

    Raises:
        Fenced: the session of the token is over.
        Invalid, NotFound: there is no such mailbox, or neither argument nor token.
    """
    again_in = None if argument else _stay_alive(fleet, token)
    mailbox = named_mailbox(fleet, argument or reader_of(fleet, token))
    lying = mailbox.total - cursor_of(fleet, mailbox.mailbox, DEFAULT).count
    found = {mailbox.mailbox: lying} if lying > 0 else {}
    if not argument:
        found |= unread_of_role(fleet, mailbox)
    unread = Unread(unread_total=sum(found.values()), mailboxes=found)
    return Look(unread if found else None, again_in)


def _stay_alive(fleet: Fleet, token: int | None) -> float | None:
    """Renew the session as any write would; says in how many seconds to do so again."""
    sessions: list[Lease] = []

    def decide(decision: Decision, holding: Holding) -> None:
        sessions[:] = [holding.session]
        keep_alive(decision, holding.session)

    carry_out_held(fleet, StayAlive(token=token), decide)
    ttl_ms = sessions[-1].ttl_ms
    return None if ttl_ms is None else ttl_ms / 1000 / LOOKS
