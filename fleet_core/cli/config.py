"""`fleet config`: the settings in force."""

from collections.abc import Iterator, Mapping
from typing import Any

import click

from fleet_core.cli.render import json_option


@click.group()
def config() -> None:
    """Show settings and where they come from.

    \b
    Example:
      fleet config show --origin
    """


@config.command()
@click.option("--origin", is_flag=True, help="Say where each value comes from.")
@json_option
@click.pass_context
def show(context: click.Context, origin: bool, as_json: bool) -> None:
    """Show every setting in force, and where it comes from.

    Built-in defaults are overridden by the user's config.toml, that by the project's fleet.toml, and that by
    FLEET_SECTION__KEY variables. Works outside projects too, without a fleet.toml then.

    \b
    Example:
      fleet config show --origin
      FLEET_STORE__BACKEND=memory fleet config show --origin
    """
    import msgspec

    from fleet_core.cli import render
    from fleet_core.settings import load

    loaded = load(_config_file(context))
    rows = [
        {"key": key, "value": value, "origin": loaded.origins.get(key, "default")}
        for key, value in _flat(msgspec.to_builtins(loaded.settings))
    ]
    render.show(rows, as_json, columns=("key", "value", "origin") if origin else ("key", "value"))


def _config_file(context: click.Context) -> Any:
    from fleet_core.cli.opening import start_of
    from fleet_core.errors import NotFound
    from fleet_core.project import find

    try:
        return find(start_of(context)).config
    except NotFound as error:
        click.echo(f"No fleet.toml is read: {error.message}.", err=True)
        return None


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value
