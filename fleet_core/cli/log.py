"""`fleet log`: what was recorded, now and as it comes in."""

from typing import TYPE_CHECKING, Any, Final

import click

from fleet_core.cli.lookup import position
from fleet_core.cli.render import json_option

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fleet_core.cli.lookup import Reader
    from fleet_core.events import Recorded
    from fleet_core.fleet import Fleet
    from fleet_core.stores import Query

PATIENCE: Final = 1.0
"""Seconds to wait for events before looking whether anybody still reads our output."""


@click.command()
@click.option(
    "--stream", "streams", multiple=True, metavar="TYPE[/ID]", help="Of this stream, or kind of streams."
)
@click.option("--type", "types", multiple=True, metavar="TYPE", help="Of this type; given twice, of either.")
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="With this tag; given twice, with both.")
@click.option("--correlation", metavar="EVENT", help="In the chain that began with this event.")
@click.option("--caused-by", metavar="EVENT", help="Directly caused by this event.")
@click.option("--since", metavar="TIME", help="That occurred at this time or later; 2h is two hours ago.")
@click.option("--until", metavar="TIME", help="That occurred at this time or earlier.")
@click.option("--after", type=position, help="The first ones after it.")
@click.option("--before", type=position, help="The last ones before it.")
@click.option(
    "--limit", type=click.IntRange(1, 1_000_000), default=20, show_default=True, help="Most events to list."
)
@click.option("--newest-first", "--backwards", "backwards", is_flag=True, help="List the newest at the top.")
@click.option("--follow", "-f", is_flag=True, help="Go on listing what is recorded, until Ctrl-C.")
@click.option("--data", "with_data", is_flag=True, help="Show the events' data too.")
@click.option("--as-of", metavar="POINT", help="Look at the past: a position, a time or an age such as 2h.")
@json_option
@click.pass_context
def log(context: click.Context, /, follow: bool, with_data: bool, as_json: bool, **chosen: Any) -> None:
    """List recorded events.

    Lists the newest ones, the very newest last, as journalctl and tail do; with --after the ones that follow
    a position. When there are more, stderr (or "next" in JSON) says which option to go on with. Events can be
    named by position or id. With --follow and --json every line is a document of its own.

    \b
    Examples:
      fleet log
      fleet log --stream sortie/s-1 --data
      fleet log --type sortie_started --type sortie_completed --since 2h
      fleet log --after 1200 --limit 100 --json
      fleet log --follow
    """
    from fleet_core.cli.lookup import reader
    from fleet_core.cli.opening import open_fleet

    if follow:
        _refuse_ends(chosen)
    fleet = open_fleet(context)
    read = reader(fleet, chosen["as_of"])
    query = _query(fleet, read, chosen)
    if follow:
        _follow(fleet, query, chosen, with_data, as_json)
    else:
        _list(read, query, chosen, with_data, as_json)


def _refuse_ends(chosen: dict[str, Any]) -> None:
    from fleet_core.errors import Usage

    for name in ("before", "until", "as_of", "backwards"):
        if chosen[name]:
            option = {"backwards": "newest-first"}.get(name, name.replace("_", "-"))
            raise Usage(f"--follow does not go with --{option}", remedy="leave one of them out")


def _query(fleet: "Fleet", read: "Reader", chosen: dict[str, Any]) -> "Query":
    """What to list; several streams and kinds of streams are or-ed."""
    from fleet_core.ids import check_name
    from fleet_core.moments import parse_time
    from fleet_core.stores import Match, Query, Stream

    now = fleet.clock()
    criteria: dict[str, Any] = {
        "types": tuple(check_name(each, "event type", "$.type") for each in chosen["types"]),
        "tags": tuple(check_name(each, "tag", "$.tag") for each in chosen["tags"]),
        "correlation_id": _id_of(read, chosen["correlation"]),
        "causation_id": _id_of(read, chosen["caused_by"]),
        "since": parse_time(chosen["since"], now) if chosen["since"] else None,
        "until": parse_time(chosen["until"], now) if chosen["until"] else None,
    }
    named = [check_name(each, "stream", "$.stream").partition("/") for each in chosen["streams"]]
    streams = tuple(Stream(kind, name) for kind, _, name in named if name)
    kinds = tuple(kind for kind, _, name in named if not name)
    items = [Match(**criteria, streams=streams)] if streams else []
    items += [Match(**criteria, stream_types=kinds)] if kinds else []
    return Query(tuple(items or [Match(**criteria)]))


def _id_of(read: "Reader", text: str | None) -> str | None:
    """The id of the event that is meant; an id that is not in this log may still be a cause in it."""
    from fleet_core.cli.lookup import find_event
    from fleet_core.errors import NotFound

    if text is None:
        return None
    try:
        return find_event(read, text).id
    except NotFound:
        return text


def _list(read: "Reader", query: "Query", chosen: dict[str, Any], with_data: bool, as_json: bool) -> None:
    from fleet_core.cli.render import envelope, show

    events, following = _page(read, query, chosen)
    if as_json:
        click.echo(envelope([event.as_dict() for event in events], next=following))
    elif events:
        show([_row(event, with_data) for event in events])
    if not events:
        click.echo("No event matches.", err=True)
    for option, place in (following or {}).items():
        click.echo(f"There are more; go on with --{option} {place}, or raise --limit.", err=True)


def _page(
    read: "Reader", query: "Query", chosen: dict[str, Any]
) -> "tuple[list[Recorded], dict[str, int] | None]":
    """The events in the order to show them, and the option to go on with when there are more."""
    after, limit = chosen["after"], chosen["limit"]
    forwards = after is not None and not chosen["backwards"]
    found = list(
        read(query, after=after or 0, before=chosen["before"], limit=limit + 1, backwards=not forwards)
    )
    events, more = found[:limit], len(found) > limit
    following = {"after" if forwards else "before": events[-1].position} if more else None
    return events if forwards or chosen["backwards"] else events[::-1], following


def _row(event: "Recorded", with_data: bool) -> dict[str, Any]:
    row = {
        "position": event.position,
        "occurred": event.occurred_at,
        "type": event.type,
        "stream": f"{event.stream_type}/{event.stream_id}",
        "version": event.version,
        "tags": event.tags,
    }
    return row | {"data": event.plain} if with_data else row


def _follow(fleet: "Fleet", query: "Query", chosen: dict[str, Any], with_data: bool, as_json: bool) -> None:
    """List the newest events, or all those after a position, and then what comes."""
    position = fleet.store.head()
    if chosen["after"] is None:
        earlier = fleet.store.read(query, before=position + 1, limit=chosen["limit"], backwards=True)
        _print_lines(list(earlier)[::-1], with_data, as_json)
    else:
        position = chosen["after"]
    while True:
        head = fleet.store.head()
        _print_lines(fleet.store.read(query, after=position, before=head + 1), with_data, as_json)
        position = max(position, head)
        while not fleet.store.wait(position, PATIENCE):
            _stop_when_unread()


def _print_lines(events: "Iterable[Recorded]", with_data: bool, as_json: bool) -> None:
    from fleet_core.cli.render import envelope, text_of

    for event in events:
        if as_json:
            click.echo(envelope(event.as_dict(), next={"after": event.position}))
        else:
            click.echo("  ".join(text_of(value) for value in _row(event, with_data).values()))


def _stop_when_unread() -> None:
    """End when whoever read our output is gone; without events there is no write that would tell.

    Raises:
        BrokenPipeError: nobody reads any more.
    """
    import select
    import sys

    if sys.stdout is None:
        raise BrokenPipeError
    poll = select.poll()
    poll.register(sys.stdout.fileno(), select.POLLERR)
    if poll.poll(0):
        raise BrokenPipeError
