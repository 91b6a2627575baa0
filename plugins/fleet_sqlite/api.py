"""What other plugins may use of this one: the bare driver, to measure a store beside it."""

from fleet_sqlite.bare import bare_connection
from fleet_sqlite.database import LIBRARY
from fleet_sqlite.links import Links

__all__ = ["LIBRARY", "Links", "bare_connection"]
