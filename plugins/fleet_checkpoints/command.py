"""The command `fleet prime`."""

import click

from fleet_core.api import json_option, open_fleet, show


@click.command()
@click.option("--specialist", metavar="NAME", help="Who wants to know; without it, whose token it is.")
@click.option("--token", type=int, envvar="FLEET_TOKEN", show_envvar=True, help="Your token.")
@json_option
@click.pass_context
def prime(context: click.Context, specialist: str | None, token: int | None, as_json: bool) -> None:
    """Say what you are, hold, should read and do next.

    At most 1,600 bytes, to begin a language model's session with, or to go on after its context was lost.

    \b
    Example:
      fleet prime
    """
    from fleet_checkpoints.priming import prime as primed
    from fleet_checkpoints.requests import Prime

    answer = primed(open_fleet(context), Prime(specialist=specialist, token=token))
    if as_json:
        show(answer, as_json)
    else:
        click.echo(answer.prompt, nl=False)
