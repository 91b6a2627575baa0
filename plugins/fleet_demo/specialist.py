"""A specialist's process: `python -m fleet_demo.specialist FOLDER TOKEN SORTIE`.

Waits for a line on stdin, starts the sortie, and reports progress without a pause until its part is done or
it is killed. Every acknowledged event becomes a line of JSON on stdout, a refusal another.
"""

import sys
from pathlib import Path

import msgspec

from fleet_core.api import Conflict, Fleet
from fleet_demo.stage import opened, project_in
from fleet_missions.api import (
    SortieReport,
    SortieShow,
    SortieStart,
    sortie_progress,
    sortie_show,
    sortie_start,
)


class Said(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a specialist's process says: it is ready, or an event was acknowledged, or it was refused."""

    event: str = ""
    position: int = 0
    progress: int = 0
    refused: str = ""
    remedy: str = ""


def main(folder: str, token: str, sortie: str) -> None:
    """Open the store, wait for the start, work."""
    with opened(project_in(Path(folder))) as fleet:
        _say(Said())
        sys.stdin.readline()
        try:
            started = sortie_start(fleet, SortieStart(sortie=sortie, token=int(token)))
        except Conflict as refusal:
            _say(Said(refused=refusal.message, remedy=refusal.remedy))
        else:
            event = sortie_show(fleet, SortieShow(sortie=sortie)).last_event
            _say(Said(event=event, position=started.position))
            _work(fleet, started.state.token, sortie)


def _work(fleet: Fleet, token: int, sortie: str) -> None:
    for percent in range(5, 100, 5):
        report = SortieReport(
            sortie=sortie, token=token, percent=percent, message=f"step {percent // 5} of 20"
        )
        done = sortie_progress(fleet, report)
        _say(Said(event=done.state.last_event, position=done.position, progress=done.state.progress))
    sys.stdin.readline()


def _say(said: Said) -> None:
    print(msgspec.json.encode(said).decode(), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
