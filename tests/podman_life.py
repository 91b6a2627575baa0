"""What tests of the life of a PostgreSQL in Podman share: asking it, and looking at the machine around it."""

import os
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest

from fleet_core.api import Console
from machines import podman
from podman_provocations import Trial


def execute(trial: Trial, statement: str, **settings: Any) -> str:
    """What the server answers to who logs in at the service's url."""
    with psycopg.connect(trial.provider(**settings).url(), autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        row = cursor.fetchone() if cursor.description else None
    return str(row[0]) if row else ""


def keep(trial: Trial, **settings: Any) -> None:
    """Have the server keep a row, once."""
    execute(trial, "CREATE TABLE IF NOT EXISTS kept AS SELECT 'a row' AS what", **settings)


def assert_kept(trial: Trial, **settings: Any) -> None:
    """That row is still there."""
    assert execute(trial, "SELECT what FROM kept", **settings) == "a row"


def psql(trial: Trial, *arguments: str) -> int:
    """Run psql as its provider does; gives its status."""
    provider = trial.provider()
    assert isinstance(provider, Console)
    return provider.console(arguments)


def forget(trial: Trial) -> None:
    """Have the project forget what it remembers of its database, as somebody does who clears it out."""
    (trial.directory / "services" / "postgres" / "cluster.json").unlink()


def created(trial: Trial) -> str:
    """When the volume was made."""
    return podman("volume", "inspect", trial.volume, "--format", "{{.CreatedAt}}").stdout


def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds that must come about by itself."""
    for _ in range(600):
        if holds():
            return
        threading.Event().wait(0.1)
    pytest.fail("in vain")


def listens(container: str) -> bool:
    """Whether the server in a container listens to others, as it does when its first start is over."""
    return podman("exec", container, "pg_isready", "-h", "127.0.0.1", check=False).returncode == 0


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that is dead, and not waited for, does not."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False


def servers(trial: Trial) -> list[int]:
    """The processes of servers on the volume, as the kernel knows them: none that another one there began."""
    kept = f"/volumes/{trial.volume}/_data "
    parents = {}
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended meanwhile
            if kept in (process / "mountinfo").read_text() and is_alive(int(process.name)):
                parents[int(process.name)] = int((process / "stat").read_text().rpartition(")")[2].split()[1])
    return [process for process, parent in parents.items() if parent not in parents]


def command_lines() -> Iterator[str]:
    """The command lines of this machine, now."""
    for process in Path("/proc").iterdir():
        try:
            yield (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:  # no process, or one that has ended meanwhile
            continue


@contextmanager
def watched_command_lines() -> Iterator[set[str]]:
    """All command lines of this machine, looked at as often as can be while it goes on."""
    seen: set[str] = set()
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            seen.update(command_lines())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield seen
    finally:
        done.set()
        watcher.join()


def shim(folder: Path, script: str, patch: pytest.MonkeyPatch) -> None:
    """Put a shell script before podman; it finds the real one in $PODMAN."""
    real = shutil.which("podman")
    assert real
    program = folder / "podman"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    patch.setenv("PODMAN", real)
    patch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def free_port() -> int:
    """A port on which nobody listens at the moment."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
