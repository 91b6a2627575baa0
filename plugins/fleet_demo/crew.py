"""Specialists' processes as the demo holds them: started together, listened to, in the end always gone."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec

from fleet_core.api import Unavailable
from fleet_demo.specialist import Said


class Process:
    """One specialist at work in a process of its own."""

    def __init__(self, folder: Path, name: str, token: int, sortie: str) -> None:
        self.name = name
        command = [sys.executable, "-m", "fleet_demo.specialist", str(folder), str(token), sortie]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def go(self) -> None:
        """Let it start."""
        assert self._process.stdin is not None
        self._process.stdin.write("go\n")
        self._process.stdin.flush()

    def listen(self) -> Said:
        """The next thing it says.

        Raises:
            Unavailable: it ended without a word.
        """
        said = next(self.rest(), None)
        if said is None:
            raise Unavailable(
                f"the process of {self.name} ended with status {self._process.wait()}: {self._last_words()}",
                remedy="run 'fleet doctor'",
            )
        return said

    def rest(self) -> Iterator[Said]:
        """Everything it still says, until it ends."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            yield msgspec.json.decode(line, type=Said)

    def kill(self) -> None:
        """End it at once (SIGKILL): nothing in it can clean up."""
        self._process.kill()

    def close(self) -> None:
        """See to it that it is gone, and give its pipes back."""
        self._process.kill()
        self._process.communicate()

    def _last_words(self) -> str:
        assert self._process.stderr is not None
        return (self._process.stderr.read().strip().splitlines() or ["no message"])[-1]


@contextmanager
def at_work(folder: Path, tokens: Mapping[str, int], sortie: str) -> Iterator[list[Process]]:
    """Several specialists, each with the token of its session, that are ready to start the same sortie."""
    with ExitStack() as exits:
        processes = []
        for name, token in tokens.items():
            process = Process(folder, name, token, sortie)
            exits.callback(process.close)
            processes.append(process)
        for process in processes:
            process.listen()
        yield processes
