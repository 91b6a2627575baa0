"""Points in a log's life, as people write them: a position, a time, or how long ago. And lengths of time."""

import re
from datetime import UTC, datetime
from typing import Final, NamedTuple

from msgspec.structs import replace

from fleet_core.errors import Usage
from fleet_core.stores import Match, Query
from fleet_core.times import as_microseconds

_POSITION: Final = re.compile("[0-9]{1,18}")
_AGO: Final = re.compile("([0-9]{1,9})([smhdw])")
_LENGTH: Final = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)([smhdw]?)")
_SECONDS: Final = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_YEAR_1: Final = as_microseconds(datetime(1, 1, 1, tzinfo=UTC))


class AsOf(NamedTuple):
    """After the event at `position`, or after all that occurred up to `time` (microseconds since 1970)."""

    position: int | None = None
    time: int | None = None

    @property
    def before(self) -> int | None:
        """The first position that lies beyond it, as `EventStore.read` takes it."""
        return None if self.position is None else self.position + 1

    def narrow(self, query: Query) -> Query:
        """The same query, of what had occurred by then."""
        if self.time is None:
            return query
        items = query.items or (Match(),)
        return Query(tuple(replace(item, until=_earlier(item.until, self.time)) for item in items))


def parse_as_of(text: str, now: int) -> AsOf:
    """Read a position (`1200`), an RFC 3339 time (`2026-01-02T10:21:32Z`), a date, or an age (`2h` ago).

    Raises:
        Usage: it is none of these.
    """
    if _POSITION.fullmatch(text):
        return AsOf(position=int(text))
    return AsOf(time=parse_time(text, now))


def parse_time(text: str, now: int) -> int:
    """Read an RFC 3339 time, a date (its start in UTC), or an age such as `90s`, `2h`, `7d`.

    Returns microseconds since 1970.

    Raises:
        Usage: it is none of these, or a time without a zone.
    """
    ago = _AGO.fullmatch(text)
    if ago is not None:
        return _ago(text, now - int(ago[1]) * _SECONDS[ago[2]] * 1_000_000)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Usage(
            f"{text!r} is not a time", remedy="write 2026-01-02T10:21:32Z, 2026-01-02, or an age such as 2h"
        ) from None
    if moment.tzinfo is None and len(text) > len("2026-01-02"):
        raise Usage(f"time {text!r} names no time zone", remedy="add one: Z for UTC, or +02:00")
    return as_microseconds(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def parse_duration(text: str) -> float:
    """Read a length of time, such as `90s`, `2h` or `1.5d`; without a unit it is seconds. Returns seconds.

    Raises:
        Usage: it is none.
    """
    length = _LENGTH.fullmatch(text)
    if length is None:
        raise Usage(f"{text!r} is not a length of time", remedy="write 90s, 5m, 2h or 7d")
    return float(length[1]) * _SECONDS[length[2]]


def _earlier(one: int | None, other: int) -> int:
    return other if one is None else min(one, other)


def _ago(text: str, moment: int) -> int:
    if moment < _YEAR_1:
        raise Usage(f"{text} ago lies before the year 1", remedy="give a smaller age")
    return moment
