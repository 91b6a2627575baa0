"""`fleet store`: what keeps the events, and whether it is sound."""

from typing import TYPE_CHECKING

import click

from fleet_core.cli.moving import copy, unseal
from fleet_core.cli.render import json_option

if TYPE_CHECKING:
    from fleet_core.stores import Maintenance, Verification


@click.group()
def store() -> None:
    """Look at the event store.

    \b
    Examples:
      fleet store info
      fleet store verify
    """


store.add_command(copy)
store.add_command(unseal)


@store.command()
@json_option
@click.pass_context
def info(context: click.Context, as_json: bool) -> None:
    """Show what the store is and how much it holds.

    Also says how to open it with other tools.

    \b
    Example:
      fleet store info --json
    """
    from fleet_core.cli.render import envelope, show, visible

    found = _maintenance(context).info()
    size = {
        "path": found.path,
        "events": found.events,
        "streams": found.streams,
        "bytes": found.bytes,
        "schema_version": found.schema_version,
        "head": found.head,
    }
    details = {"backend": found.backend, **found.details}
    if as_json:
        click.echo(envelope({**size, "details": {**details, "open_with": found.open_with}}))
        return
    show({**size, **details})
    for line in found.open_with:
        click.echo(f"Open with:  {visible(line)}")


@store.command()
@json_option
@click.pass_context
def verify(context: click.Context, as_json: bool) -> None:
    """Check that every event is what was written.

    Recomputes the hash of every event and the chain over the log, and compares it with the head witness.
    Exits with status 10 when something is wrong.

    \b
    Example:
      fleet store verify
    """
    from fleet_core.cli.render import log_progress, show
    from fleet_core.errors import ProblemsFound

    maintenance = _maintenance(context)
    with log_progress("Checking every event", maintenance.info().head) as progress:
        found = maintenance.verify(progress)
    if as_json:
        show(found, True)
    else:
        _show_verification(found)
    if found.findings:
        raise ProblemsFound(
            f"the store is damaged: {len(found.findings)} findings",
            remedy=next((each.remedy for each in found.findings if each.remedy), "restore it from a backup"),
        )


@store.command()
@click.option("--owner", metavar="ROLE", help="Who makes and changes tables; named by the store otherwise.")
@click.option("--writer", metavar="ROLE", help="Who appends and reads.")
@click.option("--reader", metavar="ROLE", help="Who reads alone.")
@click.pass_context
def grant(context: click.Context, owner: str | None, writer: str | None, reader: str | None) -> None:
    """Write the statements that give users no more rights than they need.

    For stores on a server that knows users, such as PostgreSQL: one role owns the store, another appends and
    reads, a third reads alone. Nothing is executed: look at them, then have them run by the server's
    administrator.

    \b
    Examples:
      fleet store grant
      fleet store grant --writer coordinator --reader auditor
    """
    from fleet_core.cli.opening import open_fleet
    from fleet_core.errors import Usage
    from fleet_core.stores import Grants

    fleet = open_fleet(context)
    if not isinstance(fleet.store, Grants):
        raise Usage(
            f"the store {fleet.settings.store.backend!r} knows no users: it belongs to whoever may open it",
            remedy="protect what it is kept in; roles are for stores on a server, such as postgres",
        )
    click.echo(fleet.store.grants(owner, writer, reader), nl=False)


def _show_verification(found: "Verification") -> None:
    from fleet_core.cli.render import show

    sound = not found.findings
    show({"events": found.events, "head": found.head, "head_hash": found.head_hash, "sound": sound})
    if found.findings:
        click.echo()
        show(found.findings)


def _maintenance(context: click.Context) -> "Maintenance":
    from fleet_core.cli.opening import open_fleet
    from fleet_core.errors import Usage
    from fleet_core.stores import Maintenance

    fleet = open_fleet(context)
    if isinstance(fleet.store, Maintenance):
        return fleet.store
    raise Usage(
        f"the store {fleet.settings.store.backend!r} can neither describe nor verify itself",
        remedy="choose a store with the ability Maintenance under [store] in fleet.toml",
    )
