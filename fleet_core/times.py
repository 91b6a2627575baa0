"""Times of the log: whole microseconds since 1970 in UTC."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from fleet_core.errors import Invalid

Clock = Callable[[], int]
"""Gives the current time in microseconds since 1970, UTC. Injected, so that a test can hold it still."""


def system_clock() -> int:
    """The machine's wall clock, in microseconds since 1970, UTC."""
    return time.time_ns() // 1000


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
