"""What tests with real containers share: which images there are, names of their own, and tidying up.

The machine itself is set up by `tests/machine/prepare`. A test that wants containers uses the fixture
`podman_machine`, and fails where that was not done.
"""

import os
import re
import shutil
import subprocess
from typing import Final
from uuid import uuid4

import pytest

from machine.images import HERE, is_there, releases

IMAGES: Final = {release.major: release.image for release in releases()}
"""The image of each major version of PostgreSQL."""
PREPARE: Final = HERE / "prepare"
_PREFIX: Final = "fleet-test"
_OWNER: Final = re.compile(rf"{_PREFIX}-(\d+)-")
_KINDS: Final = {
    "container": (["ps", "--all", "--format={{.Names}}"], ["rm", "--force", "--volumes", "--time=0"]),
    "volume": (["volume", "ls", "--format={{.Name}}"], ["volume", "rm", "--force"]),
    "secret": (["secret", "ls", "--format={{.Name}}"], ["secret", "rm"]),
}
"""How each kind of thing is listed and removed; containers first, for they hold the others."""


def podman(*arguments: str, check: bool = True, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    """Run podman; unless told otherwise it must succeed."""
    done = subprocess.run(["podman", *arguments], capture_output=True, text=True, timeout=timeout)
    assert not check or done.returncode == 0, f"podman {' '.join(arguments)}\n{done.stderr}"
    return done


def new_name(what: str) -> str:
    """A name for a container, volume or secret that tells whose it is: see `sweep`."""
    return f"{_PREFIX}-{os.getpid()}-{what}-{uuid4().hex[:8]}"


def find_system_programs() -> None:
    """Have programs found that lie where the PATH of root may not lead: Podman's network needs `iptables`."""
    os.environ["PATH"] = os.pathsep.join([os.environ["PATH"], "/usr/sbin", "/sbin"])


def require() -> None:
    """Fail, in words that say what to run, unless Podman and the images are there."""
    lacks = "podman" if shutil.which("podman") is None else _missing_images()
    if lacks:
        pytest.fail(f"this machine lacks {lacks}; run: tests/machine/prepare", pytrace=False)


def _missing_images() -> str:
    return ", ".join(release.image for release in releases() if not is_there(release))


def sweep() -> None:
    """Remove what test processes that are no more left behind, and what is left of this one."""
    for listing, removal in _KINDS.values():
        for name in podman(*listing).stdout.split():
            if (owner := _OWNER.match(name)) and _is_over(int(owner[1])):
                podman(*removal, name, check=False)  # another process may be tidying up as well


def _is_over(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return pid == os.getpid()
