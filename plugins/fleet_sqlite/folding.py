"""Folding events into read tables, inside a write transaction."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, Final, NamedTuple

from fleet_core.api import EventCodec, FleetError, PluginBroken, Projection, Recorded, Unavailable
from fleet_sqlite import reading
from fleet_sqlite.columns import Table
from fleet_sqlite.database import Connection

STATES: Final = "SELECT name, version, columns, position FROM projections ORDER BY name"

MOVE: Final = "UPDATE projections SET position = ? WHERE name = ?"

LARGEST_GAP: Final = 1000
"""Positions that an append makes up for, after a writer that did not know the projection; more is left to a
catch-up."""

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
        return (self.version, self.columns) == (table.projection.version, table.definition)

    def check_fits(self, table: Table) -> None:
        """Accept a table made by this definition.

        Raises:
            Unavailable: it was made by another.
        """
        if not self.fits(table):
            other = " with other fields or text" if self.version == table.projection.version else ""
            raise Unavailable(
                f"the read table {self.name} was made by version {self.version} of its projection;"
                f" this process has version {table.projection.version}{other}",
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
    before = _loaded(connection, table, {key for key, _ in keyed})
    after = _evolved(table.projection, keyed, before)
    puts = [table.row(key, state) for key, state in after.items() if state is not None]
    gone = [(key,) for key, state in after.items() if state is None and key in before]
    if puts:
        connection.executemany(table.upsert, puts)
    if gone:
        connection.executemany(table.delete, gone)


def _keyed(projection: Projection[Any], events: Iterable[Recorded]) -> list[tuple[str, Recorded]]:
    """The events a projection reads, each with the key of its state."""
    keyed: list[tuple[str, Recorded]] = []
    for event in events:
        if not projection.types or event.type in projection.types:
            try:
                key = projection.key(event)
            except Exception as error:
                raise _broken(projection, event, error) from error
            if key is not None:
                keyed.append((key, event))
    return keyed


def _evolved(
    projection: Projection[Any], keyed: Iterable[tuple[str, Recorded]], before: Mapping[str, Any]
) -> dict[str, Any | None]:
    """The states of the events' keys after them."""
    after: dict[str, Any | None] = {}
    for key, event in keyed:
        state = after[key] if key in after else before.get(key)
        try:
            after[key] = projection.evolve(state, event)
        except Exception as error:
            raise _broken(projection, event, error) from error
    return after


def _broken(projection: Projection[Any], event: Recorded, error: Exception) -> PluginBroken:
    authors = projection.evolve.__module__.partition(".")[0]
    return PluginBroken(
        f"projection {projection.name} can't take in the event at position {event.position} ({event.type}):"
        f" {error!r}",
        remedy=f"report it to the authors of {authors}; the event is safe, and"
        f" 'fleet projections rebuild {projection.name}' mends the table afterwards",
        projection=projection.name,
        position=event.position,
    )


def _loaded(connection: Connection, table: Table, keys: Iterable[str]) -> dict[str, Any]:
    waiting = iter(keys)
    states: dict[str, Any] = {}
    while chunk := list(islice(waiting, _CHUNK)):
        sql = f"{table.select} WHERE _key IN ({', '.join('?' * len(chunk))})"
        states |= {row[0]: table.state(row) for row in connection.execute(sql, chunk).fetchall()}
    return states


def advance(
    connection: Connection,
    tables: Mapping[str, Table],
    codec: EventCodec,
    before: int,
    rows: Sequence[tuple[Any, ...]],
) -> None:
    """Bring tables from position `before` to these new rows. The facts come first: a table whose projection
    fails stays where it is, and its catch-up says why."""
    recorded = [Recorded(row, codec) for row in rows]
    types = {event.type for event in recorded}
    moved = []
    for name, stored in stored_states(connection).items():
        table = tables.get(name)
        if table is None or not stored.fits(table) or before - stored.position > LARGEST_GAP:
            continue
        if stored.position != before or table.reads(types):
            missed = _missed(connection, table, codec, stored.position, before)
            try:
                take_in(connection, table, [*missed, *recorded])
            except FleetError:
                continue
        moved.append((rows[-1][0], name))
    connection.executemany(MOVE, moved)


def _missed(
    connection: Connection, table: Table, codec: EventCodec, after: int, before: int
) -> Iterable[Recorded]:
    if after == before:
        return []
    found = reading.read(
        lambda sql, values: connection.execute(sql, values).fetchall(),
        table.projection.query(),
        after=after,
        before=before + 1,
        limit=None,
        backwards=False,
    )
    return [Recorded(row, codec) for row in found]
