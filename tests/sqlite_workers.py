"""What other processes do to a SQLite store: top-level functions, as they are called by name there."""

from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

from fleet_core.api import Batch, Stream
from forking import processes
from sqlite_stores import batch, open_sqlite, tally

DEADLINE: Final = 60.0
"""Seconds after which something that should have happened never will."""


def run_all(work: Callable[..., None], arguments: list[tuple[Any, ...]]) -> None:
    """Do work in a process for each tuple of arguments, and wait until all have ended well."""
    context = processes()
    workers = [context.Process(target=work, args=each) for each in arguments]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(DEADLINE)
    assert [worker.exitcode for worker in workers] == [0] * len(workers)


def append_and_tell(directory: Path, name: str, told: Connection) -> None:
    """Append without end, telling each id once it is acknowledged."""
    store = open_sqlite(directory)
    store.define([tally()])
    number = 0
    while True:
        number += 1
        size = 1 + number % 3
        told.send_bytes(store.append(batch(*range(size), stream=Stream("worker", name))).ids[-1].encode())


def append_many(directory: Path, name: str, count: int) -> None:
    """Append events one by one."""
    store = open_sqlite(directory)
    for number in range(count):
        store.append(
            batch(f"{name} {number}", stream=Stream("worker", name)),
            batch(number, stream=Stream("all", name)),
        )
    store.close()


def open_append_close(directory: Path, name: str, count: int) -> None:
    """Append events one by one, opening the store for each, as a command line does."""
    for number in range(count):
        store = open_sqlite(directory)
        store.append(Batch(Stream("shared", "stream"), batch(f"{name} {number}").events))
        store.close()
