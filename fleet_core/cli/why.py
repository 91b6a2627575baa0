"""`fleet why`: the causes and the consequences of an event."""

from typing import TYPE_CHECKING

import click

from fleet_core.cli.render import json_option

if TYPE_CHECKING:
    from fleet_core.causation import Causation


@click.command()
@click.argument("event", help="Its position, or its id.")
@click.option("--mermaid", "form", flag_value="mermaid", help="Draw a Mermaid flow chart.")
@click.option("--dot", "form", flag_value="dot", help="Draw a Graphviz digraph.")
@click.option(
    "--limit", type=click.IntRange(1, 1_000_000), default=50, show_default=True, help="Most events each way."
)
@click.option("--as-of", metavar="POINT", help="Know only what was known at a position, a time or an age.")
@json_option
@click.pass_context
def why(
    context: click.Context, event: str, form: str | None, limit: int, as_of: str | None, as_json: bool
) -> None:
    """Show what led to an event, and what followed.

    Read it from the top: an event was caused by the one above it. An only consequence stands straight below
    its cause, several branch off to the right.

    \b
    Examples:
      fleet why 1200
      fleet why 0190163d-8694-739b-aea5-966c26f8ad91 --json
      fleet why 1200 --dot | dot -Tsvg > why.svg
    """
    from fleet_core.causation import trace
    from fleet_core.cli.lookup import find_event, reader
    from fleet_core.cli.opening import open_fleet
    from fleet_core.cli.render import envelope

    fleet = open_fleet(context)
    read = reader(fleet, as_of)
    causation = trace(read, find_event(read, event)).limited(limit)
    if as_json:
        click.echo(envelope(causation.as_dict()))
    else:
        _draw(causation, form)
    if causation.hidden_causes or causation.hidden_consequences:
        hidden = f"{causation.hidden_causes:,} causes and {causation.hidden_consequences:,} consequences"
        most = limit + max(causation.hidden_causes, causation.hidden_consequences)
        click.echo(f"Not shown: {hidden}; '--limit {most}' shows all.", err=True)


def _draw(causation: "Causation", form: str | None) -> None:
    from fleet_core.causation import as_dot, as_mermaid, as_text
    from fleet_core.cli.render import visible

    draw = {None: as_text, "mermaid": as_mermaid, "dot": as_dot}[form]
    for line in draw(causation):
        click.echo(visible(line))
