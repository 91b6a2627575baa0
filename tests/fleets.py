"""Fleets for tests: a project in a temporary folder, on a chosen store, with a clock that only tests move."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fleet_core.catalog import Catalog
from fleet_core.fleet import Fleet
from fleet_core.ids import IdSource
from fleet_core.project import Project
from fleet_core.projections import differences
from fleet_core.settings import Settings, StoreSettings
from fleet_core.times import Clock, Instant, Timekeeper

START = 1_767_348_004_000_000
"""2026-01-02T10:00:04Z, when the clocks of tests begin."""


class TestClock:
    """Stands still until told to go on; times are microseconds since 1970."""

    __test__ = False

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> int:
        return self.now

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now += int(seconds * 1_000_000)


class TestTimekeeper:
    """The clocks of one machine: the wall's, which anybody may set, and the ticks of its run."""

    __test__ = False

    def __init__(self, name: str = "machine") -> None:
        self.wall = START
        self.ticks = 5_000_000
        self._name = name
        self._starts = 1

    def __call__(self) -> Instant:
        return Instant(self.wall, f"{self._name}-{self._starts}", self.ticks)

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.wall += int(seconds * 1_000_000)
        self.ticks += int(seconds * 1_000_000)

    def set_wall(self, seconds: float) -> None:
        """Set the wall clock ahead, or back when negative."""
        self.wall += int(seconds * 1_000_000)

    def reboot(self, seconds_off: float) -> None:
        """Start the machine anew, after a while that only the wall clock has counted."""
        self.wall += int(seconds_off * 1_000_000)
        self.ticks = 1_000_000
        self._starts += 1


@contextmanager
def opened(
    folder: Path,
    backend: str,
    clock: Clock | None = None,
    ids: IdSource | None = None,
    *,
    timekeeper: Timekeeper | None = None,
    plugins: dict[str, dict[str, Any]] | None = None,
    catalog: Catalog | None = None,
    warn: Callable[[str], None] = lambda text: None,
    kind: type[Fleet] = Fleet,
) -> Iterator[Fleet]:
    """A fleet in a folder, closed at the end. `plugins` are their settings."""
    project = Project(folder, folder / ".fleet")
    project.directory.mkdir(exist_ok=True)
    settings = Settings(store=StoreSettings(backend=backend), plugins=plugins or {})
    with kind.open(
        project,
        settings=settings,
        catalog=catalog,
        clock=clock or TestClock(),
        timekeeper=timekeeper,
        ids=ids,
        warn=warn,
    ) as fleet:
        yield fleet


def unlike(fleet: Fleet) -> list[object]:
    """Where read tables and folds of the log differ; nothing, if all is well."""
    return [
        each
        for projection in fleet.projections.values()
        for each in differences(fleet.store, fleet.views, projection)
    ]
