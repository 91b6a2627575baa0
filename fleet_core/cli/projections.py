"""`fleet projections`: the read tables folded from the log."""

from typing import TYPE_CHECKING, Any

import click

from fleet_core.cli.render import json_option

if TYPE_CHECKING:
    from fleet_core.fleet import Fleet
    from fleet_core.projections import Projection

names_argument = click.argument("names", nargs=-1, metavar="[NAME]...", help="Which ones; by default all.")


@click.group()
def projections() -> None:
    """List, rebuild and verify read tables.

    A projection folds events into states; its read table holds them, a column for each field. Tables can be
    thrown away and folded anew at any time: the log is what counts.

    \b
    Example:
      fleet projections verify
    """


@projections.command("list")
@json_option
@click.pass_context
def list_(context: click.Context, as_json: bool) -> None:
    """List the read tables and how far each has come.

    BEHIND counts positions of the log that a table has not taken in yet; the next read of it does that.

    \b
    Example:
      fleet projections list
    """
    from fleet_core.cli.opening import open_fleet
    from fleet_core.cli.render import show

    fleet = open_fleet(context)
    head = fleet.store.head()
    rows = [
        {
            "name": state.name,
            "version": state.version,
            "rows": state.rows,
            "position": state.position,
            "behind": max(0, head - state.position),
        }
        for state in fleet.views.states()
    ]
    show(rows, as_json)


@projections.command()
@names_argument
@json_option
@click.pass_context
def rebuild(context: click.Context, names: tuple[str, ...], as_json: bool) -> None:
    """Fold read tables anew from the whole log.

    Readers see the old table until the new one is complete.

    \b
    Examples:
      fleet projections rebuild
      fleet projections rebuild sorties
    """
    from fleet_core.cli.opening import open_fleet
    from fleet_core.cli.render import show

    fleet = open_fleet(context)
    chosen = _chosen(fleet, names)
    positions = {each.name: _rebuild(fleet, each) for each in chosen}
    rows = {state.name: state.rows for state in fleet.views.states()}
    show([{"name": name, "rows": rows[name], "position": at} for name, at in positions.items()], as_json)


def _rebuild(fleet: "Fleet", projection: "Projection[Any]") -> int:
    from fleet_core.cli.render import log_progress

    with log_progress(f"Rebuilding {projection.name}", fleet.store.head()) as progress:
        return fleet.rebuild(projection, progress)


@projections.command()
@names_argument
@json_option
@click.pass_context
def verify(context: click.Context, names: tuple[str, ...], as_json: bool) -> None:
    """Fold the log again and compare it with the read tables.

    Lists every state that differs, and then exits with status 10.

    \b
    Examples:
      fleet projections verify
      fleet projections verify missions sorties
    """
    from fleet_core.cli.opening import open_fleet
    from fleet_core.cli.render import progress
    from fleet_core.projections import differences

    fleet = open_fleet(context)
    chosen = _chosen(fleet, names)
    found = {}
    for projection in progress(chosen, "Verifying", len(chosen)):
        found[projection.name] = differences(fleet.store, fleet.views, projection)
    _report(found, as_json)


def _chosen(fleet: "Fleet", names: tuple[str, ...]) -> list["Projection[Any]"]:
    return [fleet.projection(name) for name in dict.fromkeys(names or sorted(fleet.projections))]


def _report(found: dict[str, list[Any]], as_json: bool) -> None:
    from fleet_core.cli.render import show
    from fleet_core.errors import ProblemsFound

    if as_json:
        show([{"name": name, "differences": differences} for name, differences in found.items()], True)
    else:
        show([{"name": name, "differences": len(differences)} for name, differences in found.items()])
        for difference in (each for differences in found.values() for each in differences):
            show(f"{difference.projection} {difference.key}:")
            show({"table": difference.table, "log": difference.folded})
    wrong = [name for name, differences in found.items() if differences]
    if wrong:
        raise ProblemsFound(
            f"{', '.join(wrong)}: the read table is not what the log says",
            remedy=f"fleet projections rebuild {' '.join(wrong)}",
            projections=wrong,
        )
