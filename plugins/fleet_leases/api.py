"""What other plugins may use of leases."""

from fleet_leases.attending import attend
from fleet_leases.clock import STEADY_CLOCK, now, read_clock
from fleet_leases.ending import Ending, end, under
from fleet_leases.events import (
    How,
    Kind,
    LeaseExpired,
    LeaseGranted,
    LeaseReleased,
    LeaseRenewed,
    Mark,
    WriteFenced,
)
from fleet_leases.granting import found, grant, remaining_ms, renew, under_tag
from fleet_leases.holding import (
    TOKEN,
    HeldWrite,
    Holding,
    Token,
    carry_out_held,
    decide_held,
    ending_of,
    fence,
    granting,
    held,
    keep_alive,
    session_id,
)
from fleet_leases.operations import LeaseRelease, LeaseShown, lease_release, shown, unknown_lease
from fleet_leases.settling import settle
from fleet_leases.state import LEASES, Lease, stream

__all__ = [
    "LEASES",
    "STEADY_CLOCK",
    "TOKEN",
    "Ending",
    "HeldWrite",
    "Holding",
    "How",
    "Kind",
    "Lease",
    "LeaseExpired",
    "LeaseGranted",
    "LeaseRelease",
    "LeaseReleased",
    "LeaseRenewed",
    "LeaseShown",
    "Mark",
    "Token",
    "WriteFenced",
    "attend",
    "carry_out_held",
    "decide_held",
    "end",
    "ending_of",
    "fence",
    "found",
    "grant",
    "granting",
    "held",
    "keep_alive",
    "lease_release",
    "now",
    "read_clock",
    "remaining_ms",
    "renew",
    "session_id",
    "settle",
    "shown",
    "stream",
    "under",
    "under_tag",
    "unknown_lease",
]
