"""What fleet demands of itself, as data: the demand is the floor, the stretch is the goal.

Figures are named `scenario workload contestant`, as `benchmarks.scenarios` measures them.
"""

from typing import Final

from benchmarks.rounds import Gate


def _against(
    rival: str, number: str, what: str, workload: str, demand: float, stretch: float | None = None
) -> Gate:
    """The store's speed at a workload, divided by a rival's."""
    return Gate(number, what, f"{workload} store", f"{workload} {rival}", demand, stretch)


def _gain(number: str, what: str, crowd: str, demand: float, stretch: float) -> Gate:
    """A crowd's speed, divided by that of a single client."""
    return Gate(number, what, f"clients {crowd} store", "clients threads-1 store", demand, stretch)


GATES: Final = [
    _against("raw", "1", "append 1, memory: store / raw driver", "memory append-1", 0.50, 0.60),
    _against("raw", "2a", "append 1, disk, normal: store / raw driver", "normal append-1", 0.65, 0.75),
    _against("raw", "2b", "append 1, disk, durable: store / raw driver", "disk append-1", 0.85, 0.95),
    _against("raw", "3", "append 1000: store / raw executemany", "memory append-1000", 0.75, 0.90),
    _against("peewee", "4", "append 1000: store / peewee insert_many", "memory append-1000", 4, 5),
    _against("application", "5a", "append 1, memory: store / peer's save", "memory append-1", 3, 4.5),
    _against("application", "5b", "append 1, disk: store / peer's save", "disk append-1", 1.2, 1.9),
    _against("recorder", "6a", "append 1: store / peer's recorder", "memory append-1", 1.0, 1.4),
    _against("recorder", "6b", "append 1000: store / peer's recorder", "memory append-1000", 0.7, 0.9),
    _against("recorder", "7a", "stream of 100, decoded: store / peer's bytes", "memory stream", 1.0, 1.2),
    _against("application", "7b", "stream of 100, decoded: store / peer's objects", "memory stream", 4, 7),
    Gate("8a", "log, decoded: store / raw rows", "memory decoded store", "memory rows raw", 0.55, 0.70),
    Gate("8b", "log, undecoded: store / raw rows", "memory undecoded store", "memory rows raw", 0.85, 0.95),
    _gain("9a", "group commit: 16 threads / 1", "threads-16", 2, 2.4),
    _gain("9b", "group commit: 64 threads / 1", "threads-64", 3, 3.6),
    _gain("9c", "group commit: 64 asyncio tasks / 1 thread", "tasks-64", 5, 7),
    Gate("10a", "fairness of 16 threads", "clients threads-16 store fairness", None, 0.9, unit=""),
    Gate("10b", "fairness of 64 threads", "clients threads-64 store fairness", None, 0.9, unit=""),
    Gate(
        "10c",
        "p99 of 64 threads: store / busy timeout",
        "clients threads-64 store p99",
        "clients threads-64 raw p99",
        0.05,
        at_most=True,
    ),
    _against("raw", "10d", "1 thread: store / raw, own connection", "clients threads-1", 0.85),
    Gate("11a", "4 processes: longest wait", "processes 4 store longest", None, 300, at_most=True, unit="ms"),
    Gate("11b", "4 processes: fairness", "processes 4 store fairness", None, 0.5, unit=""),
    _against("recorder", "12a", "PostgreSQL, append 1: store / peer's recorder", "postgres append-1", 2, 2.7),
    _against(
        "application", "12b", "PostgreSQL, append 1: store / peer's save", "postgres append-1", 2.5, 3.5
    ),
    _against("recorder", "13", "PostgreSQL, append 100: store / peer's", "postgres append-100", 1.2, 1.6),
    _against(
        "unordered", "14a", "PostgreSQL, 16 processes: store / unordered", "postgres writers-16", 0.8, 0.95
    ),
    _against("lock", "14b", "PostgreSQL, 16 processes: store / one lock", "postgres writers-16", 3, 10),
    Gate(
        "15",
        "PostgreSQL: events that readers missed",
        "postgres missed store",
        None,
        0,
        at_most=True,
        unit="",
    ),
    Gate("16a", "fleet --help: CPU beyond bare Python", "cpu help", None, 55, 45, at_most=True, unit="ms"),
    Gate("16b", "verb that opens the store: CPU beyond", "cpu verb", None, 100, 85, at_most=True, unit="ms"),
    Gate(
        "Sa", "size of an event with 200 bytes of data", "size store", None, 372, at_most=True, unit="bytes"
    ),
    Gate("Sb", "size: store / naive layout", "size store", "size naive", 0.65, at_most=True),
]
