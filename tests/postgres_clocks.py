"""Fleets on one PostgreSQL server, by the clock that everybody has; and a client whose own clock is wrong."""

import time
from pathlib import Path
from typing import Any, Final

from fleet_core.api import Fleet
from fleet_core.project import Project
from fleet_core.settings import Settings, StoreSettings
from fleet_postgres.store import PostgresStore
from fleet_specialists.api import Register, Show, register, show

DEADLINE: Final = 60.0
"""Seconds after which something that should have happened never will."""

TEN_MINUTES: Final = 600 * 1_000_000_000
"""In nanoseconds, as clocks are set."""


def open_fleet(folder: Path, dsn: str, schema: str, lost_after: float) -> Fleet:
    """A fleet as a person opens it, in a folder of its own: no clock is held still."""
    project = Project(folder, folder / ".fleet")
    project.directory.mkdir(parents=True, exist_ok=True)
    plugins: dict[str, dict[str, Any]] = {
        "postgres": {"dsn": dsn, "schema": schema},
        "specialists": {"lost_after": lost_after},
    }
    return Fleet.open(project, settings=Settings(store=StoreSettings(backend="postgres"), plugins=plugins))


def server_clock(fleet: Fleet) -> int:
    """The server's time, through the store."""
    assert isinstance(fleet.store, PostgresStore)
    return fleet.store.instant().wall


def status(fleet: Fleet, specialist: str) -> str:
    """What a specialist is doing."""
    return show(fleet, Show(specialist=specialist)).status


def await_late(fleet: Fleet, specialist: str) -> None:
    """Return when a specialist's time is over."""
    deadline = time.monotonic() + DEADLINE
    while status(fleet, specialist) != "late":
        assert time.monotonic() < deadline, "its time never ends"
        time.sleep(0.02)


def visit_with_a_fast_clock(folder: Path, dsn: str, schema: str) -> None:
    """What a process does whose clock is ten minutes fast: it finds `ada` alive, and registers `eve`, whose
    time is short.
    """
    right = time.time_ns
    time.time_ns = lambda: right() + TEN_MINUTES
    with open_fleet(folder, dsn, schema, lost_after=0.3) as fleet:
        assert abs(fleet.clock() - server_clock(fleet)) > TEN_MINUTES // 2000
        assert status(fleet, "ada") == "active"
        register(fleet, Register(specialist="eve"))
        assert status(fleet, "ada") == "active"
