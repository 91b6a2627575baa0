"""Fleets for tests: a project in a temporary folder, on a chosen store, with a clock that only tests move."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fleet_core.fleet import Fleet
from fleet_core.ids import IdSource
from fleet_core.project import Project
from fleet_core.projections import differences
from fleet_core.settings import Settings, StoreSettings

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


@contextmanager
def opened(
    folder: Path, backend: str, clock: TestClock | None = None, ids: IdSource | None = None
) -> Iterator[Fleet]:
    """A fleet in a folder, closed at the end."""
    project = Project(folder, folder / ".fleet")
    project.directory.mkdir(exist_ok=True)
    settings = Settings(store=StoreSettings(backend=backend))
    with Fleet.open(project, settings=settings, clock=clock or TestClock(), ids=ids) as fleet:
        yield fleet


def unlike(fleet: Fleet) -> list[object]:
    """Where read tables and folds of the log differ; nothing, if all is well."""
    return [
        each
        for projection in fleet.projections.values()
        for each in differences(fleet.store, fleet.views, projection)
    ]
