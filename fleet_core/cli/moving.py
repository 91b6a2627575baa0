"""`fleet store copy` and `unseal`: moving a project's events to another store."""

import sys
from typing import TYPE_CHECKING

import click

from fleet_core.cli.render import is_terminal, json_option

if TYPE_CHECKING:
    from fleet_core.fleet import Fleet
    from fleet_core.moving import Copied
    from fleet_core.stores import EventStore, Movable


@click.command()
@click.option("--to", "target", metavar="STORE", required=True, help="The store to copy to, by its name.")
@click.option("--seal", is_flag=True, help="Have the store in use refuse further writes, and copy the rest.")
@json_option
@click.pass_context
def copy(context: click.Context, target: str, seal: bool, as_json: bool) -> None:
    """Copy all events to another store.

    Positions, ids, versions and times stay what they are; then every stream is compared with its copy. Run it
    again to copy what was recorded meanwhile, or after it was interrupted. With --seal nobody writes to the
    old store any more; set `backend` under [store] in fleet.toml to the new one afterwards.

    \b
    Examples:
      fleet store copy --to postgres
      fleet store copy --to postgres --seal
    """
    from fleet_core.cli.opening import open_fleet
    from fleet_core.cli.render import show

    fleet = open_fleet(context)
    other = _open_other(context, fleet, target)
    copied = _copy(fleet.store, other)
    if seal:
        movable(fleet).seal(f"the events of this project have moved to store {target!r}")
        rest = _copy(fleet.store, other)
        copied = type(rest)(copied.copied + rest.copied, rest.events, rest.streams, rest.head)
        _unseal(other)
    show(copied, as_json)
    if not as_json:
        click.echo(f'Both stores hold the same. To use it: backend = "{target}" under [store].', err=True)


@click.command()
@click.pass_context
def unseal(context: click.Context) -> None:
    """Have the store in use take writes again.

    A store is sealed when its events have been copied elsewhere with --seal. Two stores that both take writes
    hold two histories: make sure that nobody writes to the copy.

    \b
    Example:
      fleet store unseal
    """
    from fleet_core.cli.opening import open_fleet

    movable(open_fleet(context)).unseal()
    click.echo("The store takes writes.", err=True)


def movable(fleet: "Fleet") -> "Movable":
    """The store in use, if it can be left for another.

    Raises:
        Usage: it can't.
    """
    from fleet_core.errors import Usage
    from fleet_core.stores import Movable

    if isinstance(fleet.store, Movable):
        return fleet.store
    raise Usage(
        f"the store {fleet.settings.store.backend!r} can't be sealed",
        remedy="stop everybody who writes, and copy without --seal",
    )


def _open_other(context: click.Context, fleet: "Fleet", target: str) -> "EventStore":
    from fleet_core.errors import Usage

    in_use = Usage(f"{target!r} is the store in use", remedy="name another; 'fleet plugins' lists them")
    if target == fleet.settings.store.backend:
        raise in_use
    other = fleet.open_store(target)
    context.call_on_close(other.close)
    if _place(other) == _place(fleet.store) != "":
        raise in_use
    return other


def _place(store: "EventStore") -> str:
    from fleet_core.stores import Maintenance

    return store.info().path if isinstance(store, Maintenance) else ""


def _unseal(store: "EventStore") -> None:
    from fleet_core.stores import Movable

    if isinstance(store, Movable):
        store.unseal()


def _copy(source: "EventStore", target: "EventStore") -> "Copied":
    from fleet_core import moving

    hidden = not is_terminal(sys.stderr)
    with click.progressbar(length=source.head(), label="Copying", file=sys.stderr, hidden=hidden) as bar:
        return moving.copy(source, target, lambda position: bar.update(position - bar.pos))
