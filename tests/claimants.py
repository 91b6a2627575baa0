"""What claimants do in processes of their own."""

from contextlib import suppress
from pathlib import Path

from fleet_core.api import Conflict
from fleet_missions.api import SortieStart, sortie_start
from fleets import opened


def start_what_you_can(folder: Path, name: str, sorties: list[str]) -> list[str]:
    """The sorties that this specialist was the first to start."""
    won = []
    with opened(folder, "sqlite") as fleet:
        for sortie in sorties:
            with suppress(Conflict):
                sortie_start(fleet, SortieStart(sortie=sortie, specialist=name))
                won.append(sortie)
    return won
