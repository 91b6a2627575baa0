"""What time has brought: leases found to be due expire, and barred ones are free again.

Readers only show what is due. The next writer, whoever it is, first has it recorded, in an append of its own
with all that follows; so a log says by itself what was held at each of its positions.
"""

from typing import Final

from fleet_core.api import AtMost, Decision, Fleet, Write
from fleet_leases.clock import now, read_clock
from fleet_leases.ending import end
from fleet_leases.events import LeaseFreed
from fleet_leases.granting import found
from fleet_leases.state import LEASES, Lease, stream

AT_ONCE: Final = 20
"""Leases settled in one append, beside those that end with them."""

STORE: Final = "the store's clock"
"""By whose doing leases expire."""


class Settle(Write, frozen=True, kw_only=True):
    """What is due shall be over."""


def settle(fleet: Fleet) -> None:
    """Record everything that is due. Every write of the domain begins with this; it costs one look when
    nothing is.
    """
    while _is_any_due(fleet):
        fleet.carry_out(Settle(), _settle)


def _is_any_due(fleet: Fleet) -> bool:
    head = fleet.store.head()
    due = AtMost(read_clock(fleet, head).steady)
    return bool(fleet.view(LEASES, at_least=head).select({"due_at": due}, limit=1).items)


def _settle(decision: Decision) -> None:
    due = AtMost(now(decision).steady)
    leases = decision.view(LEASES).select({"due_at": due}, limit=AT_ONCE).items
    for lease in sorted(leases, key=lambda lease: lease.token):  # those under others come after them
        if found(decision, lease.lease_id) == lease:
            _settle_one(decision, lease)


def _settle_one(decision: Decision, lease: Lease) -> None:
    if lease.status == "held":
        end(decision, lease, "expired", by=STORE)
    else:
        freed = LeaseFreed(lease_id=lease.lease_id, token=lease.token, at=now(decision))
        decision.record(stream(lease.lease_id), freed, cause=lease.last_event)
