"""Read tables in a file of their own, beside a store that keeps none."""

from pathlib import Path
from typing import Any

from fleet_core.api import checked, system_clock
from fleet_sqlite.connections import Connections
from fleet_sqlite.migrations import migrate, shipped
from fleet_sqlite.settings import Settings
from fleet_sqlite.tables import ReadTables


def open_views(settings: dict[str, Any], directory: Path, origin: str) -> ReadTables:
    """Open the file that settings describe. Read tables can be folded anew, so their commits wait for no
    disk."""
    chosen = checked(settings | {"unsafe_synchronous": "normal"}, Settings, origin)
    connections = Connections((directory / chosen.views_path).absolute(), chosen)
    try:
        migrate(connections, shipped("views"), system_clock)
    except BaseException:
        connections.close()
        raise
    return ReadTables(connections)
