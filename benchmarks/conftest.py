"""Fixtures of the pytest-benchmark suites: subjects are opened once, preloaded, and closed at the end."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from benchmarks.places import empty_places
from benchmarks.subjects import Subjects
from benchmarks.tables import Opener
from fleet_core.errors import FleetError


def pytest_addoption(parser: pytest.Parser) -> None:
    """Say how large the logs are."""
    parser.addoption("--events", type=int, default=100_000, help="events in each log before it is measured")


@pytest.fixture(scope="session")
def events(pytestconfig: pytest.Config) -> int:
    """Events in each log before it is measured."""
    return int(pytestconfig.getoption("--events"))


@pytest.fixture(scope="session")
def opened(events: int) -> Iterator[Opener]:
    """Gives a subject by name and place; one that can't run here says why, and is passed over."""
    with empty_places() as places, ExitStack() as stack:
        subjects = Subjects(places, events, stack)

        def open_or_say_why(name: str, place: str) -> Any:
            try:
                return subjects.open(name, place)
            except FleetError as error:
                pytest.skip(f"{name} can't run here: {error.message}; {error.remedy}")

        yield open_or_say_why
