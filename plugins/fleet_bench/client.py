"""A client process: `python -m fleet_bench.client STORE DIRECTORY`.

Opens the store, says so, is told which streams to claim, makes the appends ready, says so, waits for the
start, and tells how it went.
"""

import sys
from pathlib import Path
from time import perf_counter, process_time

import msgspec

from fleet_bench.schedule import EVENTS, STREAM_TYPE
from fleet_bench.stores import open_store
from fleet_core.api import Batch, Conflict, EventStore, Stream, load_settings


class Said(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a client process says: that it is ready, or how it went, or why it can't."""

    refused: str = ""
    wins: int = 0
    cpu: float = 0.0
    waits: list[float] = []


def main(name: str, directory: str) -> None:
    """Be that client."""
    store = open_store(name, Path(directory), load_settings(None).settings.plugins.get(name, {}))
    if not store.head():
        _say(Said(refused="each process has a log of its own"))
        return
    _say(Said())
    streams = _listen()
    calls = [Batch(Stream(STREAM_TYPE, each), [EVENTS[0]], 0) for each in streams]
    store.head()
    _say(Said())
    _listen()
    _say(_claim(store, calls))
    store.close()


def _claim(store: EventStore, calls: list[Batch]) -> Said:
    wins, waits, began = 0, [], process_time()
    for call in calls:
        before = perf_counter()
        try:
            store.append(call)
            wins += 1
        except Conflict:
            pass
        waits.append(perf_counter() - before)
    return Said(wins=wins, cpu=process_time() - began, waits=waits)


def _listen() -> list[str]:
    return msgspec.json.decode(sys.stdin.readline(), type=list[str])


def _say(said: Said) -> None:
    print(msgspec.json.encode(said).decode(), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
