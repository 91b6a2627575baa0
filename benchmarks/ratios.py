"""Run the interleaved rounds, judge the ratios, and draw them: what `make bench` does.

    python -m benchmarks.ratios [--quick] [--only SCENARIO]... [--output DIRECTORY] [--disk DIRECTORY]

A missed gate is told and fails nothing, since timings depend on the machine. The exit status is 1 when
something that was asked for could not be measured.
"""

import argparse
import json
import os
import platform
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from time import perf_counter

from pysqlite3 import dbapi2  # type: ignore[import-untyped]

from benchmarks.chart import chart
from benchmarks.gates import GATES
from benchmarks.places import DISK, empty_places
from benchmarks.rounds import Result, judge, number, table
from benchmarks.scenarios import FULL, QUICK, SCENARIOS, Scale
from fleet_bench.arena import Figures
from fleet_core.errors import FleetError

OUTPUT = Path(__file__).parent.parent / "docs" / "explanation"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and write; gives the exit status."""
    asked = _parser().parse_args(arguments)
    about = machine()
    figures, reasons = measure(asked.only or list(SCENARIOS), QUICK if asked.quick else FULL, asked.disk)
    about["load afterwards"] = load()
    results = [judge(gate, figures) for gate in GATES]
    print(table(results), figures_table(figures), sep="\n\n", end="\n\n")
    print("\n".join(f"{key}: {value}" for key, value in about.items()))
    for name, reason in reasons.items():
        print(f"{name} was not measured: {reason}", file=sys.stderr)
    write(asked.output, results, figures, about)
    return 1 if reasons else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ratios")
    parser.add_argument("--quick", action="store_true", help="a smoke run; its figures mean nothing")
    parser.add_argument("--only", action="append", choices=list(SCENARIOS), help="one scenario; repeatable")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="where the chart and the figures go")
    parser.add_argument("--disk", type=Path, default=DISK, help="a directory on the disk to measure")
    return parser


def measure(names: Sequence[str], scale: Scale, disk: Path) -> tuple[Figures, dict[str, str]]:
    """Run scenarios, each in new directories; gives the figures, and why scenarios gave none."""
    figures: Figures = {}
    reasons: dict[str, str] = {}
    for name in names:
        started = perf_counter()
        print(f"measuring {name} ...", end=" ", file=sys.stderr, flush=True)
        with empty_places(disk) as places:
            try:
                figures |= SCENARIOS[name](scale, places)
            except FleetError as error:
                reasons[name] = f"{error.message}; {error.remedy}"
        print(f"{perf_counter() - started:.0f} s", file=sys.stderr)
    return figures, reasons


def figures_table(figures: Figures) -> str:
    """Every figure by itself: median and spread of the rounds."""
    width = max(map(len, figures), default=0)
    return "\n".join(
        f"{name:<{width}}  {number(median(each)):>9}  ({number(min(each))}..{number(max(each))})"
        for name, each in sorted(figures.items())
    )


def machine() -> dict[str, str]:
    """What it runs on, and how busy that is."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "machine": f"{os.cpu_count()} {platform.machine()} processors, {platform.system()}",
        "versions": f"Python {platform.python_version()}, SQLite {dbapi2.sqlite_version} (pysqlite3),"
        f" eventsourcing {version('eventsourcing')}, peewee {version('peewee')}",
        "load before": load(),
    }


def load() -> str:
    """How many processes wanted to run during the last minute, on average; about one of them is ours."""
    return f"{os.getloadavg()[0]:.1f}"


def write(directory: Path, results: list[Result], figures: Figures, about: dict[str, str]) -> None:
    """Draw the chart, and keep all figures beside it."""
    directory.mkdir(parents=True, exist_ok=True)
    note = f"{about['date']}, {about['machine']}. Dashes mark the goal beyond the demand."
    (directory / "performance.svg").write_text(chart(results, note), encoding="utf-8")
    ratios = {result.gate.number: result.values for result in results}
    content = {"about": about, "gates": ratios, "figures": figures}
    (directory / "performance.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
