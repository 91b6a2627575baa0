"""Client processes as a benchmark holds them: they open the store themselves, and start together."""

import os
import subprocess
import sys
from contextlib import ExitStack
from time import perf_counter
from typing import Final, NamedTuple

import msgspec

from fleet_bench.client import Said
from fleet_bench.contestants import Unfit
from fleet_bench.stores import StoreContestant
from fleet_core.api import Unavailable

COUNT: Final = 4


class Race(NamedTuple):
    """What several processes saw together."""

    wins: int
    seconds: float
    cpu: float
    waits: list[float]


class Client:
    """One client process."""

    def __init__(self, contestant: StoreContestant) -> None:
        command = [sys.executable, "-m", "fleet_bench.client", contestant.name, str(contestant.directory)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ
        )

    def tell(self, streams: list[str]) -> None:
        """Say what to claim, or that it begins."""
        assert self._process.stdin is not None
        self._process.stdin.write(msgspec.json.encode(streams) + b"\n")
        self._process.stdin.flush()

    def listen(self) -> Said:
        """What it says next.

        Raises:
            Unfit: the store is not one for several processes.
            Unavailable: it ended without a word.
        """
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise Unavailable(f"a client process ended: {self._last_words()}", remedy="try the store by hand")
        said = msgspec.json.decode(line, type=Said)
        if said.refused:
            raise Unfit(said.refused)
        return said

    def _last_words(self) -> str:
        assert self._process.stderr is not None
        return (self._process.stderr.read().decode().strip().splitlines() or ["no message"])[-1]

    def close(self) -> None:
        """See to it that it is gone, and give its pipes back."""
        self._process.kill()
        self._process.communicate()


def race_of_processes(contestant: StoreContestant, streams: list[str]) -> Race:
    """Let processes claim the same streams, all of them in the same order.

    Raises:
        Unfit: the store is not one for several processes.
    """
    with ExitStack() as exits:
        clients = []
        for _ in range(COUNT):
            client = Client(contestant)
            exits.callback(client.close)
            clients.append(client)
        for client in clients:
            client.listen()
            client.tell(streams)
        for client in clients:
            client.listen()
        started = perf_counter()
        for client in clients:
            client.tell([])
        answers = [client.listen() for client in clients]
        seconds = perf_counter() - started
    waits = [wait for said in answers for wait in said.waits]
    return Race(sum(said.wins for said in answers), seconds, sum(said.cpu for said in answers), waits)
