"""Running under pytest-benchmark, typed, and with events per second beside its own columns."""

from collections.abc import Callable
from typing import Any

from pytest_benchmark.fixture import BenchmarkFixture

Opener = Callable[[str, str], Any]
"""Gives the subject of a name in a place."""


def run(benchmark: BenchmarkFixture, group: str, act: Callable[..., Any], **options: Any) -> Any:
    """Time `act` in rounds, listed with others of its group; gives the last answer."""
    benchmark.group = group
    return benchmark.pedantic(act, **options)  # type: ignore[no-untyped-call]


def tell_rate(benchmark: BenchmarkFixture, events: int) -> None:
    """Say how many events per second the median round makes, of `events` in each."""
    if benchmark.stats:
        benchmark.extra_info["events/s"] = round(events / benchmark.stats.stats.median)
