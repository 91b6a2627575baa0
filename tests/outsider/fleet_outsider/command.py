"""A command that only a terminal can do."""

import click


@click.command()
@click.argument("name", default="world")
def hello(name: str) -> None:
    """Greet somebody."""
    click.echo(f"Hello, {name}!")
