"""What `fleet doctor` looks at: the installation, the project, its store, and what plugins add."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import click

from fleet_core.checks import CheckResult
from fleet_core.errors import FleetError

if TYPE_CHECKING:
    from fleet_core.catalog import Catalog, Entry
    from fleet_core.fleet import Fleet
    from fleet_core.services import ServiceStatus

MEGABYTE: Final = 1_000_000

SKEW: Final = 1_000_000
"""Microseconds by which the last event may seem to lie in the future."""


def checks(context: click.Context) -> Iterator[CheckResult]:
    """Everything that can be checked; what relies on something that failed is left out."""
    from fleet_core.cli.group import catalog_of
    from fleet_core.cli.opening import open_fleet, start_of
    from fleet_core.project import find

    catalog = catalog_of(context)
    yield from _plugins(catalog)
    try:
        project = find(start_of(context))
    except FleetError as error:
        yield _failure("project", error)
        yield _settings(None)
        return
    yield CheckResult(name="project", status="ok", detail=str(project.root))
    yield _settings(project.config)
    if project.directory.is_dir():
        yield from (_permissions(project.directory), _disk(project.directory))
    yield from _services(context)  # before the store, which may live in one of them
    try:
        fleet = open_fleet(context)
    except Exception as error:  # whatever a store raises is what doctor is there to tell
        yield _failure("store", error)
        return
    yield from _fleet(fleet)
    for entry in catalog.entries:
        if entry.group == "fleet.checks" and not catalog.is_off(entry):
            yield from _contributed(fleet, entry)


def _failure(name: str, error: Exception) -> CheckResult:
    if isinstance(error, FleetError):
        return CheckResult(name=name, status="fail", detail=error.message, remedy=error.remedy)
    return CheckResult(name=name, status="fail", detail=f"{type(error).__name__}: {error}", remedy="")


def _plugins(catalog: "Catalog") -> Iterator[CheckResult]:
    from fleet_core.plugins import Plugins

    faults = Plugins(catalog).check()
    for fault in faults:
        yield _failure("plugins", fault.error)
    if not faults:
        usable = [entry for entry in catalog.entries if not catalog.is_off(entry)]
        yield CheckResult(name="plugins", status="ok", detail=f"all {len(usable)} load")


def _settings(config: Path | None) -> CheckResult:
    from fleet_core.settings import load

    try:
        origins = load(config).origins
    except FleetError as error:
        return _failure("settings", error)
    sources = ", ".join(sorted(set(origins.values())))
    return CheckResult(name="settings", status="ok", detail=f"from {sources or 'defaults alone'}")


def _permissions(directory: Path) -> CheckResult:
    mode = directory.stat().st_mode & 0o777
    if not os.access(directory, os.R_OK | os.W_OK | os.X_OK):
        return CheckResult(
            name="permissions",
            status="fail",
            detail=f"{directory} can't be written by this user",
            remedy="run fleet as the user who owns it",
        )
    if mode & 0o077:
        return CheckResult(
            name="permissions",
            status="warn",
            detail=f"{directory} is open to other users ({mode:o})",
            remedy=f"chmod 700 {directory}",
        )
    return CheckResult(name="permissions", status="ok", detail=f"{directory} is its owner's alone")


def _disk(directory: Path) -> CheckResult:
    import shutil

    free = shutil.disk_usage(directory).free // MEGABYTE
    status: Literal["ok", "warn", "fail"] = "ok" if free >= 1000 else "warn" if free >= 100 else "fail"
    return CheckResult(
        name="disk",
        status=status,
        detail=f"{free:,} MB are free",
        remedy="" if status == "ok" else f"make room on the disk of {directory}",
    )


def _services(context: click.Context) -> Iterator[CheckResult]:
    """What state each service is in; nothing of one that has no settings and that nobody started."""
    from fleet_core.cli.opening import services_of
    from fleet_core.settings import load

    try:
        services = services_of(context)
        origins = load(services.project.config).origins
    except FleetError:  # about settings, of which their own check has told
        return
    for name in services.names:
        is_set = any(key.startswith(f"services.{name}.") for key in origins)
        try:
            found = services.provider(name).status()
        except Exception as error:
            if is_set:
                yield _failure(f"service {name}", error)
        else:
            if is_set or found.state not in ("absent", "unknown"):
                yield _service(found)


def _service(found: "ServiceStatus") -> CheckResult:
    detail = ": ".join(filter(None, (found.state, found.detail)))
    graded: dict[str, Literal["warn", "fail"]] = {"failing": "fail", "unknown": "warn"}
    return CheckResult(
        name=f"service {found.service}",
        status=graded.get(found.state, "ok"),
        detail=detail,
        remedy=found.remedy,
    )


def _fleet(fleet: "Fleet") -> Iterator[CheckResult]:
    head = fleet.store.head()
    backend = fleet.settings.store.backend
    yield CheckResult(name="store", status="ok", detail=f"{backend} opens; the log ends at position {head}")
    yield from _projections(fleet, head)
    yield _clock(fleet)


def _projections(fleet: "Fleet", head: int) -> Iterator[CheckResult]:
    states = fleet.views.states()
    late = [state for state in states if state.position < head]
    for state in late:
        yield CheckResult(
            name="projections",
            status="warn",
            detail=f"{state.name} stands at position {state.position} of {head}",
            remedy=f"its next reader catches it up; or fleet projections rebuild {state.name}",
        )
    if not late:
        yield CheckResult(name="projections", status="ok", detail=f"all {len(states)} are up to date")


def _clock(fleet: "Fleet") -> CheckResult:
    last = next(fleet.store.read(limit=1, backwards=True), None)
    ahead = 0 if last is None else last.recorded_us - fleet.clock()
    if ahead <= SKEW:
        return CheckResult(name="clock", status="ok", detail="the last event lies in the past")
    return CheckResult(
        name="clock",
        status="fail",
        detail=f"the last event lies {ahead / 1_000_000:,.0f} s in the future",
        remedy="set this machine's clock, by NTP for example",
    )


def _contributed(fleet: "Fleet", entry: "Entry") -> Iterable[CheckResult]:
    """What one plugin's check says; one that fails is a finding itself."""
    from fleet_core.plugins import broken

    try:
        return list(fleet.plugins.load_object(entry)(fleet))
    except FleetError as error:
        return [_failure(entry.name, error)]
    except Exception as error:
        return [_failure(entry.name, broken(entry, error))]
