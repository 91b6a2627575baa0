"""Where contestants meet: opened alike, they take turns within each round of a workload.

The speed of a disk or of a shared processor changes from minute to minute, and by more than the differences
of interest. So everyone has a turn in each round, another one begins each time, and only figures of the same
round are divided by one another.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from fleet_bench.contestants import Unfit
from fleet_bench.field import Absent, Entrant, Field, Settings, reason_of
from fleet_bench.workloads.workload import Round, Scale, Workload
from fleet_core.api import Maintenance

Figures = dict[str, list[float]]
"""Names of measurements to their figures, one for each round."""

Measure = Callable[[], Mapping[str, float]]
"""Measures once, and gives one or more figures by name."""

T = TypeVar("T")


class Match(NamedTuple):
    """Somebody at a workload."""

    workload: Workload
    contestant: str


Told = Callable[[Match], None]
"""Measures a workload, unless that is done, and tells what came of it."""


def interleaved(measures: Sequence[Measure], rounds: int) -> Figures:
    """Let everyone measure once in each round."""
    figures: Figures = {}
    for order in orders(measures, rounds):
        for measure in order:
            for name, figure in measure().items():
                figures.setdefault(name, []).append(figure)
    return figures


def orders(everyone: Sequence[T], rounds: int) -> Iterator[list[T]]:
    """The turns of each round: everyone once, and another one first each time."""
    for index in range(rounds):
        first = index % max(len(everyone), 1)
        yield [*everyone[first:], *everyone[:first]]


class Arena:
    """Opens everybody when the first workload begins, and measures each workload once."""

    def __init__(
        self, field: Field, scale: Scale, place: Path, settings: Settings, tell: Callable[[str], None]
    ) -> None:
        """`place` is an empty directory on the disk to measure; `tell` hears what goes on."""
        self.field = field
        self.scale = scale
        self.absent: dict[str, str] = {}
        self.unfit: dict[tuple[str, str], str] = {}
        self.details: dict[str, dict[str, Any]] = {}
        self.sizes: dict[str, float] = {}
        self.rounds: dict[str, dict[str, list[Round]]] = {}
        self._place = place
        self._settings = settings
        self._tell = tell
        self._open: dict[str, Any] = {}
        self._stack = ExitStack()

    def measured(self, workload: Workload) -> dict[str, list[Round]]:
        """The rounds of everyone who could do it, by name."""
        if workload.name not in self.rounds:
            self.open_everybody()
            self._tell(f"{workload.name}: {workload.what}")
            self.rounds[workload.name] = self._measure(workload)
        return self.rounds[workload.name]

    def open_everybody(self) -> None:
        """Open everybody, unless that is done; whoever can't run is `absent`, with the reason."""
        if self._open or self.absent:
            return
        self._tell(f"opening {len(self.field.entrants)} contestants, {self.scale.events:,} events each")
        for entrant in self.field.entrants:
            if entrant.beside in self.absent:
                self.absent[entrant.name] = f"{entrant.beside} is not measured"
            else:
                self._enter(entrant)

    def _enter(self, entrant: Entrant) -> None:
        try:
            opened = entrant.open(self._place, self.scale.events, self._settings)
        except Exception as error:  # a stranger's fault is no reason to measure nobody
            self.absent[entrant.name] = reason_of(error)
            return
        self._open[entrant.name] = opened
        self._stack.callback(self._close, entrant.name, opened)
        self.details[entrant.name] = _details(entrant, opened)

    def _measure(self, workload: Workload) -> dict[str, list[Round]]:
        taking = [name for name, opened in self._open.items() if workload.suits(type(opened))]
        rounds: dict[str, list[Round]] = {name: [] for name in taking}
        for order in orders(taking, self.scale.rounds):
            for name in order:
                if name in rounds:
                    self._have_a_turn(workload, name, rounds)
        return rounds

    def _have_a_turn(self, workload: Workload, name: str, rounds: dict[str, list[Round]]) -> None:
        try:
            rounds[name].append(workload.measure(self._open[name], self.scale))
        except Exception as error:
            del rounds[name]
            self.unfit[workload.name, name] = reason_of(error)
            if not isinstance(error, Unfit):
                self._tell(f"{name} did not do {workload.name}: {reason_of(error)}")

    def why_not(self, workload: Workload, name: str) -> str:
        """Why somebody has no rounds of a workload."""
        return self.absent.get(name) or self.unfit.get((workload.name, name)) or "offers nothing of the kind"

    def not_measured(self) -> list[Absent]:
        """Everybody who can't run here, and whatever went wrong, with the reason."""
        beside = {entrant.name: entrant.beside for entrant in self.field.entrants}
        missing = [
            Absent(name, reason)
            for name, reason in self.absent.items()
            if beside[name] == name or beside[name] not in self.absent
        ]
        failed = [Absent(f"{name}: {workload}", reason) for (workload, name), reason in self.unfit.items()]
        return [*self.field.absent, *missing, *failed]

    def _close(self, name: str, opened: Any) -> None:
        events = opened.events()
        size = opened.close()
        if size is not None and events:
            self.sizes[name] = size / events

    def close(self) -> None:
        """Close everybody, and see how large their logs have become."""
        self._stack.close()


def _details(entrant: Entrant, opened: Any) -> dict[str, Any]:
    """What a store says of itself that matters to its speed: versions, and how it waits for the disk."""
    if entrant.kind != "store" or not isinstance(opened.store, Maintenance):
        return {}
    return {
        key: value for key, value in opened.store.info().details.items() if key not in ("files", "schema")
    }
