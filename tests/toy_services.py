"""Providers of a small service: a real process that keeps lines in a file; see `toy_server`."""

import fcntl
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from fleet_core.api import Fault, NotFound, Report, ServiceProvider, ServiceStatus, checked, hookimpl

SERVER = Path(__file__).with_name("toy_server.py")

NO_ENGINE = Fault("no-engine", "", "there is no {engine}", "install {engine}")
PORT_TAKEN = Fault("port-taken", "Address already in use", "port {port} is taken", "choose another port")
SILENT = Fault("silent", "", "it gave no answer within {seconds} s", "fleet services logs {service}")


def becomes(condition: Callable[[], bool], seconds: float = 30.0) -> bool:
    """Whether something is so before the time is up; looks often."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


class ToySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[services.NAME]` with provider `toy`."""

    engine: str = sys.executable
    port: int = 0
    gate: str = ""
    timeout: float = 20.0


class Process(NamedTuple):
    """A server that was started and not stopped; it may have died."""

    pid: int
    port: int

    def answers(self, password: str, patience: float = 0.2) -> bool:
        """Whether it does what it is asked."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), patience) as connection:
                connection.sendall(f"{password} ping\n".encode())
                return connection.recv(100) == b"pong\n"
        except OSError:
            return False

    def listens(self) -> bool:
        """Whether it is there at all."""
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False


class Toy:
    """A provider without a client."""

    faults = (NO_ENGINE, PORT_TAKEN, SILENT)

    def __init__(self, service: str, settings: ToySettings, directory: Path) -> None:
        self.service = service
        self.settings = settings
        self.folder = directory / f"toy-{service}"

    def up(self, report: Report) -> ServiceStatus:
        if not Path(self.settings.engine).exists():
            raise NO_ENGINE.error(self.service, engine=self.settings.engine)
        with self._alone():
            if not self._runs():
                report("starting a server")
                self._start()
        report("waiting for an answer")
        if not self._becomes(lambda: self.status().state == "ready"):
            said = "\n".join(self.logs(tail=5))
            raise SILENT.error(self.service, said=said, seconds=f"{self.settings.timeout:.1f}")
        return self.status()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _start(self) -> None:
        if not self._password():
            (self.folder / "password").write_text(secrets.token_hex(8))
        port = str(self.settings.port)
        command = [
            self.settings.engine,
            "-SE",
            str(SERVER),
            "serve",
            str(self.folder),
            port,
            self.settings.gate,
        ]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if PORT_TAKEN.matches(done.stderr):
            raise PORT_TAKEN.error(self.service, port=port)
        assert done.returncode == 0, done.stderr
        assert self._becomes(lambda: self._process() is not None)

    def _becomes(self, condition: Callable[[], bool]) -> bool:
        return becomes(condition, self.settings.timeout)

    def _process(self) -> Process | None:
        with suppress(FileNotFoundError, ValueError):
            return Process(*map(int, (self.folder / "process").read_text().split(" ")))
        return None

    def _runs(self) -> bool:
        process = self._process()
        return process is not None and process.listens()

    def _password(self) -> str:
        with suppress(FileNotFoundError):
            return (self.folder / "password").read_text()
        return ""

    def down(self) -> ServiceStatus:
        process = self._process()
        if process:
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
            assert self._becomes(lambda: not process.listens())
            (self.folder / "process").unlink(missing_ok=True)
        return self.status()

    def restart(self, report: Report) -> ServiceStatus:
        self.down()
        return self.up(report)

    def status(self) -> ServiceStatus:
        process = self._process()
        url = f"toy://keeper@127.0.0.1:{process.port}/lines" if process else ""
        state = ServiceStatus(service=self.service, provider="toy", state="absent", url=url)
        if not Path(self.settings.engine).exists():
            return msgspec.structs.replace(
                state, state="unknown", detail="there is no engine", remedy="install one"
            )
        if process is None:
            return msgspec.structs.replace(state, state="stopped" if self.folder.exists() else "absent")
        if process.answers(self._password()):
            facts = {"folder": self.folder.name}
            return msgspec.structs.replace(state, state="ready", version="1.5", facts=facts)
        if process.listens():
            return msgspec.structs.replace(state, state="starting")
        return msgspec.structs.replace(
            state, state="failing", detail="its process is gone", remedy=f"fleet services up {self.service}"
        )

    def logs(
        self, *, tail: int | None = None, since: datetime | None = None, follow: bool = False
    ) -> Iterator[str]:
        if not self.folder.exists():
            raise NotFound(f"service {self.service} is absent", remedy="fleet services up")
        lines = self._log(since)
        shown = len(lines) if follow else None
        yield from lines if tail is None else lines[max(0, len(lines) - tail) :]
        while shown is not None and self._runs():
            lines = self._log(since)
            yield from lines[shown:]
            shown = len(lines)
            time.sleep(0.02)

    def _log(self, since: datetime | None) -> list[str]:
        text = (self.folder / "log").read_text() if (self.folder / "log").exists() else ""
        entries = [line.partition(" ") for line in text.splitlines()]
        return [
            line
            for stamp, _, line in entries
            if since is None or datetime.fromtimestamp(float(stamp), UTC) >= since
        ]

    def belongings(self) -> list[str]:
        return [f"folder {self.folder.name}, with all lines"] if self.folder.exists() else []

    def destroy(self) -> list[str]:
        removed = self.belongings()
        self.down()
        shutil.rmtree(self.folder, ignore_errors=True)
        return removed

    def url(self) -> str:
        process = self._process()
        if process is None:
            raise NotFound(f"service {self.service} is absent", remedy="fleet services up")
        return f"toy://keeper:{self._password()}@127.0.0.1:{process.port}/lines"


class ToyWithClient(Toy):
    """A provider with a client."""

    def console(self, arguments: Sequence[str]) -> int:
        process = self._process()
        if process is None:
            raise NotFound(f"service {self.service} is absent", remedy="fleet services up")
        command = [sys.executable, "-SE", str(SERVER), "ask", str(process.port), *arguments]
        return subprocess.call(command, env={**os.environ, "TOY_PASSWORD": self._password()})


class Crashing:
    """A provider full of bugs."""

    def __getattr__(self, name: str) -> Any:
        raise ZeroDivisionError("no toys")


@hookimpl
def fleet_make_provider(
    name: str, service: str, settings: dict[str, Any], directory: Path
) -> ServiceProvider | None:
    if name == "crashing":
        return Crashing()
    if name == "nothing":
        return None
    kind = ToyWithClient if name == "toy" else Toy
    return kind(service, checked(settings, ToySettings, f"[services.{service}]"), directory)


@contextmanager
def stopping(root: Path) -> Iterator[Path]:
    """Stops the toys of a project afterwards."""
    try:
        yield root
    finally:
        for folder in (root / ".fleet").glob("toy-*"):
            Toy(folder.name.removeprefix("toy-"), ToySettings(), folder.parent).down()
