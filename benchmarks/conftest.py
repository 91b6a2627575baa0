"""Fixtures of the pytest-benchmark suites: subjects are opened once, preloaded, and closed at the end."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from fleet_core.errors import FleetError

from benchmarks.scenarios import MEMORY, Places
from benchmarks.subjects import Opened, Subjects


def pytest_addoption(parser: pytest.Parser) -> None:
    """How large the logs are."""
    parser.addoption("--events", type=int, default=100_000, help="events in each log before anything is measured")


@pytest.fixture(scope="session")
def events(pytestconfig: pytest.Config) -> int:
    """Events in each log before anything is measured."""
    return int(pytestconfig.getoption("--events"))


@pytest.fixture(scope="session")
def subjects(events: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Subjects]:
    """All subjects, opened when first asked for."""
    with ExitStack() as stack:
        memory = stack.enter_context(tempfile.TemporaryDirectory(dir=MEMORY))
        places = Places(Path(memory), tmp_path_factory.mktemp("disk"))
        yield Subjects(places, events, stack)


@pytest.fixture
def subject(request: pytest.FixtureRequest, subjects: Subjects) -> Opened:
    """The subject that a test's parameter names: `NAME` in memory, or `NAME on disk`."""
    return opened(subjects, request.param)


def opened(subjects: Subjects, name: str) -> Any:
    """A subject, or its reason why it can't run here."""
    try:
        return subjects.open(name)
    except FleetError as error:
        pytest.skip(f"{name} can't run here: {error.message}; {error.remedy}")
