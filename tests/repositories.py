"""Git repositories for tests, and `fleet` as a person types it there."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec

FLEET = [sys.executable, "-c", "from fleet_core.cli import main; main()"]

_PROGRAMS = str(Path(sys.executable).parent)


def environment(**more: str) -> dict[str, str]:
    """The surroundings of a person who is called t, and has fleet installed."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("FLEET_", "GIT_"))}
    path = f"{_PROGRAMS}{os.pathsep}{own.get('PATH', '')}"
    git = {
        f"GIT_{role}_{what}": value
        for role in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", "t"), ("EMAIL", "t@example.org"))
    }
    return own | git | {"PATH": path, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull} | more


def git(folder: Path, *arguments: str, check: bool = True, **more: str) -> subprocess.CompletedProcess[str]:
    """Run git in a folder."""
    return subprocess.run(
        ["git", *arguments], cwd=folder, env=environment(**more), check=check, capture_output=True, text=True
    )


def fleet(folder: Path, *arguments: str, check: bool = True, **more: str) -> subprocess.CompletedProcess[str]:
    """Run fleet in a folder."""
    done = subprocess.run(
        [*FLEET, *arguments], cwd=folder, env=environment(**more), capture_output=True, text=True, check=False
    )
    assert not check or done.returncode == 0, done.stderr
    return done


def told(folder: Path, *arguments: str, **more: str) -> Any:
    """What fleet answers with --json."""
    return msgspec.json.decode(fleet(folder, *arguments, "--json", check=True, **more).stdout)["data"]


def repository(folder: Path) -> Path:
    """A repository with one commit."""
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "-c", "init.defaultBranch=main", "init")
    (folder / "README").write_text("shop\n")
    git(folder, "add", "README")
    git(folder, "commit", "-m", "first")
    return folder


def contents(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Every file below a folder with its mode and its bytes, but for what git itself writes all the time."""
    return {
        str(file.relative_to(folder)): (file.lstat().st_mode, file.read_bytes())
        for file in sorted(folder.rglob("*"))
        if file.is_file() and file.name != "index"
    }
