"""How commands come by what they work on: the root command's options say which project and which plugins."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from fleet_core.cli.group import catalog_of

if TYPE_CHECKING:
    from fleet_core.fleet import Fleet
    from fleet_core.plugins import Plugins
    from fleet_core.services import Services


def start_of(context: click.Context) -> Path:
    """The folder from which the project is looked for: `--project`, or the current one."""
    given = context.find_root().params.get("project")
    return Path(given) if given else Path.cwd()


def plugins_of(context: click.Context) -> "Plugins":
    """Plugins without a fleet, for commands that need no project."""
    from fleet_core.plugins import Plugins

    return Plugins(catalog_of(context), warn=warn)


def open_fleet(context: click.Context) -> "Fleet":
    """Open the project; close it with the command's context.

    Raises:
        NotFound: there is no project here.
    """
    from fleet_core.fleet import Fleet

    return context.with_resource(Fleet.open(start_of(context), catalog=catalog_of(context), warn=warn))


def services_of(context: click.Context) -> "Services":
    """The project's services, without its store: that may live in one of them.

    Raises:
        NotFound: there is no project here.
        Invalid: settings that don't fit.
    """
    from fleet_core.plugins import Plugins
    from fleet_core.project import find
    from fleet_core.services import Services
    from fleet_core.settings import load

    project = find(start_of(context))
    settings = load(project.config).settings
    plugins = Plugins(catalog_of(context), observers=settings.observers, warn=warn)
    return Services(project, settings, plugins)


def warn(text: str) -> None:
    """Say something that is not the answer."""
    click.echo(f"warning: {text}", err=True)
