"""What runs on this machine, whatever Podman believes: two servers on the same data would destroy it.

Podman 4.3 removes a container that is `stopping` and leaves its server alive, which nothing shows any more
but the processes themselves. Where containers run in a virtual machine, as on macOS, nothing is to be seen.
"""

from pathlib import Path
from typing import Final

PROC: Final = Path("/proc")

_DEAD: Final = ("Z", "X")


def is_server(pid: int) -> bool:
    """Whether a process is the first one of a container, and alive: the number may be another's by now."""
    status = dict(line.partition(":\t")[::2] for line in _read(PROC / str(pid) / "status").splitlines())
    within = status.get("NSpid", "").split()
    return len(within) > 1 and within[-1] == "1" and not status.get("State", "Z").startswith(_DEAD)


def servers_at(volume: str) -> list[int]:
    """The first processes of containers that see a volume of Podman."""
    kept = f"/volumes/{volume}/_data "
    return [
        int(process.name)
        for process in PROC.glob("[0-9]*")
        if kept in _read(process / "mountinfo") and is_server(int(process.name))
    ]


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:  # no such process, one that has ended meanwhile, or none that we may look at
        return ""
