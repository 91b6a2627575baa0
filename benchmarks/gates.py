"""What fleet demands of itself, as data: the demand is the floor, the stretch is the goal.

Figures are named `scenario workload contestant`, as `benchmarks.scenarios` measures them.
"""

from typing import Final

from benchmarks.rounds import Gate

GATES: Final = [
    Gate("1", "append 1, memory: store / raw driver", "memory append-1 store", "memory append-1 raw", 0.50, 0.60),
    Gate("2a", "append 1, disk, normal: store / raw driver", "normal append-1 store", "normal append-1 raw", 0.65, 0.75),
    Gate("2b", "append 1, disk, durable: store / raw driver", "disk append-1 store", "disk append-1 raw", 0.85, 0.95),
    Gate("3", "append 1000: store / raw executemany", "memory append-1000 store", "memory append-1000 raw", 0.75, 0.90),
    Gate("4", "append 1000: store / peewee insert_many", "memory append-1000 store", "memory append-1000 peewee", 4, 5),
    Gate("5a", "append 1, memory: store / peer's Application.save", "memory append-1 store", "memory append-1 application", 3, 4.5),
    Gate("5b", "append 1, disk: store / peer's Application.save", "disk append-1 store", "disk append-1 application", 1.2, 1.9),
    Gate("6a", "append 1, memory: store / peer's recorder", "memory append-1 store", "memory append-1 recorder", 1.0, 1.4),
    Gate("6b", "append 1000, memory: store / peer's recorder", "memory append-1000 store", "memory append-1000 recorder", 0.7, 0.9),
    Gate("7a", "stream of 100, decoded: store / peer's bytes", "memory stream store", "memory stream recorder", 1.0, 1.2),
    Gate("7b", "stream of 100, decoded: store / peer's repository", "memory stream store", "memory stream application", 4, 7),
    Gate("8a", "all events, decoded: store / raw rows", "memory decoded store", "memory rows raw", 0.55, 0.70),
    Gate("8b", "all events, undecoded: store / raw rows", "memory undecoded store", "memory rows raw", 0.85, 0.95),
    Gate("9a", "group commit: 16 threads / 1", "clients threads-16 store", "clients threads-1 store", 2, 2.4),
    Gate("9b", "group commit: 64 threads / 1", "clients threads-64 store", "clients threads-1 store", 3, 3.6),
    Gate("9c", "group commit: 64 asyncio tasks / 1", "clients tasks-64 store", "clients threads-1 store", 5, 7),
    Gate("10a", "fairness of 16 threads", "clients fairness-16 store", None, 0.9, unit=""),
    Gate("10b", "fairness of 64 threads", "clients fairness-64 store", None, 0.9, unit=""),
    Gate("10c", "p99 of 64 threads: store / busy timeout", "clients p99-64 store", "clients p99-64 raw", 0.05, at_most=True),
    Gate("10d", "1 thread: store / raw on its own connection", "clients threads-1 store", "clients threads-1 raw", 0.85),
    Gate("11a", "4 processes: longest wait", "processes longest store", None, 300, at_most=True, unit="ms"),
    Gate("11b", "4 processes: fairness", "processes fairness store", None, 0.5, unit=""),
    Gate("16a", "fleet --help: CPU beyond bare Python", "cpu help", None, 55, 45, at_most=True, unit="ms"),
    Gate("16b", "first verb that opens the store: CPU beyond it", "cpu verb", None, 100, 85, at_most=True, unit="ms"),
    Gate("size", "bytes per event: store / naive layout", "size bytes store", "size bytes naive", 0.65, at_most=True),
]  # fmt: skip
