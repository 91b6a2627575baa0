"""What a workload is, how much of it is done in a round, and what a round gives."""

from collections.abc import Callable
from statistics import median
from typing import Any, Final, NamedTuple

from fleet_bench.contestants import Contestant


class Scale(NamedTuple):
    """How much work: events there from the start, rounds, and at most this much in one contestant's round."""

    events: int
    rounds: int
    appends: int
    streams: int
    clients: int
    seconds: float
    """After which no more work is begun."""


FULL: Final = Scale(events=100_000, rounds=11, appends=500, streams=100, clients=16, seconds=0.3)
QUICK: Final = Scale(events=300, rounds=2, appends=32, streams=3, clients=4, seconds=0.1)


class Round(NamedTuple):
    """What one contestant did in one round. `waits` are the seconds of each call, `cpu` those of this process
    and of the clients it started, in all their threads; a server's are not among them."""

    events: int
    seconds: float
    cpu: float
    waits: list[float]

    def figures(self) -> "dict[str, float]":
        """The round in the figures that are kept."""
        waits = sorted(self.waits)
        return {
            "rate": self.events / self.seconds,
            "p50_ms": 1000 * median(waits),
            "p99_ms": 1000 * waits[int(len(waits) * 0.99)],
            "cpu_us": 1e6 * self.cpu / self.events,
        }


class Workload(NamedTuple):
    """Work that is measured. `needs` is the protocol of those who can do it."""

    name: str
    what: str
    needs: type
    measure: "Callable[[Any, Scale], Round]"

    def suits(self, contestant: type[Contestant]) -> bool:
        """Whether a contestant of that class offers what it needs."""
        return issubclass(contestant, self.needs)
