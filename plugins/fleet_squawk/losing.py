"""Telling the coordinators of a specialist that is lost."""

from fleet_core.api import Decision
from fleet_leases.api import Ending, Lease, under
from fleet_squawk.posting import post

COORDINATORS = "@coordinators"


def tell(decision: Decision, lease: Lease, ending: Ending) -> None:
    """Send the coordinators word of a session that expired or was taken away, and of what ends with it."""
    if lease.kind != "session" or ending.how not in ("expired", "forced"):
        return
    ended = [each.lease_id for each in under(decision, lease)]
    held = f"It held {', '.join(ended)}, which nobody holds now." if ended else "It held nothing."
    post(
        decision,
        to=COORDINATORS,
        subject=f"{lease.holder} is lost",
        body=f"{ending.reason or 'Nothing was heard of it'}. {held}",
        priority="high",
        message_type="specialist_lost",
        cause=ending.event,
    )
