"""`fleet why`: the causes and the consequences of an event."""

import click

from fleet_core.cli.render import json_option


@click.command()
@click.argument("event", help="Its position, its id, or TYPE/ID of a stream, whose last one is meant.")
@click.option("--mermaid", is_flag=True, help="Draw a Mermaid flow chart.")
@click.option("--dot", is_flag=True, help="Draw a Graphviz digraph.")
@click.option(
    "--limit", type=click.IntRange(1, 1_000_000), default=50, show_default=True, help="Most events each way."
)
@click.option("--as-of", metavar="POINT", help="Know only what was known at a position, a time or an age.")
@json_option
@click.pass_context
def why(
    context: click.Context, event: str, mermaid: bool, dot: bool, limit: int, as_of: str | None, as_json: bool
) -> None:
    """Show what led to an event, and what followed.

    Read it from the top: an event was caused by the one above it. An only consequence stands straight below
    its cause, several branch off to the right.

    \b
    Examples:
      fleet why 1200
      fleet why sortie/routes
      fleet why 0190163d-8694-739b-aea5-966c26f8ad91 --json
      fleet why 1200 --dot | dot -Tsvg > why.svg
    """
    from fleet_core.causation import as_dot, as_mermaid, as_text, trace
    from fleet_core.cli.lookup import find_event, reader
    from fleet_core.cli.opening import open_fleet
    from fleet_core.cli.render import envelope, visible

    if mermaid + dot + as_json > 1:
        raise click.UsageError("--mermaid, --dot and --json exclude each other.")
    fleet = open_fleet(context)
    read = reader(fleet, as_of)
    causation = trace(read, find_event(read, event)).limited(limit)
    draw = as_mermaid if mermaid else as_dot if dot else as_text
    if as_json:
        click.echo(envelope(causation.as_dict()))
    else:
        click.echo("\n".join(map(visible, draw(causation))))
    if causation.hidden_causes or causation.hidden_consequences:
        hidden = f"{causation.hidden_causes:,} causes and {causation.hidden_consequences:,} consequences"
        most = limit + max(causation.hidden_causes, causation.hidden_consequences)
        click.echo(f"Not shown: {hidden}; '--limit {most}' shows all.", err=True)
