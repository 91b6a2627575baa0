"""Client processes as a benchmark holds them: each opens what it writes to, and all start together."""

import pickle
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from time import perf_counter
from typing import Any, NamedTuple

import msgspec

from fleet_bench.client import Said, Work
from fleet_bench.contestants import Door, Unfit
from fleet_core.api import Unavailable


class Race(NamedTuple):
    """What several processes saw together, from the first one's start to the last one's end."""

    wins: int
    seconds: float
    cpu: float
    waits: list[float]

    @property
    def rate(self) -> float:
        """Calls per second, of all together."""
        return len(self.waits) / self.seconds


class Client:
    """One client process."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "fleet_bench.client"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def give(self, work: Work) -> None:
        """Say what it is to do, by a pipe: where it leads may hold a password."""
        self._tell(pickle.dumps(work))

    def start(self) -> None:
        """Say that it begins."""
        self._tell(b"\n")

    def _tell(self, words: bytes) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(words)
            self._process.stdin.flush()
        except BrokenPipeError:
            raise self._ended() from None

    def listen(self) -> Said:
        """What it says next.

        Raises:
            Unfit: who is measured is not one for several processes.
            Unavailable: it ended without a word.
        """
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise self._ended()
        said = msgspec.json.decode(line, type=Said)
        if said.refused:
            raise Unfit(said.refused)
        return said

    def _ended(self) -> Unavailable:
        assert self._process.stderr is not None
        words = self._process.stderr.read().decode().strip().splitlines() or ["no message"]
        return Unavailable(f"a client process ended: {words[-1]}", remedy="try the store by hand")

    def close(self) -> None:
        """See to it that it is gone, and give its pipes back."""
        self._process.kill()
        self._process.communicate()


@contextmanager
def clients(count: int) -> Iterator[list[Client]]:
    """So many client processes, which are gone afterwards."""
    with ExitStack() as exits:
        started = []
        for _ in range(count):
            client = Client()
            exits.callback(client.close)
            started.append(client)
        yield started


def race(
    rivals: Sequence[Client],
    door: Door,
    calls: Sequence[Sequence[Any]],
    *,
    warm_up: int = 0,
    refusals: tuple[type[Exception], ...] = (),
) -> Race:
    """Let processes make calls at the same time, each its own; the first `warm_up` of them before the start.

    Raises:
        Unfit: who is measured is not one for several processes.
        Unavailable: a process failed.
    """
    for client, own in zip(rivals, calls, strict=True):
        client.give(Work(door, own, warm_up, refusals))
    for client in rivals:
        client.listen()
    started = perf_counter()
    for client in rivals:
        client.start()
    answers = [client.listen() for client in rivals]
    seconds = perf_counter() - started
    waits = [wait for said in answers for wait in said.waits]
    return Race(sum(said.wins for said in answers), seconds, sum(said.cpu for said in answers), waits)
