"""`fleet doctor`: is everything in order, and if not, what to do."""

from typing import TYPE_CHECKING, Final

import click

from fleet_core.cli.render import json_option

if TYPE_CHECKING:
    from fleet_core.checks import CheckResult

PACKAGES: Final = ("fleettools", "click", "msgspec", "peewee", "pluggy", "pysqlite3")
"""The distributions whose versions matter when something is wrong."""


@click.command()
@json_option
@click.pass_context
def doctor(context: click.Context, as_json: bool) -> None:
    """Check that everything is in order.

    Each line says ok, warn or fail, what was looked at, what was found, and what to do about it. Exits with
    status 10 when something failed. Plugins add checks of their own.

    \b
    Example:
      fleet doctor
    """
    from fleet_core.cli.health import checks
    from fleet_core.cli.render import envelope
    from fleet_core.errors import ProblemsFound

    versions = _versions()
    if not as_json:
        click.echo(", ".join(f"{name} {version}" for name, version in versions.items()))
    results = []
    for result in checks(context):
        results.append(result)
        if not as_json:
            _print(result)
    if as_json:
        click.echo(envelope(results, versions=versions))
    failed = [result.name for result in results if result.status == "fail"]
    if failed:
        raise ProblemsFound(
            f"{len(failed)} of {len(results)} checks failed: {', '.join(failed)}",
            remedy="do what stands behind the arrow of each",
        )


def _versions() -> dict[str, str]:
    import platform

    from fleet_core.catalog import installed_version

    found = {name: installed_version(name) for name in PACKAGES}
    return {"Python": platform.python_version(), **found, platform.system(): platform.release()}


def _print(result: "CheckResult") -> None:
    from fleet_core.cli.render import visible

    colour = {"ok": "green", "warn": "yellow", "fail": "red"}[result.status]
    remedy = f"  -> {result.remedy}" if result.remedy else ""
    text = visible(f"  {result.name:22}  {result.detail}{remedy}")
    click.echo(click.style(f"{result.status:4}", fg=colour) + text)
