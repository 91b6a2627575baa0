"""What the end of a session means for its specialist."""

from fleet_core.api import Decision, as_datetime
from fleet_leases.api import Ending, Lease
from fleet_specialists.events import SpecialistLost
from fleet_specialists.state import SPECIALISTS, stream


def lose(decision: Decision, lease: Lease, ending: Ending) -> None:
    """Have it recorded that a specialist is lost whose session expired or was taken away."""
    if lease.kind != "session" or ending.how not in ("expired", "forced"):
        return
    target = stream(lease.holder)
    known = decision.look(SPECIALISTS, target)
    lost = SpecialistLost(
        specialist_id=lease.holder,
        lost_at=as_datetime(decision.now),
        last_seen=known.last_seen if known else None,
        reason=ending.reason or "nothing was heard of it",
    )
    decision.record(target, lost, cause=ending.event)
