"""`fleet wait`: until there is something to do."""

import click

from fleet_core.catalog import help_of
from fleet_core.cli.group import catalog_of
from fleet_core.cli.render import json_option


class _Wait(click.Command):
    """Its help lists what can be waited for, from metadata and docstrings alone."""

    def format_epilog(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the installed kinds."""
        catalog = catalog_of(context)
        entries = [
            entry for name in catalog.names("fleet.waits") for entry in catalog.named("fleet.waits", name)
        ]
        if entries:
            with formatter.section("Kinds"):
                formatter.write_dl([(entry.name, help_of(entry) or entry.source) for entry in entries])


@click.command(cls=_Wait)
@click.option(
    "--for", "wants", metavar="KIND[:ARGUMENT]", multiple=True, required=True, help="What to wait for."
)
@click.option(
    "--timeout",
    metavar="DURATION",
    default="60s",
    show_default=True,
    help="For how long at most, such as 90s or 2h; 0 looks once.",
)
@click.option("--token", type=int, envvar="FLEET_TOKEN", show_envvar=True, help="The token of whoever waits.")
@json_option
@click.pass_context
def wait(
    context: click.Context, wants: tuple[str, ...], timeout: str, token: int | None, as_json: bool
) -> None:
    """Wait until there is something to do, or time is up.

    Prints what there is as soon as one of several things is there. When time is up, it exits with status 8.

    \b
    Examples:
      fleet wait --for mail --for ready --timeout 10m
      fleet wait --for ready --timeout 0 --json
    """
    from fleet_core.cli.opening import open_fleet
    from fleet_core.cli.render import show, visible
    from fleet_core.moments import parse_duration
    from fleet_core.waiting import wait_for

    seconds = parse_duration(timeout)
    found = wait_for(open_fleet(context), wants, seconds, token=token)
    if as_json:
        show(found, as_json)
        return
    click.echo(f"Found: {visible(':'.join(filter(None, (found.kind, found.argument))))}", err=True)
    show(found.found)
