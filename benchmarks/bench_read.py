"""Reading a stream, reading the log, folding it, and rebuilding a read table from it."""

from collections.abc import Callable

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.subjects import RIVALS, STORES
from benchmarks.tables import Opener, run, tell_rate
from benchmarks.workload import REPORTS, initial_streams
from fleet_core.projections import fold, rebuild
from fleet_core.stores import Views


def time_read(benchmark: BenchmarkFixture, group: str, read: Callable[[], int]) -> None:
    """Time a read that says how many events it saw."""
    tell_rate(benchmark, run(benchmark, group, read, rounds=5, warmup_rounds=1))


@pytest.mark.parametrize("name", [*STORES, *RIVALS])
def test_read_streams_of_100(benchmark: BenchmarkFixture, opened: Opener, events: int, name: str) -> None:
    """Stores give decoded events, the driver and the peer's recorder bytes, its application aggregates."""
    subject, streams = opened(name, "in memory"), initial_streams(events)[:200]
    time_read(benchmark, "read a stream of 100", lambda: sum(map(subject.read_stream, streams)))


@pytest.mark.parametrize("name", STORES)
def test_read_all_decoded(benchmark: BenchmarkFixture, opened: Opener, name: str) -> None:
    """The whole log, every event's data as its type."""
    time_read(benchmark, "read all", opened(name, "in memory").read_decoded)


@pytest.mark.parametrize("name", STORES)
def test_read_all_undecoded(benchmark: BenchmarkFixture, opened: Opener, name: str) -> None:
    """The whole log, no event's data looked at."""
    time_read(benchmark, "read all", opened(name, "in memory").read_undecoded)


def test_read_all_rows_with_the_raw_driver(benchmark: BenchmarkFixture, opened: Opener) -> None:
    """The limit of the two above."""
    time_read(benchmark, "read all", opened("raw driver", "in memory").read_all)


@pytest.mark.parametrize("name", STORES)
def test_fold_all(benchmark: BenchmarkFixture, opened: Opener, name: str) -> None:
    """Every event into states in memory, one for each stream."""
    store = opened(name, "in memory").store

    def fold_all() -> int:
        return sum(state.reports for state in fold(REPORTS, store.read(REPORTS.query())).values())

    time_read(benchmark, "fold and rebuild", fold_all)


@pytest.mark.parametrize("name", STORES)
def test_rebuild_a_read_table(benchmark: BenchmarkFixture, opened: Opener, name: str) -> None:
    """Every event into a read table, beside the old one."""
    store = opened(name, "in memory").store
    if not isinstance(store, Views):
        pytest.skip(f"{name} has no read tables of its own")
    store.define([REPORTS])
    time_read(benchmark, "fold and rebuild", lambda: rebuild(opened(name, "in memory").store, store, REPORTS))
