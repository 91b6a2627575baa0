"""What the end of a reservation's lease says to readers of FleetTools' events."""

from fleet_core.api import Decision
from fleet_ctk.events import CtkReleased, ReleaseReason
from fleet_ctk.locks import lock_of, lock_stream
from fleet_ctk.resources import name_of
from fleet_leases.api import Ending, Lease, now


def let_go(decision: Decision, lease: Lease, ending: Ending) -> None:
    """Have it recorded that a reservation is over, beside the end of its lease."""
    if lease.kind not in ("file", "slot"):
        return
    lock_id = lock_of(decision.fleet, lease)
    released = CtkReleased(
        lock_id=lock_id,
        file_path=name_of(lease),
        specialist_id=lease.holder,
        release_reason=_reason(decision, lease, ending),
    )
    decision.record(lock_stream(lock_id), released, cause=ending.event)


def _reason(decision: Decision, lease: Lease, ending: Ending) -> ReleaseReason:
    """What expires before its own time does so with its holder's session."""
    if ending.how != "expired":
        return "explicit"
    timed_out = lease.due_at is not None and lease.due_at <= now(decision).steady
    return "timeout" if timed_out else "crash"
