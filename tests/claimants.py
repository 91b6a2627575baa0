"""What claimants do in processes of their own: claim whatever is ready, until nothing is."""

import time
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any, NamedTuple

from fleet_core.api import Fleet, NothingReady, Project
from fleet_core.settings import Settings, StoreSettings
from fleet_missions.api import SortieClaim, sortie_claim
from fleet_specialists.api import Register, register

PATIENCE = 120.0
"""Seconds that claimants wait for one another."""


class Place(NamedTuple):
    """Where a store is: its project's folder, its plugin's name and settings."""

    folder: Path
    backend: str
    settings: dict[str, Any]

    def open(self) -> Fleet:
        """The fleet there, on the machine's clock."""
        project = Project(self.folder, self.folder / ".fleet")
        project.directory.mkdir(exist_ok=True)
        settings = Settings(store=StoreSettings(backend=self.backend), plugins={self.backend: self.settings})
        return Fleet.open(project, settings=settings)


class Won(NamedTuple):
    """A claim that was made: the sortie, its token, and the milliseconds that it took."""

    sortie: str
    token: int
    milliseconds: float


_meeting: list[Barrier] = []


def meet_at(barrier: Barrier) -> None:
    """Where the claimants of this process wait for the others."""
    _meeting[:] = [barrier]


def claim_all(place: Place, name: str) -> list[Won]:
    """Register, wait until everybody has, and claim until nothing is ready. No other error is expected."""
    won: list[Won] = []
    with place.open() as fleet:
        token = register(fleet, Register(specialist=name)).state.token
        _meeting[0].wait(PATIENCE)
        while True:
            began = time.perf_counter()
            try:
                claimed = sortie_claim(fleet, SortieClaim(token=token)).state
            except NothingReady:
                return won
            won.append(Won(claimed.sortie, claimed.token, (time.perf_counter() - began) * 1000))
