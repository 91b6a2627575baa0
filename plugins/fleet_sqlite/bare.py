"""The driver alone on a database file, set as the store sets it: the limit that the store is measured by."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fleet_core.api import checked
from fleet_sqlite.database import driver  # type: ignore[attr-defined]
from fleet_sqlite.settings import Settings


def bare_connection(path: Path, settings: Mapping[str, Any]) -> Any:
    """A connection in autocommit mode, as durable as the store with these settings; it may change threads."""
    chosen = checked(settings, Settings, "[plugins.sqlite]")
    connection: Any = driver.connect(path, isolation_level=None, timeout=60, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA synchronous = {chosen.unsafe_synchronous or 'full'}")
    connection.execute(f"PRAGMA wal_autocheckpoint = {chosen.wal_autocheckpoint}")
    return connection
