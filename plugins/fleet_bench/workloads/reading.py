"""One reader on a long history."""

import gc
from collections.abc import Callable
from functools import partial
from time import perf_counter, process_time
from typing import Final

from fleet_bench.contestants import Folding, Reading, Tabling, Tailing
from fleet_bench.schedule import initial_streams
from fleet_bench.workloads.workload import Round, Scale, Workload

CAUGHT_UP: Final = 100
"""Positions that somebody who comes back has missed."""


def read_streams(reader: Reading, scale: Scale) -> Round:
    """Read streams of a hundred events, which lie in the oldest part of the log."""
    streams = initial_streams(scale.events)[: scale.streams]
    return _repeated([partial(reader.read_stream, each) for each in streams], scale)


def catch_up(reader: Tailing, scale: Scale) -> Round:
    """Read the end of the log, time and again."""
    after = max(reader.head() - CAUGHT_UP, 0)
    return _repeated([lambda: len(reader.tail(after, 1.0))] * scale.streams, scale)


def read_log(reader: Reading, scale: Scale) -> Round:
    """Read everything."""
    return _repeated([reader.read_log], scale)


def fold_log(folder: Folding, scale: Scale) -> Round:
    """Fold everything in memory."""
    return _repeated([folder.fold_log], scale)


def rebuild_table(store: Tabling, scale: Scale) -> Round:
    """Fold everything into a read table."""
    return _repeated([store.rebuild_table], scale)


def _repeated(reads: list[Callable[[], int]], scale: Scale) -> Round:
    gc.collect()
    events, waits = 0, []
    began = process_time()
    for read in reads:
        before = perf_counter()
        events += read()
        waits.append(perf_counter() - before)
        if sum(waits) > scale.seconds:
            break
    return Round(events, sum(waits), process_time() - began, waits)


WORKLOADS: Final = [
    Workload("streams", "streams of 100 events, from a long history", Reading, read_streams),
    Workload("catch-up", "the newest events of a long history", Tailing, catch_up),
    Workload("whole-log", "every event of a long history", Reading, read_log),
    Workload("fold", "every event, folded into states in memory", Folding, fold_log),
    Workload("rebuild", "every event, folded into a read table", Tabling, rebuild_table),
]
"""The last one is last since appends are slower once there is a read table."""
