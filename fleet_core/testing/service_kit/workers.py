"""What other processes do to the service on trial: top-level functions, as they are called by name there."""

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from threading import Event
from types import TracebackType

from fleet_core.services import ServiceStatus
from fleet_core.testing.service_kit.base import PATIENCE, MakeProvider, quiet

PROCESSES = 3

gate: Barrier
"""Where the workers of a pool wait for each other, in each of its processes."""


def _meet_at(barrier: Barrier) -> None:
    global gate
    gate = barrier


class Crowd:
    """Processes that ask something of the same service at the same moment."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(PROCESSES, context, _meet_at, (context.Barrier(PROCESSES),))

    def all(self, ask: Callable[[MakeProvider], ServiceStatus], make: MakeProvider) -> list[ServiceStatus]:
        """Ask in each process; what each was told."""
        futures = [self._pool.submit(_at_once, ask, make) for _ in range(PROCESSES)]
        return [future.result(PATIENCE) for future in futures]

    def close(self) -> None:
        """End the processes."""
        self._pool.shutdown()


def _at_once(ask: Callable[[MakeProvider], ServiceStatus], make: MakeProvider) -> ServiceStatus:
    gate.wait(PATIENCE)
    return ask(make)


def up(make: MakeProvider) -> ServiceStatus:
    """Take the service up."""
    return make().up(quiet)


def down(make: MakeProvider) -> ServiceStatus:
    """Take the service down."""
    return make().down()


class Starter:
    """A process that takes a service up, and waits at each report to be told to go on. Killed in the end."""

    def __init__(self, make: MakeProvider) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, there = context.Pipe()
        self._process = context.Process(target=_up_step_by_step, args=(make, there))
        self._process.start()
        there.close()

    def reach(self, number: int) -> bool:
        """Have it go on to the report of a number, from 1, and wait there; whether it came to that many.

        Reports that say the same count once.
        """
        seen: set[str] = set()
        while (report := self._hear()) is not None:
            seen.add(report)
            if len(seen) == number:
                return True
            self._pipe.send(False)
        return False

    def run_on(self, seconds: float) -> None:
        """Let it go on freely, so long."""
        self._pipe.send(True)
        Event().wait(seconds)

    def _hear(self) -> str | None:
        assert self._pipe.poll(PATIENCE), "the process that takes the service up has come to a stop"
        try:
            report: str | None = self._pipe.recv()
        except EOFError:
            raise AssertionError("`up` failed in another process, as it says on stderr") from None
        return report

    def __enter__(self) -> "Starter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.join(PATIENCE)
        self._pipe.close()


def _up_step_by_step(make: MakeProvider, pipe: Connection) -> None:
    free = False

    def report(text: str) -> None:
        nonlocal free
        if not free:
            pipe.send(text)
            free = pipe.recv()

    make().up(report)
    pipe.send(None)
