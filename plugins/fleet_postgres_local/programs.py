"""PostgreSQL's programs: where they are, of which version, and how they are run."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

NEEDED: Final = ("initdb", "postgres")
LOOK: Final = 10.0
"""Seconds that a program has to say its version."""

_INSTALLED: Final = (
    "/usr/lib/postgresql/*/bin",  # Debian, Ubuntu
    "/usr/pgsql-*/bin",  # packages of postgresql.org for Fedora, Red Hat
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
    "/opt/local/lib/postgresql*/bin",  # MacPorts
    "/usr/local/pgsql/bin",  # built from source
    "/usr/bin",
    "/usr/local/bin",
    "/opt/homebrew/bin",
)
_PASSED_ON: Final = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH", "TMPDIR")


class Programs(NamedTuple):
    """A folder of PostgreSQL's programs that work."""

    folder: Path
    version: str

    @property
    def major(self) -> str:
        """The part of the version that data depend on, such as `16`."""
        return major(self.version)

    def path(self, name: str) -> str:
        """The path of a program."""
        return str(self.folder / name)


def major(version: str) -> str:
    """The part of a version that data depend on: `16` of `16.4`, `9.6` of `9.6.24`."""
    first, _, rest = version.partition(".")
    return first if int(first) >= 10 else f"{first}.{rest.partition('.')[0]}"


def programs_in(folder: Path) -> Programs | None:
    """The programs of a folder; None when one is missing or does not say what it is."""
    if not all(os.access(folder / name, os.X_OK) for name in NEEDED):
        return None
    try:
        said = subprocess.run(
            [folder / "postgres", "--version"],
            capture_output=True,
            text=True,
            timeout=LOOK,
            env=environment(),
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r"\(PostgreSQL\) (\d+(\.\d+)*)", said)
    return Programs(folder, found[1]) if found else None


def installed() -> Iterator[Programs]:
    """All that are found on this machine: first those of PATH, then from the newest to the oldest."""
    named = [programs for folder in _folders_of_path() if (programs := programs_in(folder))]
    yield from named
    folders = (folder.resolve() for pattern in _INSTALLED for folder in Path("/").glob(pattern[1:]))
    others = [programs for folder in dict.fromkeys(folders) if (programs := programs_in(folder))]
    others.sort(key=lambda programs: [int(part) for part in programs.version.split(".")], reverse=True)
    yield from (each for each in others if each not in named)


def _folders_of_path() -> list[Path]:
    # What lies in PATH itself may be a wrapper that chooses a version by rules of its own.
    try:
        said = subprocess.run(["pg_config", "--bindir"], capture_output=True, text=True, timeout=LOOK).stdout
    except (OSError, subprocess.TimeoutExpired):
        said = ""
    return [Path(said.strip()).resolve()] if said.strip() else []


def client(programs: Programs | None) -> str | None:
    """The path of `psql`, that of the server's version rather than any; None when there is none."""
    beside = shutil.which("psql", path=programs.folder) if programs else None
    return beside or shutil.which("psql")


def environment() -> dict[str, str]:
    """The environment of PostgreSQL's programs: no setting of somebody else's, no secret, and English."""
    kept = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return {"PATH": os.defpath, **kept, "LC_ALL": "C"}


def run(
    command: Sequence[str], *, options: dict[str, Any], typed: str = "", hold: int, timeout: float
) -> tuple[int, str]:
    """Run a program to its end; gives its exit status and what it said.

    `options` are those of the account that it runs as; `typed` is its input; `hold` is the descriptor of a
    lock that it keeps as long as it lives, even longer than we do.

    Raises:
        TimeoutError: it did not come to its end in time, and was ended.
    """
    try:
        ended = subprocess.run(
            command,
            input=typed,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            timeout=timeout,
            pass_fds=(hold,),
            cwd="/",  # ours may be closed to that account
            umask=0o077,
            env=environment(),
            **options,
        )
    except subprocess.TimeoutExpired:
        raise TimeoutError from None
    return ended.returncode, ended.stdout
