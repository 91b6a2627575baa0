"""The command line in this process, in a project on the real store, with a toy domain installed."""

import io
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from fleet_core import project as projects
from fleet_core.api import Batch, NewEvent, Stream
from fleet_core.cli import run
from fleet_core.fleet import Fleet
from fleet_core.settings import Settings
from fleets import TestClock


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


class Answer(NamedTuple):
    """What a command line led to."""

    status: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """The data of the JSON envelope."""
        return json.loads(self.out)["data"]

    @property
    def next(self) -> Any:
        """The cursor of the JSON envelope."""
        return json.loads(self.out)["next"]

    @property
    def rows(self) -> list[list[str]]:
        """The cells of a table, without its headings."""
        return [line.split() for line in self.out.splitlines()[1:]]


THING = Stream("thing", "t-1")
"""The stream that events of these tests go to, unless they say otherwise."""


class Site(NamedTuple):
    """A project's folder, and the command line in it."""

    root: Path
    installed: Path
    capture: pytest.CaptureFixture[str]

    def run(self, *arguments: str) -> Answer:
        """Run a command line in this process."""
        self.capture.readouterr()
        status = run(arguments)
        return Answer(status, *self.capture.readouterr())

    @contextmanager
    def fleet(self, clock: TestClock | None = None) -> Iterator[Fleet]:
        """The project, opened from Python."""
        with Fleet.open(self.root, clock=clock or TestClock()) as fleet:
            yield fleet

    def record(self, *events: NewEvent, stream: Stream = THING) -> None:
        """Record events, at 2026-01-02T10:00:04Z."""
        with self.fleet() as fleet:
            fleet.append(Batch(stream, events))

    def at(self, root: Path) -> "Site":
        """The command line in another project."""
        os.chdir(root)
        return self._replace(root=root)


def settled(root: Path, *batches: Batch) -> Path:
    """A new project in a folder, with events recorded at 2026-01-02T10:00:04Z."""
    project = projects.at(root, {})
    projects.create(project)
    with Fleet.open(project, settings=Settings(), clock=TestClock()) as fleet:
        for batch in batches:
            fleet.append(batch)
    return root
