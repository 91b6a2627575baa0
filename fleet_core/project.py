"""Where a project's data lives: `.fleet/` at its root, with `fleet.toml` beside it.

One directory per project; all worktrees of one git repository share that of the main worktree, so that
workers in different worktrees meet. `FLEET_DIR` overrides.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from fleet_core.errors import NotFound

DATA: Final = ".fleet"
CONFIG: Final = "fleet.toml"


class Project(NamedTuple):
    """A project's root folder, and the folder of its data."""

    root: Path
    directory: Path

    @property
    def config(self) -> Path:
        """The project's settings file, which need not exist."""
        return self.root / CONFIG


def find(start: Path, environ: Mapping[str, str] = os.environ) -> Project:
    """The project that a folder belongs to.

    Raises:
        NotFound: neither the folder nor any above it is a project.
    """
    if environ.get("FLEET_DIR"):
        directory = Path(environ["FLEET_DIR"]).absolute()
        return Project(directory.parent, directory)
    for folder in _upwards(start.absolute()):
        root = main_worktree(folder)
        if (root / DATA).is_dir() or (root / CONFIG).is_file():
            return Project(root, root / DATA)
    raise NotFound(
        f"{start.absolute()} belongs to no fleet project",
        remedy="run 'fleet init' in the project's root folder",
    )


def at(root: Path, environ: Mapping[str, str] = os.environ) -> Project:
    """The project whose root a folder is, or would be once it is created."""
    if environ.get("FLEET_DIR"):
        directory = Path(environ["FLEET_DIR"]).absolute()
        return Project(directory.parent, directory)
    root = main_worktree(root.absolute())
    return Project(root, root / DATA)


def create(project: Project) -> None:
    """Make a project's folders; nothing happens when they are there."""
    project.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    ignore = project.directory / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n")


def main_worktree(folder: Path) -> Path:
    """The main worktree's root, when a folder is the root of a linked git worktree; else the folder itself.

    In a linked worktree `.git` is a file that names a directory whose `commondir` leads to the shared one.
    A bare repository has no main worktree: its own directory stands for it, so that its worktrees meet
    there.
    """
    link = folder / ".git"
    if not link.is_file():
        return folder
    gitdir = folder / link.read_text().removeprefix("gitdir:").strip()
    common = gitdir / "commondir"
    if not common.is_file():
        return folder
    shared = (gitdir / common.read_text().strip()).resolve()
    if shared.name == ".git" and not _is_bare(shared):
        return shared.parent
    return shared if _is_bare(shared) else folder


def _is_bare(shared: Path) -> bool:
    config = shared / "config"
    lines = config.read_text(errors="replace").lower().split("\n") if config.is_file() else []
    return any(line.replace(" ", "").strip() == "bare=true" for line in lines)


def _upwards(folder: Path) -> Iterator[Path]:
    yield folder
    yield from folder.parents
