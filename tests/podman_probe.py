"""PostgreSQL in Podman as the kit for service providers looks at it: with podman and psycopg alone."""

import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

import psycopg

from fleet_core.testing.services import Probe, providing
from machines import IMAGES, new_name, podman

ATTEMPT: Final = 3
"""Seconds that a login may take."""


class PodmanProbe(Probe):
    """One service with names of its own."""

    def __init__(self, directory: Path, service: str) -> None:
        super().__init__(directory, service)
        self.container = new_name(f"kit-{service}")
        self.volume = f"{self.container}-data"
        self.secret = f"{self.container}-password"
        settings: dict[str, Any] = {
            "image": IMAGES[15],
            "pull": "never",
            "port": "auto",
            "container": self.container,
        }
        self.make = providing("fleet_podman.plugin", directory, service, **settings)

    def write(self, url: str, text: str) -> None:
        with psycopg.connect(url, connect_timeout=ATTEMPT) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS notes (number serial, text text)")
            connection.execute("INSERT INTO notes (text) VALUES (%s)", [text])

    def read(self, url: str) -> list[str]:
        with psycopg.connect(url, connect_timeout=ATTEMPT) as connection:
            try:
                rows = connection.execute("SELECT text FROM notes ORDER BY number").fetchall()
            except psycopg.errors.UndefinedTable:
                return []
        return [text for (text,) in rows]

    def log(self, url: str, text: str) -> None:
        with psycopg.connect(url, connect_timeout=ATTEMPT) as connection:
            connection.execute(f"DO $$ BEGIN RAISE LOG '{text}'; END $$".encode())

    def running(self) -> list[str]:
        pid = self._pid()
        return [f"{self.container} {pid}"] if pid else []

    def remains(self) -> list[str]:
        return [name for name, there in self._things() if there]

    def _things(self) -> Iterator[tuple[str, bool]]:
        yield self.container, exists("container", self.container)
        yield self.volume, exists("volume", self.volume)
        yield self.secret, exists("secret", self.secret)

    def crash(self) -> None:
        podman("kill", "--signal=KILL", self.container, check=False)
        podman("wait", self.container, check=False)

    def clear(self) -> None:
        podman("rm", "--force", "--volumes", "--time=0", self.container, check=False)
        podman("volume", "rm", "--force", self.volume, check=False)
        podman("secret", "rm", self.secret, check=False)

    def hang(self) -> None:
        os.kill(self._pid(), signal.SIGSTOP)

    def resume(self) -> None:
        if pid := self._pid():
            os.kill(pid, signal.SIGCONT)

    def _pid(self) -> int:
        """The server's process; 0 when it does not run."""
        found = podman("container", "inspect", self.container, check=False)
        state = json.loads(found.stdout)[0]["State"] if found.returncode == 0 else {}
        return int(state["Pid"]) if state.get("Running") else 0

    @contextmanager
    def stranger(self) -> Iterator[Callable[[], bool]]:
        longer, around = f"{self.container}-2", f"x-{self.container}"
        names = {name: f"{name}-data" for name in (longer, around)}
        for name, volume in names.items():
            podman(
                "run", "-d", "--pull=never", "--name", name, "-v", f"{volume}:/x", IMAGES[15], "sleep", "999"
            )
        before = _seen(*names)
        try:
            yield partial(lambda: _seen(*names) == before)
        finally:
            for name, volume in names.items():
                podman("rm", "--force", "--volumes", "--time=0", name)
                podman("volume", "rm", volume)


def exists(kind: str, name: str) -> bool:
    """Whether there is a container, volume or secret of exactly that name."""
    listing = {"container": ["ps", "--all", "--format={{.Names}}"], "volume": ["volume", "ls", "-q"]}
    return name in podman(*listing.get(kind, ["secret", "ls", "--format={{.Name}}"])).stdout.split()


def _seen(*containers: str) -> list[tuple[str, int]]:
    return [(each["Id"], each["State"]["Pid"]) for each in json.loads(podman("inspect", *containers).stdout)]
