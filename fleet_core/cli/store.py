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
