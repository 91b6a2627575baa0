"""`fleet init`: make a folder a project."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from fleet_core.cli.render import json_option

if TYPE_CHECKING:
    from msgspec.inspect import StructType

    from fleet_core.project import Project


@click.command()
@click.argument("directory", required=False, help="The project's root; by default the current folder.")
@click.option("--name", help="What the project is called; by default as its folder.")
@json_option
@click.pass_context
def init(context: click.Context, directory: str | None, name: str | None, as_json: bool) -> None:
    """Make this folder a fleet project.

    Creates .fleet/ for the data and, when there is none, a fleet.toml that explains every setting. Running
    it again changes nothing. In a git worktree the project is that of the main worktree, which all share.

    \b
    Examples:
      fleet init
      fleet init ~/apollo --name apollo
    """
    from fleet_core import project as projects
    from fleet_core.cli.group import catalog_of
    from fleet_core.cli.opening import start_of, warn
    from fleet_core.cli.render import show
    from fleet_core.fleet import Fleet

    project = projects.at(start_of(context) / (directory or ""))
    known = project.directory.is_dir()
    _check_name(project, name)
    projects.create(project)
    _write_config(project, name)
    with Fleet.open(project.root, catalog=catalog_of(context), warn=warn) as fleet:
        backend = fleet.settings.store.backend
    if as_json:
        answer = {"root": project.root, "directory": project.directory, "backend": backend}
        show(answer | {"created": not known}, as_json)
        return
    show(f"{project.root} is {'already' if known else 'now'} a fleet project; its events live in {backend}.")
    click.echo("Next: 'fleet status' shows what it holds, 'fleet doctor' whether all is well.", err=True)


def _check_name(project: "Project", name: str | None) -> None:
    """Refuse a name that is none, or that is not the one the project has."""
    from fleet_core.errors import Conflict
    from fleet_core.ids import check_name
    from fleet_core.settings import load

    if name is None:
        return
    check_name(name, "project name", "$.project.name")
    if project.config.exists() and (known := load(project.config).settings.project.name) != name:
        raise Conflict(
            f"{project.root} is called {known or project.root.name!r} already",
            remedy=f"to call it something else, set name under [project] in {project.config}",
        )


def _write_config(project: "Project", name: str | None) -> None:
    """Write the settings file, unless there is one: in one write, so that no reader sees half of it."""
    text = "".join(f"{line}\n" for line in _config_lines(name))
    try:
        with project.config.open("xb", buffering=0) as file:
            file.write(text.encode())
    except FileExistsError:
        return


def _config_lines(name: str | None) -> Iterator[str]:
    """Every setting as a comment: what it means, and what it is unless set."""
    from msgspec import inspect

    from fleet_core.settings import Settings

    yield "# Settings of this fleet project. What is commented out shows its default."
    yield "# 'fleet config show --origin' says what is in force and why. A variable overrides a key:"
    yield "# FLEET_STORE__BACKEND=memory, for example."
    settings = inspect.type_info(Settings)
    assert isinstance(settings, inspect.StructType)
    for section in settings.fields:
        if isinstance(section.type, inspect.StructType):
            yield from ("", f"[{section.name}]")
            given = {"name": name} if section.name == "project" and name is not None else {}
            yield from _key_lines(section.type, given)


def _key_lines(section: "StructType", given: dict[str, str]) -> Iterator[str]:
    import msgspec
    from msgspec import inspect

    for key in section.fields:
        if isinstance(key.type, inspect.Metadata):
            yield f"# {(key.type.extra_json_schema or {}).get('description', '')}"
        # A JSON string or number is a TOML one too.
        value = msgspec.json.encode(given.get(key.name, key.default)).decode()
        yield f"{'' if key.name in given else '# '}{key.name} = {value}"
