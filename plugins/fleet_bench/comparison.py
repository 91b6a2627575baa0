"""Two saved runs compared: which figures have really changed.

A store's figures are compared as their ratio to those of the limit, or else of a peer, that both runs
measured in the same rounds: then it matters little that the disk or the neighbours were in another mood.
Where there is no such yardstick the figures themselves are compared, which says something only on the same
machine.
"""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from fleet_bench.noise import FEWEST, Verdict, change, spread_of
from fleet_bench.results import Result, Run, Who, quotients

FIGURES: Final = {"rate": "speed", "p99_ms": "p99", "cpu_us": "CPU"}
"""What is compared, and what people call it."""

LEAST: Final = 1e-6
"""Stands for a figure of nothing, as a clock that ticks too slowly gives it."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a figure. `beside` is the yardstick, if there was one. `change` is a quotient of
    medians, of which more is better whatever the figure, and lies between `low` and `high`, if that is known.
    """

    workload: str
    contestant: str
    figure: str
    beside: str | None
    before: float
    after: float
    change: float
    low: float | None
    high: float | None
    verdict: Verdict
    why: str = ""


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the stores; and of the limits and peers, which tell of the machine."""

    same_machine: bool
    differences: list[str]
    findings: list[Finding]
    yardsticks: list[Finding]

    @property
    def slower(self) -> list[Finding]:
        """What has become slower beyond the noise of both runs."""
        return [each for each in self.findings if each.verdict == "slower"]


def compare(before: Run, after: Run) -> Comparison:
    """Compare whatever both runs measured."""
    same = before.machine.likeness == after.machine.likeness and before.events == after.events
    findings = list(_findings(before, after, same))
    stores = {who.name for who in after.contestants if who.kind == "store"}
    return Comparison(
        same_machine=same,
        differences=list(_differences(before, after)),
        findings=[each for each in findings if each.contestant in stores],
        yardsticks=[each for each in findings if each.contestant not in stores],
    )


def _findings(before: Run, after: Run, same: bool) -> Iterator[Finding]:
    for new in after.results:
        old, who = before.result(new.workload, new.contestant), after.who(new.contestant)
        if old is None or who is None:
            continue
        beside = _yardstick(before, after, new.workload, who)
        for figure in FIGURES:
            was, now = _series(before, old, figure, beside), _series(after, new, figure, beside)
            verdict = _finding(was, now, comparable=same or beside is not None)
            yield msgspec.structs.replace(
                verdict, workload=new.workload, contestant=new.contestant, figure=figure, beside=beside
            )


def _yardstick(before: Run, after: Run, workload: str, who: Who) -> str | None:
    """Whom a store is measured by: its limit, or the first peer, that both runs have measured at the
    workload.
    """
    if who.kind != "store":
        return None
    both = (
        name for name in after.rivals(who) if before.result(workload, name) and after.result(workload, name)
    )
    return next(both, None)


def _series(run: Run, result: Result, figure: str, beside: str | None) -> list[float]:
    """A figure in each round, divided by the yardstick's, turned so that more is better."""
    values = _turned(result, figure)
    rival = run.result(result.workload, beside) if beside else None
    return quotients(values, _turned(rival, figure)) if rival else values


def _turned(result: Result, figure: str) -> list[float]:
    values: list[float] = getattr(result, figure)
    return values if figure == "rate" else [1 / max(value, LEAST) for value in values]


def _finding(was: list[float], now: list[float], *, comparable: bool) -> Finding:
    found = change(was, now)
    known = min(len(was), len(now)) >= FEWEST
    why = "" if comparable else "another machine, and no yardstick"
    return Finding(
        workload="",
        contestant="",
        figure="",
        beside=None,
        before=spread_of(was).median,
        after=spread_of(now).median,
        change=found.factor,
        low=found.low if known else None,
        high=found.high if known else None,
        verdict=found.verdict if comparable else "can't tell",
        why=why if known else f"fewer than {FEWEST} rounds",
    )


def _differences(before: Run, after: Run) -> Iterator[str]:
    """What is not the same about the runs themselves, in words."""
    old, new = _conditions(before), _conditions(after)
    for name in [*old, *(name for name in new if name not in old)]:
        if old.get(name) != new.get(name):
            yield f"{name}: {old.get(name, 'none')} before, {new.get(name, 'none')} after"


def _conditions(run: Run) -> dict[str, Any]:
    machine: dict[str, Any] = msgspec.to_builtins(run.machine)
    packages = machine.pop("packages")
    kept: dict[str, Any] = {name: machine[name] for name in machine if name not in ("date", "load")}
    details = {f"{who.name} {key}": who.details[key] for who in run.contestants for key in who.details}
    return {**kept, **packages, "events in the log": run.events, "rounds": run.rounds, **details}
