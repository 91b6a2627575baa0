"""A service that is a plain process: a server that keeps notes in a file, and what fleet needs to run it."""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import ClassVar, Final, Literal

from fleet_core.api import Fault, NotFound, Report, ServiceFailed, ServiceStatus

from .note_folder import NoteFolder
from .settings import NoteServerSettings

SERVER: Final = Path(__file__).with_name("note_server.py")
BEGIN: Final = 10.0
"""Seconds that the server may take to begin."""
END: Final = 2.0
"""Seconds that it may take to end."""

REMEDY: Final = "read 'fleet services logs {name}', and try 'fleet services restart {name}'"
DIED: Final = Fault("died", "", "its server has ended: {last}", REMEDY)
SILENT: Final = Fault("silent", "", "its server does not answer: {last}", REMEDY)
PORT_TAKEN: Final = Fault(
    "port-taken",
    "can't listen: .* in use",
    "its port {port} is taken",
    "stop what listens there, or choose another `port` in [services.{name}] of fleet.toml",
)


class NoteProvider:
    """Runs the server of one service."""

    faults: ClassVar[Sequence[Fault]] = (PORT_TAKEN, DIED, SILENT)

    def __init__(self, service: str, settings: NoteServerSettings, directory: Path) -> None:
        self._service = service
        self._settings = settings
        self._directory = directory
        self._folder = NoteFolder(directory / f"notes-{service}")
        self._half_made = NoteFolder(directory / f"notes-{service}.new")

    def up(self, report: Report) -> ServiceStatus:
        """Start the server unless it runs, and wait for an answer; see `ServiceProvider.up`."""
        self._directory.mkdir(exist_ok=True)
        with self._alone():
            if not self._folder.path.exists():
                self._make_folder(report)
            self._folder.wanted.touch()
            if self._folder.pid() is None:
                report("starting the server")
                self._start()
            report("waiting for an answer")
            self._wait_for_answer()
        return self.status()

    def _make_folder(self, report: Report) -> None:
        """Make it beside its place and move it there, so that what stands there is never half-made."""
        shutil.rmtree(self._half_made.path, ignore_errors=True)
        report("making a folder")
        self._half_made.make(self._settings.port)
        report("moving it to its place")
        self._half_made.path.rename(self._folder.path)

    def _start(self) -> None:
        self._folder.forget_pid()
        subprocess.run([sys.executable, "-I", "-S", SERVER, self._folder.path], check=True)

    def _wait_for_answer(self) -> None:
        deadline = time.monotonic() + BEGIN
        while not self._answers():
            if self._folder.pid() is None:
                raise self._error(DIED)
            if time.monotonic() > deadline:
                raise self._error(SILENT)
            time.sleep(0.01)

    def _answers(self) -> bool:
        try:
            return self._folder.answers()
        except TimeoutError:
            return False

    def _error(self, fault: Fault) -> ServiceFailed:
        last = " | ".join(self.logs(tail=5))
        fault = PORT_TAKEN if PORT_TAKEN.matches(last) else fault
        return fault.error(self._service, last=last, name=self._service, port=str(self._folder.port))

    def down(self) -> ServiceStatus:
        """End the server; see `ServiceProvider.down`."""
        if self._folder.path.exists():
            with self._alone():
                self._stop()
        return self.status()

    def _stop(self) -> None:
        self._folder.wanted.unlink(missing_ok=True)
        for insistence in (signal.SIGTERM, signal.SIGKILL):
            if (pid := self._folder.pid()) is not None:
                with suppress(ProcessLookupError):
                    os.kill(pid, insistence)
                self._wait_for_end()

    def _wait_for_end(self) -> None:
        deadline = time.monotonic() + END
        while self._folder.pid() is not None and time.monotonic() < deadline:
            time.sleep(0.01)

    def restart(self, report: Report) -> ServiceStatus:
        """Stop it and start it; see `ServiceProvider.restart`."""
        self.down()
        return self.up(report)

    def destroy(self) -> list[str]:
        """End the server and remove its folder; see `ServiceProvider.destroy`."""
        if not self.belongings():
            return []
        with self._alone():
            belongings = self.belongings()
            if self._folder.path.exists():
                self._stop()
            for folder in (self._folder, self._half_made):
                shutil.rmtree(folder.path, ignore_errors=True)
        return belongings

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """No other process changes anything meanwhile. A lock on the directory itself leaves no file."""
        handle = os.open(self._directory, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def belongings(self) -> list[str]:
        """The folder, whole or half-made; see `ServiceProvider.belongings`."""
        folders = [folder.path for folder in (self._folder, self._half_made) if folder.path.exists()]
        return [f"the folder {path} with all notes in it" for path in folders]

    def status(self) -> ServiceStatus:
        """Told from what runs and answers now; see `ServiceProvider.status`."""
        if not self.belongings():
            return ServiceStatus(service=self._service, provider="notes", state="absent")
        if not self._folder.path.exists():
            return self._failing("its first start was interrupted")
        if self._folder.pid() is not None:
            return self._status_of_server()
        if self._folder.wanted.exists():
            return self._failing("its server has ended")
        return ServiceStatus(service=self._service, provider="notes", state="stopped")

    def _status_of_server(self) -> ServiceStatus:
        try:
            state: Literal["ready", "starting"] = "ready" if self._folder.answers() else "starting"
        except TimeoutError:
            return self._failing("its server does not answer")
        url = f"notes://127.0.0.1:{self._folder.port}"
        return ServiceStatus(service=self._service, provider="notes", state=state, url=url)

    def _failing(self, detail: str) -> ServiceStatus:
        remedy = REMEDY.format(name=self._service)
        return ServiceStatus(
            service=self._service, provider="notes", state="failing", detail=detail, remedy=remedy
        )

    def logs(
        self, *, tail: int | None = None, since: datetime | None = None, follow: bool = False
    ) -> Iterator[str]:
        """Lines of the server's log file; see `ServiceProvider.logs`."""
        if not self._folder.path.exists():
            raise self._not_found()
        with self._folder.log.open() as log:
            lines = (line.rstrip("\n") for line in log)
            yield from deque((line for line in lines if since is None or _time_of(line) >= since), tail)
            while follow:
                follow = self._folder.pid() is not None
                yield from (line.rstrip("\n") for line in log)
                time.sleep(0.02)

    def url(self) -> str:
        """Where the server is, with the password; see `ServiceProvider.url`."""
        if not self._folder.path.exists():
            raise self._not_found()
        return f"notes://fleet:{self._folder.password}@127.0.0.1:{self._folder.port}"

    def _not_found(self) -> NotFound:
        return NotFound(
            f"service {self._service} is absent", remedy=f"start it: fleet services up {self._service}"
        )


def _time_of(line: str) -> datetime:
    return datetime.fromisoformat(line.partition(" ")[0])
