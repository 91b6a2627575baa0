"""A client process: `python -m fleet_bench.client`, which hears its work from its parent.

Each time it opens what it is to write to, makes the first calls, says that it is ready, waits for the start,
makes the others, and tells how that went.
"""

import pickle
import sys
from collections.abc import Sequence
from contextlib import closing
from time import perf_counter, process_time
from typing import Any, NamedTuple

import msgspec

from fleet_bench.contestants import Door, Guest, Unfit


class Work(NamedTuple):
    """What a client is to write, and where. The first `warm_up` calls are made before the start. A call that
    raises one of `refusals` is lost to somebody else.
    """

    door: Door
    calls: Sequence[Any]
    warm_up: int
    refusals: tuple[type[Exception], ...]


class Said(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a client process says: that it is ready, or how it went, or why it can't."""

    refused: str = ""
    wins: int = 0
    cpu: float = 0.0
    waits: list[float] = []


def main() -> None:
    """Be that client, until there is no more work."""
    while (work := _hear()) is not None:
        try:
            guest = work.door()
        except Unfit as unfit:
            _say(Said(refused=unfit.message))
            continue
        with closing(guest):
            _do(guest, work)


def _do(guest: Guest, work: Work) -> None:
    _make(guest, work.calls[: work.warm_up], work.refusals)
    calls = work.calls[work.warm_up :]
    _say(Said())
    sys.stdin.buffer.readline()
    _say(_make(guest, calls, work.refusals))


def _make(guest: Guest, calls: Sequence[Any], refusals: tuple[type[Exception], ...]) -> Said:
    wins, waits, began = 0, [], process_time()
    for call in calls:
        before = perf_counter()
        try:
            guest.append(call)
            wins += 1
        except refusals:
            pass
        waits.append(perf_counter() - before)
    return Said(wins=wins, cpu=process_time() - began, waits=waits)


def _hear() -> Work | None:
    try:
        work: Work = pickle.load(sys.stdin.buffer)
    except EOFError:
        return None
    return work


def _say(said: Said) -> None:
    print(msgspec.json.encode(said).decode(), flush=True)


if __name__ == "__main__":
    main()
