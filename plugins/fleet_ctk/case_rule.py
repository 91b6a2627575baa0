"""Whether `README` and `readme` are one file: one rule for a whole project."""

import re
from pathlib import Path

from fleet_core.api import Project


def case_sensitive(project: Project) -> bool:
    """Whether names that differ in case alone are different files in this project.

    They are not where the file system of the project's root says so, which an existing name is looked up in
    other letters for, nor where git is told so by `core.ignorecase` in the repository's own config. In
    doubt two reservations collide, rather than two writers.
    """
    return not (_files_ignore_case(project) or _git_ignores_case(project.root / ".git"))


def _files_ignore_case(project: Project) -> bool:
    known = (project.directory, project.root / ".git", project.config)
    return any(_is_found_by_other_letters(place) for place in known)


def _is_found_by_other_letters(place: Path) -> bool:
    other = place.with_name(place.name.swapcase())
    return other != place and place.exists() and other.exists() and place.samefile(other)


def _git_ignores_case(git: Path) -> bool:
    """What the config says, read without git: the last mention in a `[core]` section counts."""
    if git.is_file():
        git = git.parent / git.read_text().removeprefix("gitdir:").strip()
    config = git / "config"
    if not config.is_file():
        return False
    said, section = False, ""
    for line in config.read_text(errors="replace").splitlines():
        if header := re.match(r"\s*\[([^\]]*)\]", line):
            section = header[1].strip().lower()
        elif section == "core" and (entry := re.match(r"\s*ignorecase\s*(?:=\s*(\w+))?", line, re.I)):
            said = (entry[1] or "true").lower() in ("true", "yes", "on", "1")
    return said
