"""A specialist's process: `python -m fleet_demo.specialist FOLDER NAME SORTIE`.

Waits for a line on stdin, starts the sortie, and reports progress without a pause until its part is done or
it is killed. Every acknowledged event becomes a line of JSON on stdout, a refusal another.
"""

import sys
from pathlib import Path
from typing import Any

import msgspec

from fleet_core.api import Conflict, Done, Fleet
from fleet_demo.stage import opened, project_in
from fleet_missions.api import SortieReport, SortieStart, sortie_progress, sortie_start


class Said(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a specialist's process says: it is ready, or an event was acknowledged, or it was refused."""

    event: str = ""
    position: int = 0
    progress: int = 0
    refused: str = ""
    remedy: str = ""


def main(folder: str, name: str, sortie: str) -> None:
    """Open the store, wait for the start, work."""
    with opened(project_in(Path(folder))) as fleet:
        _say(Said())
        sys.stdin.readline()
        try:
            _acknowledged(sortie_start(fleet, SortieStart(sortie=sortie, specialist=name)))
        except Conflict as refusal:
            _say(Said(refused=refusal.message, remedy=refusal.remedy))
        else:
            _work(fleet, name, sortie)


def _work(fleet: Fleet, name: str, sortie: str) -> None:
    for percent in range(5, 100, 5):
        report = SortieReport(
            sortie=sortie, specialist=name, percent=percent, message=f"step {percent // 5} of 20"
        )
        _acknowledged(sortie_progress(fleet, report))
    sys.stdin.readline()


def _acknowledged(done: Done[Any]) -> None:
    _say(Said(event=done.state.last_event, position=done.position, progress=done.state.progress))


def _say(said: Said) -> None:
    print(msgspec.json.encode(said).decode(), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
