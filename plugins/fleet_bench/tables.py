"""Results for people: a table for each workload, what was not measured, and the machine."""

from collections.abc import Iterator
from typing import Any

import click

from fleet_bench.comparison import FIGURES, Comparison, Finding
from fleet_bench.noise import Spread
from fleet_bench.results import Ratio, Run, Who, spread_in
from fleet_core.api import show


def show_run(run: Run) -> None:
    """Print a run."""
    ratios = {(each.workload, each.contestant, each.rival): each for each in run.ratios()}
    for workload, what in run.workloads.items():
        click.secho(f"{workload}: {what}", bold=True)
        rows = list(_rows(run, workload, ratios))
        if rows:
            show(rows)
        click.echo()
    click.secho("Bytes of the log for each event", bold=True)
    show([{"who": who.name, "bytes": number(who.bytes_per_event)} for who in run.contestants])
    click.echo()
    show(_about(run))
    for each in run.missing:
        click.echo(f"Not measured: {each.name} ({each.reason})", err=True)


def _rows(run: Run, workload: str, ratios: dict[tuple[str, str, str], Ratio]) -> Iterator[dict[str, Any]]:
    for who in run.contestants:
        result = run.result(workload, who.name)
        if result is not None:
            yield {
                "who": who.name,
                "events/s": number(spread_in(result, "rate").median),
                "from..to": between(spread_in(result, "rate")),
                "p50 ms": number(spread_in(result, "p50_ms").median),
                "p99 ms": number(spread_in(result, "p99_ms").median),
                "CPU us": number(spread_in(result, "cpu_us").median),
                **_beside(run, who, workload, ratios),
            }


def _beside(
    run: Run, store: Who, workload: str, ratios: dict[tuple[str, str, str], Ratio]
) -> dict[str, str | None]:
    """A column for the limit, and one for each peer; empty for those who are no store."""
    peers = [who.name for who in run.contestants if who.kind == "peer"]
    names = {"of limit": store.limit or ""} | {f"x {peer}": peer for peer in peers}
    found = {column: ratios.get((workload, store.name, rival)) for column, rival in names.items()}
    return {column: f"{number(each.ratio)}x" if each else None for column, each in found.items()}


def _about(run: Run) -> dict[str, Any]:
    machine = run.machine
    packages = ", ".join(f"{name} {version}" for name, version in machine.packages.items())
    about = {
        "measured": f"{machine.date}, {run.rounds} rounds on logs of {run.events:,} events",
        "machine": f"{machine.processor}, {machine.cores} cores, load {machine.load[0]} to {machine.load[1]}",
        "system": f"{machine.system}, {machine.file_system}",
        "versions": f"{machine.python}, SQLite {machine.sqlite}, {packages}",
    }
    for who in run.contestants:
        if who.details:
            about[who.name] = ", ".join(f"{key} {value}" for key, value in who.details.items())
    if run.quick:
        about["remark"] = "a quick run: it shows that everything works, and its figures mean nothing"
    return about


def number(value: float | None) -> str | None:
    """A figure to three digits that matter; nothing for nothing."""
    return None if value is None else digits_of(value)


def digits_of(value: float) -> str:
    """A figure to three digits that matter."""
    digits = 0 if value >= 100 else 1 if value >= 10 else 2 if value >= 0.1 else 3
    return f"{value:,.{digits}f}"


def between(spread: Spread) -> str | None:
    """Where a median lies; nothing when that is not known."""
    return None if spread.low is None else f"{number(spread.low)}..{number(spread.high)}"


def show_comparison(comparison: Comparison) -> None:
    """Print what has changed, and how much could not be told."""
    for each in comparison.differences:
        click.echo(f"Not the same: {each}", err=True)
    changed = [each for each in comparison.findings if each.verdict in ("slower", "faster")]
    if changed:
        show([_change(each) for each in changed])
    counts = {word: _count(comparison.findings, word) for word in ("slower", "faster", "same", "can't tell")}
    click.echo("Of the stores' figures: " + ", ".join(f"{count} {word}" for word, count in counts.items()))
    others = comparison.yardsticks
    slower, faster = _count(others, "slower"), _count(others, "faster")
    if slower or faster:
        click.echo(
            f"The machine was in another mood: of {len(others)} figures of limits and peers"
            f" {slower} came out slower and {faster} faster"
        )


def _change(finding: Finding) -> dict[str, Any]:
    return {
        "verdict": finding.verdict,
        "workload": finding.workload,
        "who": finding.contestant,
        "figure": FIGURES[finding.figure],
        "change": f"{number(finding.change)}x",
        "from..to": between(Spread(finding.change, finding.low, finding.high)),
        "beside": finding.beside,
    }


def _count(findings: list[Finding], verdict: str) -> int:
    return sum(each.verdict == verdict for each in findings)
