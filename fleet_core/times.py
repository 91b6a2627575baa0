"""Times of the log: whole microseconds since 1970 in UTC."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from fleet_core.errors import Invalid

Clock = Callable[[], int]
"""Gives the current time in microseconds since 1970, UTC. Injected, so that a test can hold it still."""


def system_clock() -> int:
    """The machine's wall clock, in microseconds since 1970, UTC."""
    return time.time_ns() // 1000


class Instant(NamedTuple):
    """A reading of a clock: the wall's time, and what no setting of the wall clock moves.

    `wall` is in microseconds since 1970, UTC. `ticks` are microseconds since a start of the machine, and
    `boot` names that start; where there is no such counter, `boot` is None and `ticks` 0.
    """

    wall: int
    boot: str | None = None
    ticks: int = 0


Timekeeper = Callable[[], Instant]
"""Reads a clock. Injected, so that a test can let time pass, jump and begin anew."""


def machine_instant() -> Instant:
    """A reading of this machine's clocks. Its ticks go on while it sleeps (`CLOCK_BOOTTIME` of Linux)."""
    boot = _boot()
    if boot is None:
        return Instant(system_clock())
    return Instant(system_clock(), boot, time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000)


@cache
def _boot() -> str | None:
    """The name of the machine's current run; None where the system does not tell."""
    if not hasattr(time, "CLOCK_BOOTTIME"):
        return None
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return None


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def as_datetime(microseconds: int) -> datetime:
    """A time of the log as an aware datetime in UTC."""
    seconds, rest = divmod(microseconds, 1_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest)


def as_microseconds(moment: datetime) -> int:
    """An aware datetime as a time of the log.

    Raises:
        Invalid: the datetime names no time zone.
    """
    if moment.tzinfo is None:
        raise Invalid(f"time {moment.isoformat()} names no time zone", remedy="write an offset, such as Z")
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


_EARLIEST: Final = as_microseconds(datetime.min.replace(tzinfo=UTC))


_LATEST: Final = as_microseconds(datetime.max.replace(tzinfo=UTC))


def checked_time(moment: int) -> int:
    if not _EARLIEST <= moment <= _LATEST:
        raise Invalid("a time must lie within the years 1 to 9999", path="$.occurred_at")
    return moment


def timestamp(microseconds: int) -> str:
    """A time of the log as RFC 3339 text in UTC, to the microsecond."""
    return as_datetime(microseconds).isoformat(timespec="microseconds").replace("+00:00", "Z")
