"""Errors that nobody foresaw: whose code they come from, and what its author needs to know."""

import sys
from traceback import walk_tb

from fleet_core.catalog import Catalog, Entry, installed_version, read_entries
from fleet_core.errors import FleetError
from fleet_core.plugins import broken


def unexpected(error: Exception) -> FleetError:
    """What to say of an error that is no `FleetError`: whose bug it is, and how to see more."""
    owner = _owner(error)
    if owner is not None and isinstance(error, ImportError):
        return broken(owner, error)
    distribution = owner.source if owner else f"fleettools {installed_version('fleettools')}"
    text = " ".join(str(error).split())
    return FleetError(
        f"{type(error).__name__}: {text}: this is a bug in {distribution}",
        remedy="run it again with FLEET_TRACEBACK=1 and send its authors what it prints",
        distribution=distribution,
    )


def _owner(error: Exception) -> Entry | None:
    """The plugin whose code was running, innermost first; None when it was the core's."""
    catalog = Catalog(read_entries(sys.path))
    modules = [str(frame.f_globals.get("__name__", "")) for frame, _ in walk_tb(error.__traceback__)]
    known = (each for each in reversed(modules) if each.startswith("fleet_core.") or catalog.owner(each))
    return catalog.owner(next(known, ""))
