"""The commands of git: `fleet setup git`, `fleet guard`, `fleet verify`, and `fleet uninit`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fleet_core.api import ProblemsFound, json_option, open_fleet, show

if TYPE_CHECKING:
    from fleet_core.api import Fleet
    from fleet_git.repository import Repository


@click.group()
def setup() -> None:
    """Connect fleet with other tools; 'fleet uninit' disconnects it."""


@setup.command()
@json_option
@click.pass_context
def git(context: click.Context, as_json: bool) -> None:
    """Have commits checked against reservations.

    A pre-commit hook stops commits that touch what others have reserved or what their author, a specialist
    with FLEET_TOKEN set, has not. Each message says under which leases it was made. A hook that is there
    already is run first. Running this again changes nothing.

    \b
    Example:
      fleet setup git
    """
    from fleet_git import excluding, hooks

    fleet = open_fleet(context)
    repository = _repository_here()
    installed = hooks.install(repository, fleet.project.root)
    excluding.exclude(repository, fleet.project)
    if as_json:
        show({"installed": installed, "hooks": list(hooks.HOOKS)}, as_json)
        return
    done = f"{' and '.join(installed)} installed" if installed else "everything is in place already"
    show(f"{done}; 'fleet uninit' undoes it.")


@click.group()
def guard() -> None:
    """Check writes against reservations; hooks run this."""


_TOKEN = click.option(
    "--token", type=int, envvar="FLEET_TOKEN", show_envvar=True, help="The fencing token of your session."
)


@guard.command()
@_TOKEN
@click.argument("ignored", nargs=-1)
@click.pass_context
def commit(context: click.Context, token: int | None, ignored: tuple[str, ...]) -> None:
    """Check what is staged for the next commit.

    \b
    Example:
      fleet guard commit
    """
    from fleet_git.guard import check

    fleet = open_fleet(context)
    repository = _repository_here()
    check(fleet, repository.in_project(fleet.project, repository.staged()), token)


@guard.command()
@_TOKEN
@click.argument("message", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("ignored", nargs=-1)
@click.pass_context
def message(context: click.Context, token: int | None, message: Path, ignored: tuple[str, ...]) -> None:
    """Write into a commit's message under which leases it is made.

    \b
    Example:
      fleet guard message .git/COMMIT_EDITMSG
    """
    from fleet_git import trailers
    from fleet_git.guard import holder_of

    fleet = open_fleet(context)
    specialist = holder_of(fleet, token)
    if specialist is not None:
        repository = _repository_here()
        staged = repository.in_project(fleet.project, repository.staged())
        found = trailers.due(fleet, staged, specialist)
        trailers.write(repository, message.absolute(), found)


@guard.command()
@_TOKEN
@click.argument("paths", nargs=-1, required=True)
@click.pass_context
def edit(context: click.Context, token: int | None, paths: tuple[str, ...]) -> None:
    """Check whether these files may be written now.

    \b
    Example:
      fleet guard edit src/db/models.py
    """
    from fleet_ctk.api import project_path
    from fleet_git.guard import check

    fleet = open_fleet(context)
    check(fleet, [project_path(path, fleet.project, Path.cwd()) for path in paths], token)


@click.command()
@click.argument("commits", metavar="RANGE")
@json_option
@click.pass_context
def verify(context: click.Context, commits: str, as_json: bool) -> None:
    """Find commits that no lease covered, such as those made with --no-verify.

    Exits with 10 when there are any.

    \b
    Examples:
      fleet verify main..HEAD
      fleet verify -- HEAD~3..
    """
    from fleet_git import verification

    fleet = open_fleet(context)
    checked = list(verification.verify(fleet, _repository_here(), commits))
    bad = [each for each in checked if each.uncovered]
    if as_json:
        show(checked, as_json)
    else:
        _list(checked)
    if bad:
        count = sum(len(each.uncovered) for each in bad)
        raise ProblemsFound(
            f"{len(bad)} of {len(checked)} commits touch {count} paths that no lease of theirs covered",
            remedy="have them reviewed, or made again under a reservation",
            commits=[each.commit for each in bad],
        )


def _list(checked: list[Any]) -> None:
    for each in checked:
        click.echo(f"{each.commit[:12]} {'covered' if not each.uncovered else 'NOT COVERED'}  {each.subject}")
        for path, why in each.uncovered.items():
            click.echo(f"    {path}: {why}")


@click.command()
@click.option(
    "--keep", type=click.Path(path_type=Path), metavar="DIR", help="Move the data there, with all events."
)
@click.option("--yes", is_flag=True, help="Delete the data, with all events.")
@json_option
@click.pass_context
def uninit(context: click.Context, keep: Path | None, yes: bool, as_json: bool) -> None:
    """Make this folder what it was before fleet.

    Takes away .fleet/, fleet.toml unless git keeps versions of it, and what 'fleet setup git' put in place.
    A log with events is not deleted unless you say so.

    \b
    Examples:
      fleet uninit --keep ../apollo-fleet
      fleet uninit --yes
    """
    from fleet_git.leaving import check_services, leave

    fleet = open_fleet(context)
    check_services(fleet.project)
    _check_wanted(fleet, keep, yes)
    project = fleet.project
    fleet.close()
    left = leave(project, Path.cwd(), keep)
    if as_json:
        show({"removed": left.removed, "kept": left.kept}, as_json)
        return
    show(f"Removed {', '.join(left.removed)}.")
    if left.kept is not None:
        click.echo(f"The data are in {left.kept}; FLEET_DIR={left.kept} reads them.", err=True)


def _check_wanted(fleet: "Fleet", keep: Path | None, yes: bool) -> None:
    from fleet_core.api import Conflict

    if keep is None and not yes and fleet.store.head():
        raise Conflict(
            f"the log of {fleet.project.root} has events, up to position {fleet.store.head()}",
            remedy="'fleet uninit --keep DIR' moves it there, 'fleet uninit --yes' deletes it",
        )


def _repository_here() -> "Repository":
    from fleet_git.repository import Repository

    return Repository(Path.cwd())
