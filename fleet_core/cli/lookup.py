"""How commands find events: by position or id, now or as they stood at a point of the past."""

import re
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fleet_core.events import Recorded
    from fleet_core.fleet import Fleet
    from fleet_core.stores import Query

    Reader = Callable[..., Iterator[Recorded]]
    """A store's `read`, perhaps bound to a point of the past."""

_POSITION: Final = re.compile("#?([0-9]{1,18})")


def position(text: str) -> int:
    """A position given on the command line, such as `120` or `#120`.

    Raises:
        BadParameter: it is no whole number, or beyond any log.
    """
    found = _POSITION.fullmatch(text)
    if found is None:
        raise click.BadParameter(f"{text!r} is not a position, a whole number such as 120")
    return int(found[1])


def reader(fleet: "Fleet", as_of: str | None) -> "Reader":
    """What reads events as of a point of the past, or of now.

    Raises:
        NotFound: the point lies beyond the end of the log.
        Usage: it is no point in the log's life.
    """
    if as_of is None:
        return fleet.store.read
    from fleet_core.stores import ALL

    point = fleet.moment(as_of)

    def read(query: "Query" = ALL, *, before: int | None = None, **bounds: Any) -> "Iterator[Recorded]":
        ends = [end for end in (before, point.before) if end is not None]
        return fleet.store.read(point.narrow(query), before=min(ends, default=None), **bounds)

    return read


def find_event(read: "Reader", text: str) -> "Recorded":
    """The event that a person means: an id, a position such as `120` or `#120`, or a stream such as
    `sortie/routes`, whose last one is meant.

    Raises:
        NotFound: there is none.
    """
    from fleet_core.errors import NotFound
    from fleet_core.ids import check_name
    from fleet_core.stores import Query, Stream

    check_name(text, "event", "$.event")
    found = next(read(Query.of(ids=(text, text.lower())), limit=1), None)
    if found is None and _POSITION.fullmatch(text):
        place = position(text)
        found = next(read(after=place - 1, before=place + 1, limit=1), None)
    if found is None and all(named := text.partition("/")):
        stream = Stream(named[0], named[2])
        found = next(read(Query.of(streams=(stream,)), backwards=True, limit=1), None)
    if found is None:
        raise NotFound(
            f"no event has the position, id or stream {text!r}",
            remedy="'fleet log' lists the events there are",
            event=text,
        )
    return found
