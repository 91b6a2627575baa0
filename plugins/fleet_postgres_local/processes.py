"""The processes of this machine, as its kernel tells of them: by /proc on Linux, elsewhere by `ps`."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

PROC: Final = Path("/proc")


class Process(NamedTuple):
    """A process that runs. `command` is its program and arguments, or the title that it gave itself."""

    pid: int
    parent: int
    uid: int
    command: str


def process(pid: int) -> Process | None:
    """One process; None when there is none, or a dead one that nobody has waited for."""
    if _has_proc():
        return _in_proc(pid)
    return next(_told_by_ps(["-p", str(pid)]), None)


def processes() -> Iterator[Process]:
    """All processes that run."""
    if not _has_proc():
        yield from _told_by_ps(["-ax"])
        return
    for entry in PROC.iterdir():
        if entry.name.isdecimal() and (found := _in_proc(int(entry.name))):
            yield found


def folder_of(pid: int) -> Path | None:
    """The folder that a process works in; None when that is not ours to know."""
    try:
        return (PROC / str(pid) / "cwd").readlink()
    except OSError:
        return None


def _has_proc() -> bool:
    return (PROC / "self" / "cmdline").exists()


def _in_proc(pid: int) -> Process | None:
    folder = PROC / str(pid)
    try:
        command = (folder / "cmdline").read_bytes()
        stat = (folder / "stat").read_bytes()
        uid = folder.stat().st_uid
    except OSError:
        return None
    # A zombie has no command line, nor has a thread of the kernel; neither is of interest here.
    text = command.replace(b"\0", b" ").strip().decode(errors="surrogateescape")
    parent = int(stat.rpartition(b")")[2].split()[1])
    return Process(pid, parent, uid, text) if text else None


def _told_by_ps(which: list[str]) -> Iterator[Process]:
    command = ["ps", "-ww", *which, "-o", "pid=,ppid=,uid=,stat=,command="]
    told = subprocess.run(command, stdout=subprocess.PIPE, encoding="utf-8", errors="surrogateescape").stdout
    for line in told.splitlines():
        pid, parent, uid, state, text = line.split(maxsplit=4)
        if not state.startswith("Z"):
            yield Process(int(pid), int(parent), int(uid), text.strip())
