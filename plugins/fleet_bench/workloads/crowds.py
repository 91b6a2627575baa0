"""Many at once: claims that race, heartbeats, writers beside readers. Threads, and processes for claims."""

import gc
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from time import perf_counter, process_time
from typing import Any, Final

from fleet_bench.contestants import Appending, Claimant, Claiming, Follower, Following, Tailing, Writer
from fleet_bench.crowd import drained, threads
from fleet_bench.processes import clients, race
from fleet_bench.stores import StoreContestant
from fleet_bench.workloads.workload import Round, Scale, Workload
from fleet_core.api import ProblemsFound

PROCESSES: Final = 4
"""Claimants that are a process each."""

PATIENCE: Final = 0.05
"""Seconds that a reader waits for news before it looks whether the writers have ended."""


def heartbeats(writer: Writer, scale: Scale) -> Round:
    """Many specialists at once, each saying that it lives, in a stream of its own."""
    share = max(scale.appends // scale.clients, 1)
    clients = [
        drained(writer.append, writer.ready(writer.schedule.following(f"specialist {each}", share)))
        for each in range(scale.clients)
    ]
    gc.collect()
    began = process_time()
    crowd = threads(clients)
    cpu = process_time() - began
    waits = [wait for each in crowd.waits for wait in each]
    return Round(len(waits), crowd.seconds, cpu, waits)


def claims(claimant: Claimant, scale: Scale) -> Round:
    """Many specialists want the same sorties at the same moment; of each, one may get it.

    Raises:
        ProblemsFound: a claim was won twice, or by nobody.
    """
    wanted = claimant.schedule.claims(max(scale.appends // scale.clients, 1))
    refusals, wins = claimant.refusals(), [0] * scale.clients

    def rival(number: int) -> Callable[[], object]:
        def claim(call: Any) -> None:
            try:
                claimant.append(call)
                wins[number] += 1
            except refusals:
                pass

        return drained(claim, claimant.ready(wanted))

    rivals = [rival(number) for number in range(scale.clients)]
    gc.collect()
    began = process_time()
    crowd = threads(rivals)
    cpu = process_time() - began
    check_wins(sum(wins), len(wanted))
    return Round(len(wanted), crowd.seconds, cpu, [wait for each in crowd.waits for wait in each])


def check_wins(wins: int, claims: int) -> None:
    """Of the claimants of each sortie exactly one has won it."""
    if wins != claims:
        raise ProblemsFound(
            f"{claims} claims were won {wins} times",
            remedy="run the conformance kit",
            claims=claims,
            wins=wins,
        )


def claims_of_processes(contestant: StoreContestant, scale: Scale) -> Round:
    """The same, each specialist a process of its own that has opened the store."""
    wanted = contestant.schedule.claims(max(scale.appends // 8, 1))
    calls = [contestant.ready(wanted)] * PROCESSES
    with clients(PROCESSES) as rivals:
        seen = race(rivals, contestant.door(), calls, refusals=contestant.refusals())
    check_wins(seen.wins, len(wanted))
    return Round(len(wanted), seen.seconds, seen.cpu, seen.waits)


def mixed(follower: Follower, scale: Scale) -> Round:
    """Writers, and as many readers that follow the log; it ends when every reader has seen everything.

    Raises:
        ProblemsFound: a reader went past events that it never saw.
    """
    count = max(scale.clients // 4, 1)
    share = max(scale.appends // count, 1)
    writers = [
        drained(follower.append, follower.ready(follower.schedule.following(f"writer {each}", share)))
        for each in range(count)
    ]
    gc.collect()
    start, written, expected = follower.head(), threading.Event(), share * count
    with ThreadPoolExecutor(count) as pool:
        began, started = process_time(), perf_counter()
        readers = [pool.submit(_follow, follower, start, expected, written) for _ in range(count)]
        try:
            crowd = threads(writers)
        finally:
            written.set()
        check_seen(readers, expected)
        seconds, cpu = perf_counter() - started, process_time() - began
    return Round(expected, seconds, cpu, [wait for each in crowd.waits for wait in each])


def _follow(follower: Tailing, after: int, expected: int, written: threading.Event) -> int:
    seen = 0
    while seen < expected:
        ended = written.is_set()
        positions = follower.tail(after, PATIENCE)
        if ended and not positions:
            break
        seen += len(positions)
        after = positions[-1] if positions else after
    return seen


def check_seen(readers: "list[Future[int]]", expected: int) -> None:
    """Every reader has seen every event."""
    missed = max(expected - reader.result() for reader in readers)
    if missed:
        raise ProblemsFound(
            f"a reader missed {missed} of {expected} events", remedy="run the conformance kit", missed=missed
        )


WORKLOADS: Final = [
    Workload("heartbeats", "specialists in threads, each to a stream of its own", Appending, heartbeats),
    Workload("claims", "specialists in threads that want the same sorties", Claiming, claims),
    Workload(
        "claims-processes",
        "specialists in 4 processes that want the same sorties",
        StoreContestant,
        claims_of_processes,
    ),
    Workload("mixed", "writers in threads, and as many readers that follow the log", Following, mixed),
]
