"""What processes do with leases, by the clock everybody has: race for them, and stop when it is worst."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any, Final, NamedTuple

from fleet_core.api import Conflict, Fleet, FleetError, system_clock
from fleet_specialists.api import Heartbeat, Register, heartbeat, register
from fleets import opened
from lease_programs import InterruptedFleet
from toy_claims import Claim, Note, Release, Renew, Reserve, claim, note, prolong, release, reserve

DEADLINE: Final = 60.0
"""Seconds after which something that should have happened never will."""

THING: Final = "claim:routes"


class Place(NamedTuple):
    """Where a fleet is, and what its plugins are told."""

    backend: str
    folder: Path
    plugins: dict[str, dict[str, Any]]


@contextmanager
def live(place: Place) -> Iterator[InterruptedFleet]:
    """A fleet as a person opens it: no clock is held still."""
    with opened(
        place.folder, place.backend, system_clock, plugins=place.plugins, kind=InterruptedFleet
    ) as fleet:
        assert isinstance(fleet, InterruptedFleet)
        yield fleet


def race(place: Place, name: str, generations: int, barrier: Barrier, told: Connection) -> None:
    """Claim one thing together with others, again and again; tell the token of each win, 0 for a defeat."""
    wins = []
    with live(place) as fleet:
        session = register(fleet, Register(specialist=name)).state.token
        for _ in range(generations):
            barrier.wait(DEADLINE)
            token = 0
            with suppress(Conflict):
                token = claim(fleet, Claim(token=session, thing="routes")).state
            wins.append(token)
            barrier.wait(DEADLINE)
            if token:
                release(fleet, Release(token=token, lease_id=THING))
    told.send(wins)


WRITES: Final[dict[str, Callable[[Fleet, int, int], object]]] = {
    "heartbeat": lambda fleet, session, _: heartbeat(fleet, Heartbeat(token=session)),
    "note": lambda fleet, _, held: note(fleet, Note(token=held, lease_id=THING)),
    "renew": lambda fleet, _, held: prolong(fleet, Renew(token=held, lease_id=THING, ttl_ms=60_000)),
    "release": lambda fleet, _, held: release(fleet, Release(token=held, lease_id=THING)),
    "claim": lambda fleet, session, _: claim(fleet, Claim(token=session, thing="more")),
    "reserve": lambda fleet, _, held: reserve(fleet, Reserve(token=held, part="more")),
}


def stop_before_recording(place: Place, told: Connection) -> None:
    """Hold something, decide to write under it, and stop before the append. Once continued, go on with that
    and with every other write; tell the codes of what came of them.
    """
    with live(place) as fleet:
        session = register(fleet, Register(specialist="zed")).state.token
        held = claim(fleet, Claim(token=session, thing="routes")).state
        told.send((os.getpid(), session, held))
        fleet.interruption = lambda: os.kill(os.getpid(), signal.SIGSTOP)
        outcomes = {"the stopped note": _outcome("note", fleet, session, held)}
        outcomes |= {write: _outcome(write, fleet, session, held) for write in WRITES}
        told.send(outcomes)


def _outcome(write: str, fleet: Fleet, session: int, held: int) -> str:
    try:
        WRITES[write](fleet, session, held)
    except FleetError as error:
        return error.code
    return "done"


def await_stopped(pid: int) -> None:
    """Return when a process has stopped."""
    deadline = time.monotonic() + DEADLINE
    while Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "T":
        assert time.monotonic() < deadline, "it goes on and on"
        time.sleep(0.005)


def take_over(fleet: Fleet, name: str) -> int:
    """Claim the thing as soon as it is free; gives the token."""
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline:
        session = register(fleet, Register(specialist=name)).state.token
        with suppress(Conflict):
            return claim(fleet, Claim(token=session, thing="routes")).state
        time.sleep(0.02)
    raise AssertionError("it is never free")
