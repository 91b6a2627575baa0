"""What a command costs cold: the CPU time of a process of its own, from `os.wait4`.

CPU time, because the wall clock of a short process mostly tells what else the machine is doing.
"""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from fleet_core.errors import Unavailable

FLEET = Path(sys.executable).with_name("fleet")

BARE = [sys.executable, "-c", "pass"]

FLOOR = [
    sys.executable,
    "-c",
    "import click, pluggy, importlib.metadata; importlib.metadata.entry_points(group='fleet.commands')",
]
"""What any command line of click and pluggy with entry points starts with."""


def cpu_ms(command: Sequence[str | Path], environ: Mapping[str, str]) -> float:
    """Run a command with its output thrown away; gives user and system time in milliseconds.

    Raises:
        Unavailable: it can't be started, or failed.
    """
    words = list(map(str, command))
    null = [(os.POSIX_SPAWN_OPEN, descriptor, os.devnull, os.O_WRONLY, 0) for descriptor in (1, 2)]
    try:
        child = os.posix_spawn(words[0], words, environ, file_actions=null)
    except OSError as error:
        raise Unavailable(
            f"{words[0]} can't be started: {error.strerror}", remedy="pip install -e ."
        ) from None
    _, status, usage = os.wait4(child, 0)
    if status:
        code = os.waitstatus_to_exitcode(status)
        raise Unavailable(f"'{' '.join(words[:3])}' ended with status {code}", remedy="run it by hand")
    return 1000 * (usage.ru_utime + usage.ru_stime)


def make_project(directory: Path) -> dict[str, str]:
    """Make a project for the verbs to work on; gives the environment that leads them there."""
    environ = {**os.environ, "FLEET_DIR": str(directory / ".fleet")}
    environ.pop("PYTHONDONTWRITEBYTECODE", None)  # else each command compiles anew what changed last
    cpu_ms([FLEET, "init"], environ)
    return environ


def beyond(
    command: Sequence[str | Path], base: Sequence[str], environ: Mapping[str, str]
) -> Callable[[], float]:
    """Measures a command's CPU milliseconds beyond those of another, run just before it."""

    def measure() -> float:
        bare = cpu_ms(base, environ)
        return cpu_ms(command, environ) - bare

    return measure
