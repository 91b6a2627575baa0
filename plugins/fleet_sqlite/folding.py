"""Folding events into read tables, inside a write transaction."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, Final, NamedTuple

from fleet_core.api import EventCodec, FleetError, PluginBroken, Projection, Query, Recorded, Unavailable
from fleet_sqlite import reading
from fleet_sqlite.columns import Table
from fleet_sqlite.database import Connection, fault

STATES: Final = "SELECT name, version, columns, position FROM projections ORDER BY name"

MOVE: Final = "UPDATE projections SET position = ? WHERE name = ?"

LARGEST_GAP: Final = 1000
"""Positions that an append makes up for, after a writer that did not know the projection; more is left to a catch-up."""

_CHUNK: Final = 500
"""Rows looked up in one statement."""


class Stored(NamedTuple):
    """What the database says of a read table."""

    name: str
    version: int
    columns: str
    position: int

    def fits(self, table: Table) -> bool:
        """Whether it was made by this definition."""
        return (self.version, self.columns) == (table.projection.version, table.fields)

    def check_fits(self, table: Table) -> None:
        """Accept a table made by this definition.

        Raises:
            Unavailable: it was made by another.
        """
        if not self.fits(table):
            raise Unavailable(
                f"the read table {self.name} was made by version {self.version} of its projection;"
                f" this process has version {table.projection.version}",
                remedy=f"run 'fleet projections rebuild {self.name}'",
                name=self.name,
            )


def stored_states(connection: Connection) -> dict[str, Stored]:
    """How far each read table has come, in this transaction."""
    return {row[0]: Stored(*row) for row in connection.execute(STATES).fetchall()}


def take_in(connection: Connection, table: Table, events: Iterable[Recorded]) -> None:
    """Fold events into a table. Nothing is written unless all of them can be taken in.

    Raises:
        PluginBroken: the projection fails at an event.
    """
    keyed = _keyed(table.projection, events)
    if not keyed:
        return
    states: dict[str, Any] = _loaded(connection, table, {key for key, _ in keyed})
    before = states.keys()
    before = set(before)
    for key, event in keyed:
        states[key] = _guarded(table.projection, event, lambda k=key, e=event: table.projection.evolve(states.get(k), e))
'''
