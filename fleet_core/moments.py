"""Points in a log's life, as people write them: a position, a time, or how long ago."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from fleet_core.errors import Usage
from fleet_core.events import as_microseconds

_AGO: Final = re.compile(r"(\d+)(s|m|h|d|w)")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class AsOf(NamedTuple):
    """A point to travel to: after the event at `position`, or after all that occurred up to `time` (microseconds)."""

    position: int | None = None
    time: int | None = None


def parse_as_of(text: str, now: int) -> AsOf:
    """Read a position (`1200`), an RFC 3339 time (`2026-01-02T10:21:32Z`), a date, or an age (`2h` ago).

    Raises:
        Usage: it is none of these.
    """
    if text.isascii() and text.isdigit():
        return AsOf(position=int(text))
    return AsOf(time=parse_time(text, now))


def parse_time(text: str, now: int) -> int:
    """Read an RFC 3339 time, a date (its start in UTC), or an age such as `90s`, `2h`, `7d`, in microseconds since 1970.

    Raises:
        Usage: it is none of these, or a time without a zone.
    """
    ago = _AGO.fullmatch(text)
    if ago is not None:
        return now - int(timedelta(**{_UNITS[ago[2]]: int(ago[1])}) / timedelta(microseconds=1))
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Usage(
            f"{text!r} is not a time", remedy="write 2026-01-02T10:21:32Z, 2026-01-02, or an age such as 2h"
        ) from None
    if moment.tzinfo is None and len(text) > len("2026-01-02"):
        raise Usage(f"time {text!r} names no time zone", remedy="add one: Z for UTC, or +02:00")
    return as_microseconds(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
