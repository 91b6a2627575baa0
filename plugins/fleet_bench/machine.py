"""What it was measured on: without that, figures say nothing."""

import os
import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

import msgspec

from fleet_sqlite.api import LIBRARY

PACKAGES: Final = ("fleettools", "msgspec", "peewee", "psycopg", "eventsourcing", "umadb", "pytest-benchmark")


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """A machine with what is installed on it. `load` is how many processes wanted to run, before and
    after.
    """

    date: str
    processor: str
    cores: int
    system: str
    file_system: str
    python: str
    sqlite: str
    packages: dict[str, str]
    load: list[float]

    @property
    def likeness(self) -> tuple[object, ...]:
        """What must be equal for absolute figures to be compared."""
        return self.processor, self.cores, self.system, self.file_system, self.python


def machine(place: Path, load_before: float) -> Machine:
    """This machine, and the disk that a place lies on."""
    return Machine(
        date=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        processor=_processor(),
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        file_system=_file_system(place),
        python=f"{platform.python_implementation()} {platform.python_version()}",
        sqlite=LIBRARY,
        packages=_versions(),
        load=[round(load_before, 1), round(load(), 1)],
    )


def load() -> float:
    """How many processes wanted to run during the last minute, on average."""
    return os.getloadavg()[0]


def _processor() -> str:
    """The model's name, as Linux tells it; elsewhere what Python knows."""
    told = Path("/proc/cpuinfo")
    lines = told.read_text().splitlines() if told.exists() else []
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, platform.processor() or platform.machine())


def _file_system(place: Path) -> str:
    """The kind of file system that a place lies on, such as ext4 or tmpfs."""
    mounts = Path("/proc/mounts")
    if not mounts.exists():
        return sys.platform
    fields = [line.split() for line in mounts.read_text().splitlines()]
    around = [(len(each[1]), each[2]) for each in fields if place.resolve().is_relative_to(each[1])]
    return max(around)[1]


def _versions() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
