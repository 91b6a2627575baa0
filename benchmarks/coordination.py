"""What coordination costs on a log that has grown: reserve, claim, inbox and ready beside a bare append.

    python -m benchmarks.coordination [--events N...] [--store sqlite|postgres] [--rounds N] [--json FILE]

For each size it tells the past of a fleet, has a living one at work upon it, and measures: every verb once in
each round, and another one first each time, so that whatever else the machine does meets all of them alike.
What a verb has changed is made up for, unmeasured: what was reserved is released, and what was claimed is
completed and something else planned. A missed goal is told and fails nothing.
"""

import argparse
import gc
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter
from typing import Any, Final

import msgspec

from benchmarks.past import UNREAD, crew, tell_past
from benchmarks.places import DISK
from fleet_bench.arena import Figures, Measure, interleaved
from fleet_bench.field import settings_in_force
from fleet_bench.limits.postgres import drop, dsn_of, new_schema
from fleet_core.api import Batch, Done, Fleet, NewEvent, Project, Settings, Stream
from fleet_core.settings import StoreSettings
from fleet_ctk.operations import ctk_release, ctk_reserve
from fleet_ctk.requests import CtkRelease, CtkReserve, Reservation
from fleet_leases.api import read_clock
from fleet_missions.claiming import Claimed, SortieClaim, sortie_claim
from fleet_missions.plan_operations import MissionPlan, mission_plan
from fleet_missions.planning import PlannedSortie
from fleet_missions.readiness import SortieReady, sortie_ready
from fleet_missions.sortie_operations import sortie_create
from fleet_missions.sortie_requests import SortieComplete, SortieCreate
from fleet_missions.sortie_work import sortie_complete
from fleet_specialists.operations import Register, register
from fleet_squawk.inbox_operations import InboxRequest, inbox

SIZES: Final = (10_000, 100_000, 1_000_000)

ROUNDS: Final = 500

SHIFT: Final = "now"

OPEN: Final = 500
"""Sorties that are open, those at work included. Of five, one is ready and the others need the one before."""

RESERVED: Final = 50

BARE: Final = "append"
"""One small event that no read table takes in: what any verb that writes must pay for."""

APPENDS: Final = {"reserve": 3.0, "claim": 3.0}
"""How many bare appends a verb may cost."""


def longest_ms(events: int) -> float:
    """Within how many milliseconds 99 of 100 calls shall be answered."""
    return 20 if events <= 100_000 else 50


class Line(msgspec.Struct, frozen=True):
    """What was measured of a verb, in milliseconds; `appends` is the median of what it took in terms of the
    bare append of its round.
    """

    events: int
    verb: str
    p50: float
    p99: float
    appends: float

    @property
    def missed(self) -> bool:
        """Whether a goal is missed."""
        return self.p99 > longest_ms(self.events) or self.appends > APPENDS.get(self.verb, self.appends)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; gives the exit status."""
    asked = _parser().parse_args(arguments)
    lines: list[Line] = []
    for events in asked.events:
        with grown(asked.store, events, asked.disk) as fleet:
            verbs = Verbs(fleet, employed(fleet))
            gc.collect()
            gc.freeze()  # what the past left in memory is no garbage of the verbs
            lines += lines_of(events, interleaved(verbs.measures(), asked.rounds))
    print("   events  verb       p50 ms   p99 ms  appends")
    for line in lines:
        print(told(line))
    if asked.json:
        asked.json.write_bytes(msgspec.json.format(msgspec.json.encode(lines)) + b"\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.coordination")
    parser.add_argument("--events", type=int, nargs="+", default=SIZES, help="how long the logs are")
    parser.add_argument("--store", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="how often each verb is measured")
    parser.add_argument("--json", type=Path, help="a file for the figures")
    parser.add_argument("--disk", type=Path, default=DISK, help="a directory on the disk to measure")
    return parser


@contextmanager
def grown(backend: str, events: int, disk: Path) -> Iterator[Fleet]:
    """A fleet with about so many events of the past behind it, all of whose read tables are up to date."""
    disk.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=disk) as folder, _plugin_settings(backend) as plugins:
        project = Project(Path(folder), Path(folder) / ".fleet")
        project.directory.mkdir()
        settings = Settings(store=StoreSettings(backend=backend), plugins=plugins)
        with Fleet.open(project, settings=settings) as fleet:
            _grow(fleet, backend, events)
            yield fleet


@contextmanager
def _plugin_settings(backend: str) -> Iterator[dict[str, dict[str, Any]]]:
    """What plugins are told: the defaults, or where the server is, and a schema that goes away at the end."""
    if backend != "postgres":
        yield {}
        return
    settings = {**settings_in_force().get(backend, {}), "schema": new_schema()}
    dsn = dsn_of(settings)
    try:
        yield {backend: settings}
    finally:
        drop(dsn, settings["schema"])


def _grow(fleet: Fleet, backend: str, events: int) -> None:
    """Through a store that knows no read tables, for they are folded much faster afterwards."""
    started = perf_counter()
    bare = fleet.open_store(backend)
    tell_past(bare, read_clock(fleet), events, SHIFT)
    bare.close()
    for projection in fleet.projections.values():
        fleet.rebuild(projection)
    print(f"{fleet.store.head():,} events in {perf_counter() - started:.0f} s", file=sys.stderr)


def employed(fleet: Fleet) -> list[int]:
    """Put a crew to work: sessions, claims and reservations. Gives the tokens of its sessions."""
    pieces = [
        PlannedSortie(title=f"Piece {number}", needs=(number - 1,) if number % 5 else ())
        for number in range(OPEN)
    ]
    mission_plan(fleet, MissionPlan(title="What is to be done", sorties=tuple(pieces), id=SHIFT))
    tokens = [register(fleet, Register(specialist=name, role="builder")).state.token for name in crew(SHIFT)]
    for token in tokens:
        sortie_claim(fleet, SortieClaim(token=token))
    for number, token in zip(range(RESERVED), cycle(tokens), strict=False):
        ctk_reserve(fleet, CtkReserve(token=token, paths=(f"src/part-{number}/*.py",)))
    return tokens


class Verbs:
    """The verbs as a crew uses them, everybody in turn."""

    def __init__(self, fleet: Fleet, tokens: Sequence[int]) -> None:
        self._fleet = fleet
        self._turns = cycle(enumerate(tokens))

    def measures(self) -> list[Measure]:
        """One for each verb."""
        return [self._append, self._reserve, self._claim, self._inbox, self._ready]

    def _append(self) -> dict[str, float]:
        batch = Batch(Stream("note", "one"), [NewEvent(data="a small event", type="noted")])
        return _timed(BARE, lambda: self._fleet.store.append(batch))[1]

    def _reserve(self) -> dict[str, float]:
        number, token = next(self._turns)
        request = CtkReserve(token=token, paths=(f"src/part-{number}/page.md",))
        answer, figures = _timed("reserve", lambda: ctk_reserve(self._fleet, request))
        taken: Done[list[Reservation]] = answer
        ctk_release(self._fleet, CtkRelease(token=token, paths=(taken.state[0].lease_id,)))
        return figures

    def _claim(self) -> dict[str, float]:
        _, token = next(self._turns)
        answer, figures = _timed("claim", lambda: sortie_claim(self._fleet, SortieClaim(token=token)))
        taken: Done[Claimed] = answer
        sortie_complete(self._fleet, SortieComplete(token=token, sortie=taken.state.sortie))
        sortie_create(self._fleet, SortieCreate(title="Another piece", mission=SHIFT))
        return figures

    def _inbox(self) -> dict[str, float]:
        _, token = next(self._turns)
        answer, figures = _timed("inbox", lambda: inbox(self._fleet, InboxRequest(token=token)))
        assert answer.unread_total == UNREAD
        return figures

    def _ready(self) -> dict[str, float]:
        answer, figures = _timed("ready", lambda: sortie_ready(self._fleet, SortieReady()))
        assert answer.items
        return figures


def _timed(verb: str, act: Callable[[], Any]) -> tuple[Any, dict[str, float]]:
    """What a verb answers, and the milliseconds it takes."""
    started = perf_counter()
    answer = act()
    return answer, {verb: 1000 * (perf_counter() - started)}


def lines_of(events: int, figures: Figures) -> Iterator[Line]:
    """A line for each verb."""
    for verb, each in figures.items():
        times = [taken / bare for taken, bare in zip(each, figures[BARE], strict=True)]
        yield Line(events, verb, median(each), quantiles(each, n=100, method="inclusive")[98], median(times))


def told(line: Line) -> str:
    """A line for people to read."""
    figures = f"{line.p50:>8.2f} {line.p99:>8.2f} {line.appends:>8.2f}"
    return f"{line.events:>9,}  {line.verb:<8}{figures}{'  missed' if line.missed else ''}"


if __name__ == "__main__":
    sys.exit(main())
