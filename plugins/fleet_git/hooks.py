"""Our hooks in a repository: put before nobody's and after everybody's, and taken away without a trace.

A hook that is there already is moved aside as it is and run first; taking ours away moves it back. So the
folder of hooks is the same afterwards, byte for byte.
"""

import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import Final

from fleet_core.api import Conflict
from fleet_git.repository import Repository

HOOKS: Final = {"pre-commit": "guard commit", "prepare-commit-msg": "guard message"}
"""Our hooks, and the command of fleet behind each."""

ASIDE: Final = ".before-fleet"
"""What the name of a hook ends with that was there before ours."""

MARK: Final = "# Written by 'fleet setup git'; 'fleet uninit' takes it away."


def install(repository: Repository, root: Path) -> list[str]:
    """Put our hooks in place, for the project with that root; returns the names of those that were not there
    yet.

    Raises:
        Conflict: the repository keeps versions of its hooks, which are not ours to change.
    """
    return [name for name in HOOKS if _install(repository, name, root)]


def _install(repository: Repository, name: str, root: Path) -> bool:
    hook = repository.place(f"hooks/{name}")
    if is_ours(hook):
        return False
    _check_untracked(repository, hook)
    aside = hook.with_name(name + ASIDE)
    hook.parent.mkdir(parents=True, exist_ok=True)
    script = hook.with_name(f".{name}.fleet")
    script.write_text(_script(HOOKS[name], aside, root), encoding="utf-8")
    script.chmod(0o755)
    if os.path.lexists(hook):
        hook.rename(aside)
    script.rename(hook)
    return True


def _check_untracked(repository: Repository, hook: Path) -> None:
    if hook.is_relative_to(repository.root) and repository.is_tracked(hook):
        raise Conflict(
            f"{hook.relative_to(repository.root)} is a file of the repository, and not changed by fleet",
            remedy=f"add the line 'fleet {HOOKS[hook.name]} \"$@\" || exit' to it yourself",
        )


def uninstall(repository: Repository) -> list[str]:
    """Take our hooks away, and move back what was there before; returns the names of those that went."""
    return [name for name in HOOKS if _uninstall(repository.place(f"hooks/{name}"))]


def _uninstall(hook: Path) -> bool:
    aside = hook.with_name(hook.name + ASIDE)
    if not is_ours(hook):
        return False
    if os.path.lexists(aside):
        aside.replace(hook)
    else:
        hook.unlink()
    return True


def is_ours(hook: Path) -> bool:
    """Whether a hook is one that we wrote."""
    try:
        return MARK in hook.read_text(encoding="utf-8", errors="replace").splitlines()[:3]
    except OSError:
        return False


def _script(command: str, aside: Path, root: Path) -> str:
    """A hook that runs what was there before, and then fleet. Without fleet it lets nothing pass."""
    program = shutil.which("fleet", path=str(Path(sys.executable).parent)) or shutil.which("fleet") or "fleet"
    before, fleet = shlex.quote(str(aside)), shlex.quote(program)
    return (
        f"#!/bin/sh\n{MARK}\n"
        f'if [ -x {before} ]; then {before} "$@" || exit; fi\n'
        f"fleet={fleet}\n"
        '[ -x "$fleet" ] || fleet=$(command -v fleet) || {\n'
        "  echo \"fleet is not installed any more; 'git commit --no-verify' does without it\" >&2\n"
        "  exit 8\n"
        "}\n"
        f'exec "$fleet" --project {shlex.quote(str(root))} {command} "$@"\n'
    )
