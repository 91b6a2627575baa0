"""`fleet status`: what the project holds, now or at any time before."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from fleet_core.cli.render import json_option

if TYPE_CHECKING:
    from fleet_core.fleet import Fleet
    from fleet_core.moments import AsOf
    from fleet_core.projections import Projection


@click.command()
@click.option("--as-of", metavar="POINT", help="Look at the past: a position, a time or an age such as 2h.")
@json_option
@click.pass_context
def status(context: click.Context, as_of: str | None, as_json: bool) -> None:
    """Show what the project holds and who works on it.

    Counts the states of every projection and, where they have a field called status, those of each status;
    and says what wants attention now, such as a specialist that is not heard of.

    \b
    Examples:
      fleet status
      fleet status --as-of 1200
      fleet status --as-of 2026-01-02T10:21:32Z
      fleet status --as-of 2h
    """
    from fleet_core.cli.opening import open_fleet
    from fleet_core.cli.render import envelope
    from fleet_core.notices import notices

    fleet = open_fleet(context)
    point = None if as_of is None else fleet.moment(as_of)
    answer = _log(fleet, point) | {
        "projections": list(_projections(fleet, point)),
        "notices": list(notices(fleet)) if point is None else [],
    }
    if as_json:
        click.echo(envelope(answer))
    else:
        _show(answer, point)


def _log(fleet: "Fleet", point: "AsOf | None") -> dict[str, Any]:
    """The project, and how far its log had come."""
    from fleet_core.times import timestamp

    count, last = _extent(fleet, point)
    return {
        "project": fleet.settings.project.name or fleet.project.root.name,
        "root": str(fleet.project.root),
        "store": fleet.settings.store.backend,
        "as_of": None if point is None else _point(point),
        "events": count,
        "head": last.position if last else 0,
        "last_event": timestamp(last.occurred_us) if last else None,
    }


def _extent(fleet: "Fleet", point: "AsOf | None") -> tuple[int, Any]:
    """How many events there are up to a point, and the last of them."""
    from fleet_core.moments import AsOf
    from fleet_core.stores import ALL, Maintenance

    if point is None and isinstance(fleet.store, Maintenance):
        found = fleet.store.info()
        return found.events, next(fleet.store.read(before=found.head + 1, limit=1, backwards=True), None)
    point = point or AsOf()
    count, last = 0, None
    for count, last in enumerate(fleet.store.read(point.narrow(ALL), before=point.before), 1):  # noqa: B007
        pass
    return count, last


def _point(point: "AsOf") -> dict[str, Any]:
    from fleet_core.times import timestamp

    return {"position": point.position, "time": None if point.time is None else timestamp(point.time)}


def _projections(fleet: "Fleet", point: "AsOf | None") -> Iterator[dict[str, Any]]:
    """How many states each projection has, unless it has none."""
    for name, projection in sorted(fleet.projections.items()):
        states, by_status = _count(fleet, projection, point)
        if states:
            yield {"name": name, "states": states, "by_status": by_status}


def _count(
    fleet: "Fleet", projection: "Projection[Any]", point: "AsOf | None"
) -> tuple[int, dict[str, int] | None]:
    view = fleet.view(projection, point)
    if "status" in projection.fields():
        counts = view.count_by("status")
        return sum(counts.values()), counts
    if point is not None:
        return len(view.select().items), None
    return next(state.rows for state in fleet.views.states() if state.name == projection.name), None


def _show(answer: dict[str, Any], point: "AsOf | None") -> None:
    from fleet_core.cli.render import show, visible

    record = {
        name: value for name, value in answer.items() if name not in ("projections", "notices", "as_of")
    }
    if point is not None:
        record = {"as_of": next(filter(None, answer["as_of"].values()), 0)} | record
    show(record)
    if answer["projections"]:
        click.echo()
        show([{**each, "by_status": _breakdown(each["by_status"])} for each in answer["projections"]])
    for notice in answer["notices"]:
        click.echo(f"\n{visible(notice.what)}\n  {visible(notice.next)}")


def _breakdown(counts: dict[str, int] | None) -> str:
    return ", ".join(f"{status} {count:,}" for status, count in (counts or {}).items())
