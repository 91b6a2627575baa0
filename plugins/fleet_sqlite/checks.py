"""Health checks of the SQLite store, for `fleet doctor` and `/health`."""

import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from fleet_core.api import CheckResult, Maintenance, StoreInfo
from fleet_sqlite.database import is_safe

MEGABYTE: Final = 1_000_000

LARGE_WAL: Final = 100 * MEGABYTE
"""Bytes of write-ahead log that a store in good health does not reach."""

LITTLE_SPACE: Final = 200 * MEGABYTE
NO_SPACE: Final = 20 * MEGABYTE
"""Free bytes under which a person should know, and under which appends will soon fail."""


def check(fleet: Any) -> Iterator[CheckResult]:
    """Look at the store of a fleet; nothing to say when it is another plugin's."""
    if isinstance(fleet.store, Maintenance):
        info = fleet.store.info()
        if info.backend == "sqlite":
            path = Path(info.path)
            yield library(info.details["sqlite"])
            yield durability(info)
            yield write_ahead_log(path)
            yield permissions(path)
            if path.parent != fleet.project.directory:  # there the core has looked
                yield space(path, shutil.disk_usage(path.parent).free)


def library(version: str) -> CheckResult:
    """Whether several processes may use the store."""
    if is_safe(tuple(int(part) for part in version.split("."))):
        return CheckResult(name="sqlite library", status="ok", detail=f"SQLite {version}")
    return CheckResult(
        name="sqlite library",
        status="warn",
        detail=f"SQLite {version} can damage a database that several processes write at once",
        remedy="pip install --upgrade pysqlite3",
    )


def durability(info: StoreInfo) -> CheckResult:
    """Whether what is acknowledged survives a power cut."""
    journal, synchronous = info.details["journal"], info.details["synchronous"]
    detail = f"journal {journal}, synchronous {synchronous}"
    if journal != "wal":
        return CheckResult(
            name="sqlite durability",
            status="fail",
            detail=detail,
            remedy="close every program that has the database open, then run any fleet command",
        )
    if synchronous != "full":
        return CheckResult(
            name="sqlite durability",
            status="warn",
            detail=f"{detail}: a power cut may take acknowledged events",
            remedy="remove `unsafe_synchronous` from fleet.toml",
        )
    return CheckResult(name="sqlite durability", status="ok", detail=detail)


def write_ahead_log(path: Path) -> CheckResult:
    """Whether the write-ahead log is emptied as it should be."""
    wal = path.with_name(f"{path.name}-wal")
    size = wal.stat().st_size if wal.exists() else 0
    detail = f"{size / MEGABYTE:.1f} MB"
    if size <= LARGE_WAL:
        return CheckResult(name="sqlite write-ahead log", status="ok", detail=detail)
    return CheckResult(
        name="sqlite write-ahead log",
        status="warn",
        detail=f"{detail}: a program that reads without end keeps it from being emptied",
        remedy=f"find that program with 'fuser {path}' and end it",
    )


def permissions(path: Path) -> CheckResult:
    """Whether nobody else on the machine can read the events."""
    files = [path, *path.parent.glob(f"{path.stem}.head"), *path.parent.glob(f"{path.name}-*")]
    open_files = [file for file in files if stat.S_IMODE(file.stat().st_mode) & 0o077]
    if not open_files:
        return CheckResult(name="sqlite permissions", status="ok", detail="for the owner alone")
    return CheckResult(
        name="sqlite permissions",
        status="warn",
        detail=f"others may use {', '.join(sorted(file.name for file in open_files))}",
        remedy=f"chmod 600 {' '.join(str(file) for file in sorted(open_files))}",
    )


def space(path: Path, free: int) -> CheckResult:
    """Whether there is room for more events."""
    detail = f"{free / MEGABYTE:,.0f} MB free in {path.parent}"
    if free > LITTLE_SPACE:
        return CheckResult(name="disk space", status="ok", detail=detail)
    return CheckResult(
        name="disk space",
        status="warn" if free > NO_SPACE else "fail",
        detail=detail,
        remedy=f"free some space on the disk of {path.parent}",
    )
