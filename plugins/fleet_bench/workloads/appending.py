"""One writer: appends one after another, each durable before the next begins."""

import gc
from collections.abc import Callable
from functools import partial
from time import perf_counter, process_time
from typing import Final

from fleet_bench.contestants import Appending, Writer
from fleet_bench.schedule import Write
from fleet_bench.workloads.workload import Round, Scale, Workload

AT_A_TIME: Final = 20
"""Calls that are made ready while no clock runs."""


Next = Callable[[Writer, int], list[Write]]
"""The next so many writes of a contestant's schedule."""


def many_streams(writer: Writer, count: int) -> list[Write]:
    """One event each, round a thousand streams."""
    return writer.schedule.calls(1, count)


def hot_stream(writer: Writer, count: int) -> list[Write]:
    """One event each, all to one stream."""
    return writer.schedule.following("hot", count)


def batches(size: int) -> Next:
    """So many events each, to a stream of their own."""
    return lambda writer, count: writer.schedule.calls(size, count)


def one_by_one(next_writes: Next, size: int, writer: Writer, scale: Scale) -> Round:
    """Append for as long as the scale allows."""
    gc.collect()
    waits: list[float] = []
    cpu = 0.0
    most = max(scale.appends // size, 1)
    while len(waits) < most and sum(waits) < scale.seconds:
        calls = writer.ready(next_writes(writer, min(AT_A_TIME, most - len(waits))))
        began = process_time()
        for call in calls:
            before = perf_counter()
            writer.append(call)
            waits.append(perf_counter() - before)
        cpu += process_time() - began
    return Round(len(waits) * size, sum(waits), cpu, waits)


WORKLOADS: Final = [
    Workload(
        "many-streams",
        "single events, round a thousand streams",
        Appending,
        partial(one_by_one, many_streams, 1),
    ),
    Workload("hot-stream", "single events, all to one stream", Appending, partial(one_by_one, hot_stream, 1)),
    Workload("batches-100", "100 events at once", Appending, partial(one_by_one, batches(100), 100)),
    Workload("batches-1000", "1,000 events at once", Appending, partial(one_by_one, batches(1000), 1000)),
]
