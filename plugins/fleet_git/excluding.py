"""The project's settings file, overlooked by git unless it keeps versions of it; and the way back.

`.fleet/` says by itself that git shall overlook it.
"""

from typing import Final

from fleet_core.api import Project
from fleet_git.repository import Repository

_BLOCK: Final = "# Written by 'fleet setup git'; 'fleet uninit' takes it away.\n/fleet.toml\n"

_AFTER_OPEN_LINE: Final = "\n# (The line above had no end.)\n" + _BLOCK


def exclude(repository: Repository, project: Project) -> bool:
    """Have git overlook fleet.toml; says whether that was news to it."""
    file = repository.place("info/exclude")
    known = file.read_bytes().decode("utf-8", "surrogateescape") if file.exists() else ""
    in_repository = project.config.is_relative_to(repository.root)
    if _BLOCK in known or not in_repository or repository.is_tracked(project.config):
        return False
    file.parent.mkdir(exist_ok=True)
    block = _BLOCK if known.endswith("\n") or not known else _AFTER_OPEN_LINE
    file.write_bytes((known + block).encode("utf-8", "surrogateescape"))
    return True


def include(repository: Repository) -> bool:
    """Leave the file as it was before `exclude`; says whether there was anything to undo."""
    file = repository.place("info/exclude")
    known = file.read_bytes().decode("utf-8", "surrogateescape") if file.exists() else ""
    block = _AFTER_OPEN_LINE if _AFTER_OPEN_LINE in known else _BLOCK
    if block not in known:
        return False
    file.write_bytes(known.replace(block, "", 1).encode("utf-8", "surrogateescape"))
    return True
