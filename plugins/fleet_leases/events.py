"""What happens to leases. Every event says when, by the store's steady clock: see `clock`."""

from typing import ClassVar, Literal

import msgspec

from fleet_core.api import EventType, PositiveInteger

Kind = Literal["session", "claim", "file", "slot"]
"""What a lease is of: a specialist's session, a sortie, a pattern of files, or anything that has a name."""

How = Literal["released", "completed", "retired", "forced", "expired"]
"""How a lease ends: given back, its work done, its holder gone home, taken away, or its time over."""


class Mark(msgspec.Struct, frozen=True, omit_defaults=True):
    """A moment of the steady clock, in microseconds, and what it was read from: the machine's run, its ticks,
    and its wall clock, which tells how long the machine is off before the next.
    """

    steady: int
    boot: str | None = None
    ticks: int = 0
    wall: int = 0


class LeaseGranted(EventType, frozen=True, kw_only=True):
    """Somebody was granted something. This event's position is the lease's fencing token.

    `under` is the token of the lease that this one depends on and ends with: a claim's is its session.
    Without `ttl_ms` it lasts as long as that one. `resources` are what is held, where the lease's id does not
    say it; shared ones tolerate other shared ones.
    """

    type_name: ClassVar[str] = "lease_granted"

    lease_id: str
    kind: Kind
    holder: str
    resources: tuple[str, ...] = ()
    shared: bool = False
    under: int | None = None
    ttl_ms: PositiveInteger | None = None
    reason: str | None = None
    at: Mark


class LeaseRenewed(EventType, frozen=True, kw_only=True):
    """A lease was prolonged: it lasts `ttl_ms` milliseconds from this moment."""

    type_name: ClassVar[str] = "lease_renewed"

    lease_id: str
    token: int
    ttl_ms: PositiveInteger
    at: Mark


class LeaseReleased(EventType, frozen=True, kw_only=True):
    """A lease was given back, or taken away by somebody with a reason."""

    type_name: ClassVar[str] = "lease_released"

    lease_id: str
    token: int
    how: How
    by: str
    reason: str | None = None
    at: Mark


class LeaseExpired(EventType, frozen=True, kw_only=True):
    """The time of a lease was found to be over. What it was of stays barred for `lock_delay_ms` more."""

    type_name: ClassVar[str] = "lease_expired"

    lease_id: str
    token: int
    lock_delay_ms: int = 0
    at: Mark


class LeaseFreed(EventType, frozen=True, kw_only=True):
    """The lock-delay after an expiry was found to be over: what the lease was of can be granted again."""

    type_name: ClassVar[str] = "lease_freed"

    lease_id: str
    token: int
    at: Mark


class WriteFenced(EventType, frozen=True, kw_only=True):
    """A write under a lease that is over was refused. It changed nothing but to be told here."""

    type_name: ClassVar[str] = "write_fenced"

    lease_id: str
    token: int
    holder: str
    operation: str


EVENT_TYPES: tuple[type[EventType], ...] = (
    LeaseGranted,
    LeaseRenewed,
    LeaseReleased,
    LeaseExpired,
    LeaseFreed,
    WriteFenced,
)
"""All of them, as the plugin contributes them."""
