"""The results of a run as they are saved: every figure of every round, and what it was measured on."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from fleet_bench.arena import Arena
from fleet_bench.field import Entrant
from fleet_bench.machine import Machine
from fleet_bench.noise import Spread, spread_of
from fleet_bench.workloads.workload import Scale, Workload
from fleet_core.api import Invalid, NotFound

FORMAT: Final = 1
"""Version of the file's layout."""


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody did at a workload: a figure for each round.

    `rate` is events per second, `p50_ms` and `p99_ms` are waits of single calls, `cpu_us` the CPU time for an
    event in the client's processes.
    """

    workload: str
    contestant: str
    rate: list[float]
    p50_ms: list[float]
    p99_ms: list[float]
    cpu_us: list[float]


class Ratio(msgspec.Struct, frozen=True, kw_only=True):
    """How many times as many events somebody did as a rival: the median of the rounds, and where it may
    lie.
    """

    workload: str
    contestant: str
    rival: str
    ratio: float
    low: float | None
    high: float | None


class Who(msgspec.Struct, frozen=True, kw_only=True):
    """A contestant. `beside` is the store whose disk or server it shares, of another store the one it is put
    beside; `details` are what a store says of itself: its versions, how it waits for the disk.
    """

    name: str
    kind: Literal["store", "limit", "peer"]
    what: str
    beside: str = ""
    limit: str | None = None
    bytes_per_event: float | None = None
    details: dict[str, Any] = {}


class Missing(msgspec.Struct, frozen=True, kw_only=True):
    """What was not measured, and why."""

    name: str
    reason: str


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """A run."""

    format: int
    quick: bool
    machine: Machine
    events: int
    rounds: int
    workloads: dict[str, str]
    contestants: list[Who]
    results: list[Result]
    missing: list[Missing]

    def result(self, workload: str, contestant: str) -> Result | None:
        """What somebody did at a workload."""
        found = (each for each in self.results if (each.workload, each.contestant) == (workload, contestant))
        return next(found, None)

    def who(self, name: str) -> Who | None:
        """A contestant by its name."""
        return next((each for each in self.contestants if each.name == name), None)

    def ratios(self) -> list[Ratio]:
        """Every store beside its limit and the peers on the same terms, round by round."""
        return [ratio for who in self.contestants if who.kind == "store" for ratio in self._ratios(who)]

    def rivals(self, store: Who) -> list[str]:
        """Whom a store is put beside: its limit first, then the peers on the same disk or server."""
        peers = [who.name for who in self.contestants if who.kind == "peer" and who.beside == store.beside]
        return [store.limit, *peers] if store.limit else peers

    def _ratios(self, store: Who) -> list[Ratio]:
        found = []
        for workload in self.workloads:
            ours = self.result(workload, store.name)
            for rival in self.rivals(store):
                theirs = self.result(workload, rival)
                if ours is not None and theirs is not None:
                    found.append(_ratio(ours, theirs))
        return found


def _ratio(ours: Result, theirs: Result) -> Ratio:
    spread = spread_of(quotients(ours.rate, theirs.rate))
    return Ratio(
        workload=ours.workload,
        contestant=ours.contestant,
        rival=theirs.contestant,
        ratio=spread.median,
        low=spread.low,
        high=spread.high,
    )


def quotients(values: Sequence[float], bases: Sequence[float]) -> list[float]:
    """Values divided by those of the same round."""
    return [value / base for value, base in zip(values, bases, strict=True)]


def spread_in(result: Result, figure: str) -> Spread:
    """One figure's median and spread."""
    return spread_of(getattr(result, figure))


def run_of(arena: Arena, scale: Scale, workloads: Sequence[Workload], machine: Machine, quick: bool) -> Run:
    """What an arena has measured. Its sizes are known once it is closed."""
    return Run(
        format=FORMAT,
        quick=quick,
        machine=machine,
        events=scale.events,
        rounds=scale.rounds,
        workloads={each.name: each.what for each in workloads if each.name in arena.rounds},
        contestants=[_who(arena, each) for each in arena.field.entrants if each.name not in arena.absent],
        results=[
            _result(workload, name, rounds)
            for workload, contestants in arena.rounds.items()
            for name, rounds in contestants.items()
        ],
        missing=[Missing(name=each.name, reason=each.reason) for each in arena.not_measured()],
    )


def _who(arena: Arena, entrant: Entrant) -> Who:
    limit = arena.field.limit_of(entrant.name) if entrant.kind == "store" else None
    return Who(
        name=entrant.name,
        kind=entrant.kind,
        what=entrant.what,
        beside=arena.field.named(limit).beside if limit else entrant.beside,
        limit=limit,
        bytes_per_event=arena.sizes.get(entrant.name),
        details=arena.details.get(entrant.name, {}),
    )


def _result(workload: str, contestant: str, rounds: Sequence[Any]) -> Result:
    figures = [each.figures() for each in rounds]
    named = {name: [each[name] for each in figures] for name in ("rate", "p50_ms", "p99_ms", "cpu_us")}
    return Result(workload=workload, contestant=contestant, **named)


def save(run: Run, path: Path) -> None:
    """Write a run to a file."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(run), indent=1) + b"\n")


def load_run(path: Path) -> Run:
    """Read a run from a file.

    Raises:
        NotFound: there is no such file.
        Invalid: it is not one that `save` wrote.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=Run)
    except FileNotFoundError:
        raise NotFound(f"there is no file {path}", remedy="fleet bench --save FILE writes one") from None
    except msgspec.MsgspecError as error:
        raise Invalid(
            f"{path} holds no benchmark run: {error}", remedy="name one that --save wrote"
        ) from None
