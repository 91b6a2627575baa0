"""`fleet uninit`: the folder as it was before fleet."""

import shutil
from pathlib import Path
from typing import NamedTuple

from fleet_core.api import Conflict, NotFound, Project
from fleet_git import excluding, hooks
from fleet_git.repository import Repository


class Left(NamedTuple):
    """What was taken away, and where the data are kept; None when they are gone."""

    removed: list[str]
    kept: Path | None


def check_services(project: Project) -> None:
    """Refuse to leave services behind that nobody could find again.

    Raises:
        Conflict: the project has some.
    """
    services = project.directory / "services"
    if services.is_dir() and any(services.iterdir()):
        names = ", ".join(sorted(each.name for each in services.iterdir()))
        raise Conflict(
            f"this project has services with data of their own: {names}",
            remedy="run 'fleet services destroy' first",
        )


def leave(project: Project, here: Path, keep: Path | None) -> Left:
    """Take away our hooks in the repository that `here` lies in, the settings file unless git keeps
    versions of it, and the data, which move to `keep` if there is one.

    Raises:
        Conflict: `keep` is there already.
    """
    if keep is not None and keep.exists():
        raise Conflict(f"{keep} is there already", remedy="name a folder that is not")
    removed = _leave_git(project, _repository(here))
    if keep is not None:
        keep.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(project.directory, keep)
    else:
        shutil.rmtree(project.directory)
    return Left([*removed, str(project.directory)], keep)


def _leave_git(project: Project, repository: Repository | None) -> list[str]:
    if repository is None:
        project.config.unlink(missing_ok=True)
        return [str(project.config)]
    removed = [f"hook {name}" for name in hooks.uninstall(repository)]
    if excluding.include(repository):
        removed.append("fleet.toml in info/exclude")
    if not repository.is_tracked(project.config):
        project.config.unlink(missing_ok=True)
        removed.append(str(project.config))
    return removed


def _repository(here: Path) -> Repository | None:
    try:
        return Repository(here)
    except NotFound:
        return None
