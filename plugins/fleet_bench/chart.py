"""A drawing of a run as SVG: a bar for each contestant at each workload, for light and dark pages.

Bars of one workload have a scale of their own, since nobody compares claims with reads; each ends at the
median of the rounds, and a line shows where that may lie.
"""

from collections.abc import Iterator
from html import escape
from typing import Final

from fleet_bench.noise import Spread
from fleet_bench.results import Result, Run, Who, spread_in
from fleet_bench.tables import number

ROW: Final = 18
HEAD: Final = 26
TOP: Final = 64
LEFT: Final = 190
WIDTH: Final = 420
RIGHT: Final = 230

THEME: Final = """
text { font: 12px system-ui, sans-serif; fill: #24292f }
.title { font-size: 15px; font-weight: 600 }
.note, .axis { fill: #57606a }
.line { stroke: #24292f; stroke-width: 1.5 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .note, .axis { fill: #9198a1 } .line { stroke: #e6edf3 }
}
"""
"""What every drawing looks like, on light and on dark pages."""

STYLE: Final = f"""{THEME}
.workload {{ font-weight: 600 }}
.store {{ fill: #2da44e }} .limit {{ fill: #8c959f }} .peer {{ fill: #bf8700 }}
"""


def chart(run: Run) -> str:
    """The drawing."""
    parts, top = [], TOP
    for workload, what in run.workloads.items():
        bars = [(who, spread_in(found, "rate"), found) for who, found in _present(run, workload)]
        if not bars:
            continue
        parts.append(f'<text class="workload" x="12" y="{top + 14}">{escape(f"{workload}: {what}")}</text>')
        top += HEAD
        most = max(spread.high or spread.median for _, spread, _ in bars)
        for who, spread, found in bars:
            wait = number(spread_in(found, "p99_ms").median)
            parts += _bar(who, spread, most, f"{number(spread.median)} events/s, p99 {wait} ms", top)
            top += ROW
        top += 10
    return _page(run, parts, top)


def _present(run: Run, workload: str) -> Iterator[tuple[Who, Result]]:
    for who in run.contestants:
        found = run.result(workload, who.name)
        if found is not None:
            yield who, found


def _bar(who: Who, spread: Spread, most: float, words: str, top: int) -> list[str]:
    def reach(value: float) -> float:
        return round(WIDTH * value / most, 1)

    middle, baseline = top + 8, top + 12
    parts = [
        f'<text x="24" y="{baseline}">{escape(who.name)}</text>',
        f'<rect class="{who.kind}" x="{LEFT}" y="{top + 2}" width="{reach(spread.median)}" height="12"/>',
        f'<text class="note" x="{LEFT + WIDTH + 12}" y="{baseline}">{escape(words)}</text>',
    ]
    if spread.low is not None and spread.high is not None:
        ends = LEFT + reach(spread.low), LEFT + reach(spread.high)
        parts.append(f'<line class="line" x1="{ends[0]}" x2="{ends[1]}" y1="{middle}" y2="{middle}"/>')
    return parts


def _page(run: Run, parts: list[str], height: int) -> str:
    machine = run.machine
    note = f"{machine.date}, {machine.processor}, {machine.cores} cores, {machine.file_system}; green: stores"
    remark = ", grey: limits, yellow: peers" + (". A quick run, without meaning" if run.quick else "")
    lines, box = "\n".join(parts), f"0 0 {LEFT + WIDTH + RIGHT} {height}"
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}" role="img">
<title>Events per second of event stores, of their limits and of their peers</title>
<style>{STYLE}</style>
<text class="title" x="12" y="24">Events per second</text>
<text class="note" x="12" y="44">{escape(note + remark)}</text>
{lines}
</svg>
"""
