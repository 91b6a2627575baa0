"""Leases between real processes: one winner at a time, and no way back for who was stopped."""

import os
import signal
from pathlib import Path
from typing import Any, Final

import pytest

from fleet_core.api import Query
from fleet_leases.api import LEASES
from forking import processes
from lease_judge import Judge
from lease_workers import (
    DEADLINE,
    THING,
    WRITES,
    Place,
    await_stopped,
    live,
    race,
    stop_before_recording,
    take_over,
)
from postgres_servers import SharedServer

RACERS: Final = 5
GENERATIONS: Final = 20

LOCK_DELAY: Final = 0.2


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path, postgres: SharedServer) -> Place:
    """A fleet whose specialists are lost soon."""
    plugins: dict[str, dict[str, Any]] = {
        "postgres": {"dsn": postgres.dsn, "schema": postgres.schema()},
        "specialists": {"lost_after": 20.0},
        "leases": {"lock_delay": LOCK_DELAY},
    }
    return Place(request.param, tmp_path, plugins)


def judged(place: Place) -> list[object]:
    with live(place) as fleet:
        judge = Judge(LOCK_DELAY).tell(fleet.store.read())
        judge.check_whole(fleet.store.head())
        return list(judge.breaches)


def test_of_processes_that_claim_one_thing_exactly_one_wins_each_time(place: Place) -> None:
    context = processes()
    barrier = context.Barrier(RACERS)
    pipes = [context.Pipe(duplex=False) for _ in range(RACERS)]
    racers = [
        context.Process(target=race, args=(place, f"s{number}", GENERATIONS, barrier, told))
        for number, (_, told) in enumerate(pipes)
    ]
    with live(place):  # nobody has to make the store while others wait for it
        for racer in racers:
            racer.start()
        wins = [heard.recv() for heard, _ in pipes if heard.poll(DEADLINE)]
    for racer in racers:
        racer.join(DEADLINE)
    assert [racer.exitcode for racer in racers] == [0] * RACERS
    winners = [[token for token in generation if token] for generation in zip(*wins, strict=True)]
    assert [len(tokens) for tokens in winners] == [1] * GENERATIONS
    tokens = [tokens[0] for tokens in winners]
    assert tokens == sorted(set(tokens))
    assert judged(place) == []


def test_who_was_stopped_and_lost_what_it_held_is_fenced_in_every_write(place: Place) -> None:
    place.plugins["specialists"]["lost_after"] = 1.0
    context = processes()
    heard, told = context.Pipe(duplex=False)
    holder = context.Process(target=stop_before_recording, args=(place, told))
    holder.start()
    try:
        assert heard.poll(DEADLINE)
        pid, session, held = heard.recv()
        await_stopped(pid)
        with live(place) as fleet:
            token = take_over(fleet, "bo")
            before = fleet.store.head()
            lease = fleet.view(LEASES).get(THING)
            os.kill(pid, signal.SIGCONT)
            assert heard.poll(DEADLINE)
            outcomes = heard.recv()
            assert fleet.view(LEASES).get(THING) == lease
            assert lease is not None
            assert (lease.holder, lease.token) == ("bo", token)
            fences = list(fleet.store.read(Query.of(types=("write_fenced",)), after=before))
    finally:
        holder.kill()
        holder.join(DEADLINE)
    assert outcomes == dict.fromkeys(["the stopped note", *WRITES], "FENCED")
    assert {event.data.token for event in fences} == {session, held}
    assert len(fences) == len(outcomes)
    assert judged(place) == []
