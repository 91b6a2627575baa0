"""Many clients at once, on the disk: what sharing one fsync gains, and how evenly they are served."""

from collections.abc import Callable, Sequence

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.clients import Crowd, Started, limited, store_clients, store_tasks, tasks, threads
from benchmarks.subjects import STORES
from benchmarks.tables import Opener, run

EVENTS = 640
"""Appends of all clients together, in one round."""


def time_crowd(
    benchmark: BenchmarkFixture,
    group: str,
    gather: Callable[[Sequence[Callable[[], Started]]], Crowd],
    clients: Sequence[Callable[[], Started]],
) -> None:
    """Let the clients append; what those of the last round saw stands beside the table."""
    share = EVENTS // len(clients)
    crowd = run(benchmark, group, lambda: gather([limited(client, share) for client in clients]), rounds=5)
    benchmark.extra_info["events/s"] = round(crowd.rate)
    benchmark.extra_info["p99 ms"] = round(crowd.p99, 1)


@pytest.mark.parametrize("name", STORES)
@pytest.mark.parametrize("count", [1, 4, 16, 64])
def test_threads(benchmark: BenchmarkFixture, opened: Opener, count: int, name: str) -> None:
    """Each client a thread."""
    clients = store_clients(opened(name, "on disk").store, count, f"bench-threads-{count}")
    time_crowd(benchmark, f"{count} threads", threads, clients)


@pytest.mark.parametrize("name", STORES)
def test_asyncio_tasks(benchmark: BenchmarkFixture, opened: Opener, name: str) -> None:
    """Each of 64 clients a task of one event loop."""
    clients = store_tasks(opened(name, "on disk").store, 64, "bench-tasks")
    time_crowd(benchmark, "64 tasks", tasks, clients)
