"""A git repository, asked through git itself."""

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from fleet_core.api import NotFound, Project, Unavailable

TIMEOUT: Final = 60.0
"""Seconds after which git is given up."""


class Repository:
    """The repository that a folder lies in; `root` is the worktree's root."""

    def __init__(self, folder: Path) -> None:
        """Raises:
        NotFound: the folder lies in no worktree of git.
        """
        self._folder = folder
        self.root = Path(self.ask("rev-parse", "--show-toplevel"))

    def ask(self, *arguments: str, given: str | None = None) -> str:
        """What git prints, without the line feed at the end.

        Raises:
            NotFound: this is no worktree of git, or git has no such thing.
            Unavailable: git is not installed, or does not answer.
        """
        try:
            done = subprocess.run(
                ["git", *arguments],
                cwd=self._folder,
                input=given,
                capture_output=True,
                encoding="utf-8",
                errors="surrogateescape",
                timeout=TIMEOUT,
                check=False,
            )
        except FileNotFoundError:
            raise Unavailable("git is not installed", remedy="install git") from None
        except subprocess.TimeoutExpired:
            raise Unavailable(
                f"git {arguments[0]} took more than {TIMEOUT:.0f} s", remedy="see whether git works here"
            ) from None
        if done.returncode:
            raise NotFound(
                f"git {arguments[0]}: {_first_line(done.stderr)}",
                remedy="run this in a git repository, and name what it has",
            )
        return done.stdout.removesuffix("\n")

    def names(self, *arguments: str) -> list[str]:
        """The paths that git lists, ended by NUL characters."""
        return [name for name in self.ask(*arguments).split("\0") if name]

    def place(self, name: str) -> Path:
        """Where git keeps something of the repository, such as `hooks` or `info/exclude`."""
        return Path(os.path.normpath(self._folder / self.ask("rev-parse", "--git-path", name)))

    def is_tracked(self, path: Path) -> bool:
        """Whether git keeps versions of a file, which it can't of what lies outside of the worktree."""
        return path.is_relative_to(self.root) and bool(self.ask("ls-files", "--", str(path)))

    def staged(self) -> list[str]:
        """The paths that the next commit changes, both names of what is renamed."""
        return self.names("diff", "--cached", "--name-only", "--no-renames", "-z")

    def in_project(self, project: Project, names: Iterable[str]) -> list[str]:
        """Those of git's paths that lie in a project, as seen from its root, which may be a folder within."""
        prefix = self._prefix(project.root)
        return [name.removeprefix(prefix) for name in names if name.startswith(prefix)]

    def _prefix(self, root: Path) -> str:
        try:
            return Repository(root).ask("rev-parse", "--show-prefix")
        except NotFound:  # the root is a bare repository, and has no worktree of its own
            return ""


def _first_line(text: str) -> str:
    return (text.strip().splitlines() or ["it failed without a word"])[0]
