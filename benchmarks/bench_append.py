"""Durable appends, one after another, of 1 to 1,000 events each."""

from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.subjects import PLACES, RIVALS, STORES
from benchmarks.tables import Opener, run, tell_rate

APPENDS = {1: 200, 10: 50, 100: 20, 1000: 5}
"""How many appends of each size one round makes."""


@pytest.mark.parametrize("name", [*STORES, *RIVALS])
@pytest.mark.parametrize("size", APPENDS)
@pytest.mark.parametrize("place", PLACES)
def test_append(benchmark: BenchmarkFixture, opened: Opener, place: str, size: int, name: str) -> None:
    """Each append is as durable as the place allows before the next begins."""
    subject, count = opened(name, place), APPENDS[size]

    def setup() -> tuple[tuple[Any], dict[str, Any]]:
        return (subject.prepare(size, count),), {}

    run(benchmark, f"append {size} {place}", subject.append, setup=setup, rounds=10)
    tell_rate(benchmark, size * count)
