"""Interleaved rounds, and ratios taken within each round: what stays true on a machine that is not quiet.

The speed of a disk or of a shared processor changes from minute to minute, and by more than the differences
of interest. Contestants therefore take turns within each round, the order changes from round to round, and
only figures of the same round are divided by one another.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from statistics import median
from typing import NamedTuple

Figures = dict[str, list[float]]
"""Names of measurements to their figures, one for each round."""

Measure = Callable[[], Mapping[str, float]]
"""Measures once, and gives one or more figures by name."""


def interleaved(measures: Sequence[Measure], rounds: int) -> Figures:
    """Let everyone measure once in each round."""
    figures: Figures = {}
    for order in orders(measures, rounds):
        for measure in order:
            for name, figure in measure().items():
                figures.setdefault(name, []).append(figure)
    return figures


def orders(measures: Sequence[Measure], rounds: int) -> Iterator[list[Measure]]:
    """The turns of each round: everyone once, and another one first each time."""
    for index in range(rounds):
        first = index % len(measures)
        yield [*measures[first:], *measures[:first]]


class Gate(NamedTuple):
    """What is demanded of a figure, or of a figure's ratio to another of the same round.

    `number` is the gate's in the project's table of demands. `stretch` is the goal beyond the demand.
    """

    number: str
    what: str
    figure: str
    over: str | None
    demand: float
    stretch: float | None = None
    at_most: bool = False
    unit: str = "x"


class Result(NamedTuple):
    """A gate's values, one for each round. Without values it was not measured, and `reason` says why."""

    gate: Gate
    values: list[float]
    reason: str = ""

    @property
    def measured(self) -> float | None:
        """The median of the rounds."""
        return median(self.values) if self.values else None

    @property
    def strength(self) -> float | None:
        """How far beyond the demand: 1 meets it, 2 is twice as good."""
        if not self.measured:
            return None
        return self.gate.demand / self.measured if self.gate.at_most else self.measured / self.gate.demand

    @property
    def verdict(self) -> str:
        """In a word."""
        if self.measured is None:
            return "not measured"
        if self.gate.stretch is not None and _meets(self.measured, self.gate.stretch, self.gate.at_most):
            return "beyond"
        return "met" if _meets(self.measured, self.gate.demand, self.gate.at_most) else "MISSED"


def _meets(measured: float, limit: float, at_most: bool) -> bool:
    return measured <= limit if at_most else measured >= limit


def judge(gate: Gate, figures: Figures, reasons: Mapping[str, str]) -> Result:
    """Divide round by round. `reasons` says, by the first word of their names, why figures are missing."""
    names = [gate.figure] if gate.over is None else [gate.figure, gate.over]
    for name in names:
        if name not in figures:
            return Result(gate, [], reasons.get(name.partition(" ")[0], "not asked for"))
    if gate.over is None:
        return Result(gate, list(figures[gate.figure]))
    pairs = zip(figures[gate.figure], figures[gate.over], strict=True)
    return Result(gate, [figure / base for figure, base in pairs])


def table(results: list[Result]) -> str:
    """The results for people to read, in columns of plain text; the spread is that of the rounds."""
    rows = [("gate", "what", "demand", "stretch", "measured", "spread", "verdict")]
    rows += [_row(result) for result in results]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    return "\n".join(lines)


def _row(result: Result) -> tuple[str, ...]:
    gate, sign = result.gate, "<=" if result.gate.at_most else ">="
    stretch = "" if gate.stretch is None else number(gate.stretch, gate.unit)
    spread = f"{number(min(result.values))}..{number(max(result.values))}" if result.values else ""
    measured = "-" if result.measured is None else number(result.measured, gate.unit)
    verdict = f"{result.verdict}: {result.reason}" if result.reason else result.verdict
    return (
        gate.number,
        gate.what,
        f"{sign} {number(gate.demand, gate.unit)}",
        stretch,
        measured,
        spread,
        verdict,
    )


def number(value: float, unit: str = "") -> str:
    """A figure to three digits that matter, with its unit."""
    digits = 0 if value >= 100 else 1 if value >= 10 else 2 if value >= 0.1 else 3
    return f"{value:,.{digits}f}{'' if unit in ('', 'x') else ' '}{unit}"
