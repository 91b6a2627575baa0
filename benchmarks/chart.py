"""A bar chart of the gates as SVG: how far beyond its demand each one stands, for light and dark pages."""

import math
from html import escape
from typing import Final

from benchmarks.rounds import Result, number
from fleet_bench.chart import THEME

ROW: Final = 26
TOP: Final = 64
LEFT: Final = 380
WIDTH: Final = 360
RIGHT: Final = 190
REACH: Final = 8
"""The axis is logarithmic, from 1 / REACH of the demand to REACH times the demand."""

STYLE: Final = f"""{THEME}
.met {{ fill: #2da44e }} .beyond {{ fill: #1a7f37 }} .missed {{ fill: #cf222e }}
.goal {{ stroke: #6e7781; stroke-width: 1.5; stroke-dasharray: 2 2 }}
.grid {{ stroke: #d0d7de }}
@media (prefers-color-scheme: dark) {{
  .met {{ fill: #3fb950 }} .beyond {{ fill: #2ea043 }} .missed {{ fill: #f85149 }}
  .grid {{ stroke: #3d444d }}
}}
"""


def chart(results: list[Result], note: str) -> str:
    """The drawing; gates that were not measured have a row without a bar. `note` says where and when."""
    height = TOP + ROW * len(results) + 34
    rows = "\n".join(_row(result, TOP + ROW * index) for index, result in enumerate(results))
    box = f"0 0 {LEFT + WIDTH + RIGHT} {height}"
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}" role="img">
<title>Measured performance against what fleet demands of itself</title>
<style>{STYLE}</style>
<text class="title" x="12" y="24">Measured, as a multiple of the demand</text>
<text class="note" x="12" y="44">{escape(note)}</text>
{_axis(height)}
{rows}
</svg>
"""


def _x(gain: float) -> float:
    share = 0.5 + math.log(max(gain, 1 / REACH)) / (2 * math.log(REACH))
    return round(LEFT + WIDTH * min(max(share, 0), 1), 1)


def _axis(height: int) -> str:
    bottom = height - 24
    parts = []
    for tick in (1 / 8, 1 / 4, 1 / 2, 1, 2, 4, 8):
        kind = "line" if tick == 1 else "grid"
        label = f"1/{round(1 / tick)}" if tick < 1 else "demand" if tick == 1 else f"{tick}x"
        parts.append(f'<line class="{kind}" x1="{_x(tick)}" x2="{_x(tick)}" y1="{TOP - 8}" y2="{bottom}"/>')
        parts.append(
            f'<text class="axis" x="{_x(tick)}" y="{bottom + 14}" text-anchor="middle">{label}</text>'
        )
    return "\n".join(parts)


def _row(result: Result, top: int) -> str:
    gate, baseline, right = result.gate, top + 14, LEFT + WIDTH + 12
    name = f'<text x="12" y="{baseline}">{escape(f"{gate.number}  {gate.what}")}</text>'
    if not result.measured:
        return f'{name}\n<text class="note" x="{right}" y="{baseline}">not measured</text>'
    start, end = sorted((_x(1), _x(gate.gain(result.measured))))
    place = f'x="{start}" y="{top + 3}" width="{end - start:.1f}" height="14"'
    bar = f'<rect class="{result.verdict.lower()}" {place}/>'
    words = f"{number(result.measured, gate.unit)}  ({gate.sign} {number(gate.demand, gate.unit)})"
    figure = f'<text x="{right}" y="{baseline}">{escape(words)}</text>'
    return "\n".join([name, bar, *_goal(result, top), figure])


def _goal(result: Result, top: int) -> list[str]:
    if result.gate.stretch is None:
        return []
    goal = _x(result.gate.gain(result.gate.stretch))
    return [f'<line class="goal" x1="{goal}" x2="{goal}" y1="{top + 1}" y2="{top + 19}"/>']
