"""Gates, judged by ratios taken within each round: what stays true on a machine that is not quiet."""

import math
from statistics import median
from typing import NamedTuple

from fleet_bench.arena import Figures
from fleet_bench.tables import digits_of


class Gate(NamedTuple):
    """What is demanded of a figure, or of its ratio to another figure of the same round.

    `number` is the gate's in the project's table of demands; `stretch` is the goal beyond the demand.
    """

    number: str
    what: str
    figure: str
    over: str | None
    demand: float
    stretch: float | None = None
    at_most: bool = False
    unit: str = "x"

    @property
    def sign(self) -> str:
        """How the demand compares."""
        return "<=" if self.at_most else ">="

    def gain(self, value: float) -> float:
        """How far a value lies beyond the demand: 1 meets it, 2 is twice as good.

        A cost beyond another's can come out below nothing on a busy machine: that is beyond any demand.
        """
        if not self.at_most:
            return value / self.demand
        return self.demand / value if value > 0 else math.inf


class Result(NamedTuple):
    """A gate's values, one for each round; none when it was not measured."""

    gate: Gate
    values: list[float]

    @property
    def measured(self) -> float | None:
        """The median of the rounds."""
        return median(self.values) if self.values else None

    @property
    def verdict(self) -> str:
        """In a word."""
        gate = self.gate
        if self.measured is None:
            return "not measured"
        if gate.stretch is not None and gate.gain(self.measured) >= gate.gain(gate.stretch):
            return "beyond"
        return "met" if gate.gain(self.measured) >= 1 else "MISSED"


def judge(gate: Gate, figures: Figures) -> Result:
    """Divide round by round."""
    values = figures.get(gate.figure, [])
    if gate.over is None:
        return Result(gate, values)
    bases = figures.get(gate.over, [])
    return Result(gate, [value / base for value, base in zip(values, bases, strict=False)])


def table(results: list[Result]) -> str:
    """The results for people to read, in columns of plain text; the spread is that of the rounds."""
    rows = [["gate", "what", "demand", "stretch", "measured", "spread", "verdict"], *map(_row, results)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def _row(result: Result) -> list[str]:
    gate = result.gate
    return [
        gate.number,
        gate.what,
        f"{gate.sign} {number(gate.demand, gate.unit)}",
        "" if gate.stretch is None else number(gate.stretch, gate.unit),
        "-" if result.measured is None else number(result.measured, gate.unit),
        f"{number(min(result.values))}..{number(max(result.values))}" if result.values else "",
        result.verdict,
    ]


def number(value: float, unit: str = "") -> str:
    """A figure to three digits that matter, with its unit."""
    return f"{digits_of(value)}{unit if len(unit) < 2 else f' {unit}'}"
