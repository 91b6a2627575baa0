"""The outsider's note server, as it can be known without its provider's words."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from fleet_core.testing import Probe

TIMEOUT = 5.0


class NoteProbe(Probe):
    """Talks to the server by a socket of its own, and finds its process in what `ps` says."""

    def __init__(self, directory: Path, service: str) -> None:
        super().__init__(directory, service)
        self.folder = directory / f"notes-{service}"

    def write(self, url: str, text: str) -> None:
        (answer,) = _talk(url, f"write {text}")
        assert answer == "kept"

    def read(self, url: str) -> list[str]:
        count, *notes = _talk(url, "read")
        assert len(notes) == int(count)
        return notes

    def log(self, url: str, text: str) -> None:
        (answer,) = _talk(url, text)
        assert answer == "what?"

    def running(self) -> list[str]:
        return [f"process {pid}" for pid in self._pids()]

    def remains(self) -> list[str]:
        return [str(self.folder)] if self.folder.exists() else []

    def crash(self) -> None:
        for pid in self._pids():
            os.kill(pid, signal.SIGKILL)
        _wait_until(lambda: not self._pids())

    def hang(self) -> None:
        for pid in self._pids():
            os.kill(pid, signal.SIGSTOP)
        _wait_until(lambda: all(state.startswith("T") for _, state in self._processes()))

    def resume(self) -> None:
        for pid in self._pids():
            os.kill(pid, signal.SIGCONT)

    def clear(self) -> None:
        self.crash()
        shutil.rmtree(self.folder, ignore_errors=True)

    @contextmanager
    def stranger(self) -> Iterator[Callable[[], bool]]:
        """A folder beside that of the service, and a process that works in it."""
        folder = self.folder.with_name(f"{self.folder.name}-of-somebody-else")
        folder.mkdir()
        (folder / "notes.txt").write_text("not yours\n")
        idle = "import sys; print('idle', flush=True); sys.stdin.read()"
        command = [sys.executable, "-c", idle, str(folder)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            yield lambda: process.poll() is None and (folder / "notes.txt").read_text() == "not yours\n"
            process.kill()
        shutil.rmtree(folder)

    def _pids(self) -> list[int]:
        return [pid for pid, _ in self._processes()]

    def _processes(self) -> list[tuple[int, str]]:
        """The id and state of each process whose last argument is the folder; a zombie has none."""
        command = ["ps", "-A", "-ww", "-o", "pid=,stat=,args="]
        listing = subprocess.run(command, capture_output=True, text=True, check=True)
        rows = [line.split(maxsplit=2) for line in listing.stdout.splitlines()]
        return [(int(pid), state) for pid, state, args in rows if args.endswith(f" {self.folder}")]


def _talk(url: str, request: str) -> list[str]:
    """The lines of the answer to one request."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    with socket.create_connection((parts.hostname, parts.port or 0), timeout=TIMEOUT) as connection:
        connection.sendall(f"{parts.password}\n{request}\n".encode())
        connection.shutdown(socket.SHUT_WR)
        with connection.makefile() as answers:
            return answers.read().splitlines()


def _wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.005)
