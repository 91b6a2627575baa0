"""The peer: PyPI `umadb`, whose wheel holds its server. A stream is a tag; a version is a condition.

An append to a stream that is at a version asks that no event with the stream's tag lies beyond the last one
known.
"""

import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import msgspec

from fleet_bench.schedule import STREAM_LENGTH, Schedule, WorkReported, Write
from fleet_bench.stores import PAGE, bytes_below
from fleet_core.api import Unavailable

DEADLINE: Final = 20.0
"""Seconds after which a server that does not answer never will."""

NAP: Final = 0.001
SERVE: Final = "from umadb.umadb_server_cli import main; main()"


class Umadb:
    """A server in a process of its own, and a client of it."""

    def __init__(self, directory: Path, preload: int = 0) -> None:
        """Start the server.

        Raises:
            Unavailable: it does not start here.
        """
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self._umadb: Any = import_module(
            "umadb"
        )  # comes without being declared: the wheel exists for some machines
        self.schedule = Schedule()
        self._last: dict[str, int] = {}
        self._serve()
        for event in self.ready(self.schedule.calls(STREAM_LENGTH, preload // STREAM_LENGTH)):
            self.append(event)

    def _serve(self) -> None:
        port = free_port()
        listen = ["--listen", f"127.0.0.1:{port}", "--db-path", str(self.directory / "uma.db")]
        with (self.directory / "server.log").open("wb") as log:
            self._server = subprocess.Popen([sys.executable, "-c", SERVE, *listen], stdout=log, stderr=log)
        deadline = time.monotonic() + DEADLINE
        while not self._answers(port):
            if self._server.poll() is not None or time.monotonic() > deadline:
                self._server.kill()
                words = (self.directory / "server.log").read_text().strip().splitlines()
                raise Unavailable(
                    f"umadb's server does not start: {words[-1] if words else 'no message'}",
                    remedy="run 'umadb' by hand",
                )
            time.sleep(NAP)

    def _answers(self, port: int) -> bool:
        try:
            self._client = self._umadb.Client(f"http://127.0.0.1:{port}")
            self._client.head()
        except self._umadb.TransportError:
            return False
        return True

    def ready(self, writes: Sequence[Write]) -> list[tuple[Write, list[Any]]]:
        """See `Appending`."""
        return [(write, [self._event(write, new.data) for new in write.events]) for write in writes]

    def _event(self, write: Write, data: Any) -> Any:
        encoded = msgspec.json.encode(data)
        return self._umadb.Event(WorkReported.type_name, encoded, [write.stream_id])

    def append(self, call: tuple[Write, list[Any]]) -> None:
        """See `Appending`."""
        write, events = call
        after = self._last.get(write.stream_id) if write.expected else None
        condition = self._umadb.AppendCondition(self._of(write.stream_id), after)
        self._last[write.stream_id] = self._client.append(events, condition)

    def _of(self, stream_id: str) -> Any:
        return self._umadb.Query([self._umadb.QueryItem(tags=[stream_id])])

    def refusals(self) -> tuple[type[Exception], ...]:
        """See `Claiming`."""
        return (self._umadb.IntegrityError,)

    def read_stream(self, stream_id: str) -> int:
        """See `Reading`: bytes, nothing decoded."""
        return sum(1 for _ in self._client.read(self._of(stream_id)))

    def read_log(self) -> int:
        """See `Reading`: bytes, nothing decoded."""
        return sum(1 for _ in self._client.read())

    def head(self) -> int:
        """See `Tailing`."""
        return self._client.head() or 0

    def tail(self, after: int, timeout: float) -> list[int]:
        """See `Tailing`."""
        deadline = time.monotonic() + timeout
        while True:
            found = [each.position for each in self._client.read(start=after + 1, limit=PAGE)]
            if found or time.monotonic() > deadline:
                return found
            time.sleep(NAP)

    def events(self) -> int:
        """See `Contestant`. Positions of this peer have no gaps."""
        return self.head()

    def close(self) -> int | None:
        """See `Contestant`."""
        self._client.close()
        self._server.terminate()
        self._server.wait(DEADLINE)
        return bytes_below(self.directory)


def free_port() -> int:
    """A port on which nobody listens at the moment."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
