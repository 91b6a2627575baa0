"""What specialists do in processes of their own who all want to reserve something."""

from multiprocessing.synchronize import Barrier
from random import Random
from typing import NamedTuple

from claimants import PATIENCE, Place
from fleet_core.api import Fleet
from fleet_ctk.api import CtkRelease, CtkReserve, Taken, ctk_release, ctk_reserve
from fleet_specialists.api import Register, register

PATTERNS = ("src/**", "src/*.py", "src/a.py", "src/b*", "lib/{a,b}.py", "lib/*", "**/a.py", "docs/")
"""Patterns most of which overlap some other."""

SLOT = "slot://build"

_meeting: list[Barrier] = []


class Score(NamedTuple):
    """How often something was granted, and how often refused."""

    granted: int
    refused: int


def meet_at(barrier: Barrier) -> None:
    """Where the specialists of this process wait for the others."""
    _meeting[:] = [barrier]


def scramble(place: Place, name: str, rounds: int) -> Score:
    """Reserve and release at random, from when all are there. No other refusal is expected."""
    random = Random(name)
    granted = 0
    with place.open() as fleet:
        token = register(fleet, Register(specialist=name)).state.token
        _meeting[0].wait(PATIENCE)
        for _ in range(rounds):
            granted += _grab(fleet, token, random)
    return Score(granted, rounds - granted)


def _grab(fleet: Fleet, token: int, random: Random) -> bool:
    paths = random.sample([*PATTERNS, SLOT], random.choice([1, 1, 2]))
    shared = SLOT not in paths and random.random() < 0.4
    try:
        ctk_reserve(fleet, CtkReserve(token=token, paths=tuple(paths), shared=shared))
    except Taken:
        return False
    if random.random() < 0.8:
        ctk_release(fleet, CtkRelease(token=token, all=True))
    return True


def take(place: Place, name: str, path: str) -> bool:
    """Whether it was granted what all want at the same moment."""
    with place.open() as fleet:
        token = register(fleet, Register(specialist=name)).state.token
        _meeting[0].wait(PATIENCE)
        try:
            ctk_reserve(fleet, CtkReserve(token=token, paths=(path,)))
        except Taken:
            return False
        return True
