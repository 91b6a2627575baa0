"""What can be asked of reservations, and what is answered."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from fleet_core.api import Read
from fleet_ctk.events import Purpose
from fleet_leases.api import HeldWrite, Token

Standing = Literal["held", "due", "barred"]
"""How it stands with a reservation; see `Listed`."""

Path = Annotated[str, Meta(min_length=1, max_length=4000)]

Paths = Annotated[
    tuple[Path, ...],
    Meta(
        description="Paths or patterns (* ? ** [] {}), or slots such as slot://build.",
        min_length=1,
        max_length=1000,
    ),
]
"""What is asked for."""

Where = Annotated[
    str | None,
    Meta(
        description="The folder that relative paths start from, itself relative to the project's root.",
        extra={"cwd": True},
    ),
]
"""From where paths are meant; the project's root when nothing is said."""

Named = Annotated[
    tuple[Path, ...],
    Meta(
        description="Reservations as they were made, by pattern or slot; or leases by id.",
        max_length=1000,
        extra={"argument": True},
    ),
]
"""Reservations that there are."""

All = Annotated[bool, Meta(description="Everything that the token covers.")]

Seconds = Annotated[float, Meta(ge=0, le=86_400 * 365)]


class CtkReserve(HeldWrite, frozen=True, kw_only=True):
    """What a specialist wants to have to itself."""

    paths: Paths
    shared: Annotated[bool, Meta(description="Tolerate others who reserve the same as shared.")] = False
    ttl: Annotated[
        Seconds | None,
        Meta(
            description="Seconds that it lasts unless renewed; 0 for as long as the session."
            " [plugins.ctk] ttl when left out."
        ),
    ] = None
    reason: Annotated[
        Annotated[str, Meta(min_length=1, max_length=1000)] | None,
        Meta(description="What for, in words; others read it."),
    ] = None
    purpose: Annotated[Purpose, Meta(description="What for; it is recorded, and changes nothing.")] = "edit"
    where: Where = None


class CtkRenew(HeldWrite, frozen=True, kw_only=True):
    """Reservations that shall last longer."""

    paths: Named = ()
    all: All = False
    ttl: Annotated[
        Annotated[float, Meta(gt=0, le=86_400 * 365)] | None,
        Meta(description="Seconds that they last from now; as at their last renewal when left out."),
    ] = None
    where: Where = None


class CtkRelease(HeldWrite, frozen=True, kw_only=True):
    """Reservations that are not needed any more."""

    paths: Named = ()
    all: All = False
    where: Where = None


class CtkList(Read, frozen=True, kw_only=True):
    """Which reservations."""

    holder: Annotated[str | None, Meta(description="Only those of this specialist.")] = None
    after: Annotated[
        str | None, Meta(description="Go on after this lease, which an earlier answer gave as next.")
    ] = None
    limit: Annotated[int, Meta(description="How many at most.", ge=1, le=1000)] = 50


class CtkCheck(Read, frozen=True, kw_only=True):
    """What one may want to reserve."""

    paths: Paths
    shared: Annotated[bool, Meta(description="Whether others who share would be tolerated.")] = False
    token: Token = None
    where: Where = None


class Reservation(msgspec.Struct, frozen=True, kw_only=True):
    """What was reserved: `token` is the fencing token of its lease. `expires_in_ms` counts from when this was
    answered first; None says that it lasts as long as the session.
    """

    pattern: str
    lease_id: str
    token: int
    holder: str
    shared: bool
    expires_in_ms: int | None


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """What is reserved: `held`; `due`, to be over at the next write; or over, and `barred` for a while.

    `expires_in_ms` counts down by the store's clock; None is for what lasts as long as its holder's session,
    and of the past.
    """

    pattern: str
    holder: str
    shared: bool
    status: Standing
    expires_in_ms: int | None
    token: int
    lease_id: str
    reason: str | None


class Released(msgspec.Struct, frozen=True, kw_only=True):
    """What was given back."""

    pattern: str
    lease_id: str
    token: int


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """What could be reserved. `yours` is the lease by which it is, or some of it, reserved by you already."""

    path: str
    pattern: str
    yours: str | None
