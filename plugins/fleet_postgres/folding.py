"""Folding events into read tables, inside a write transaction."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from fleet_core.api import EventCodec, FleetError, PluginBroken, Projection, Recorded, Unavailable
from fleet_postgres.columns import Table
from fleet_postgres.database import Connection
from fleet_postgres.reading import Reading

LARGEST_GAP: Final = 1000
"""Positions that an append makes up for, after a writer that did not know the projection; more is left to a
catch-up."""


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


class Folding:
    """Brings tables up to date with events."""

    def __init__(self, schema: str, codec: EventCodec) -> None:
        self._codec = codec
        self._reading = Reading(schema)
        self.states = f"SELECT name, version, columns, position FROM {schema}.projections ORDER BY name"
        self._move = f"UPDATE {schema}.projections SET position = %s WHERE name = ANY (%s)"

    def stored(self, connection: Connection) -> dict[str, Stored]:
        """How far each read table has come. They stay there until this transaction ends."""
        return {row[0]: Stored(*row) for row in connection.execute(f"{self.states} FOR UPDATE").fetchall()}

    def take_in(
        self, connection: Connection, table: Table, events: Iterable[Recorded], position: int
    ) -> None:
        """Fold events into a table and move it to a position.

        Raises:
            PluginBroken: the projection fails at an event.
        """
        keyed = _keyed(table.projection, events)
        change = Change(table, keyed, _loaded(connection, [(table, keyed)]).get(table.name, {}))
        with connection.pipeline():
            change.write(connection)
            connection.execute(self._move, (position, [table.projection.name]))

    def advance(
        self, connection: Connection, tables: Mapping[str, Table], rows: Sequence[tuple[Any, ...]]
    ) -> None:
        """Bring tables to these new rows, by a writer that is alone. The facts come first: a table whose
        projection fails stays where it is, and its catch-up says why."""
        recorded = [Recorded(row, self._codec) for row in rows]
        concerned = self._concerned(connection, tables, recorded)
        before = _loaded(connection, concerned)
        changes = []
        for table, keyed in concerned:
            try:
                changes.append(Change(table, keyed, before.get(table.name, {})))
            except FleetError:
                continue
        if changes:
            with connection.pipeline():
                for change in changes:
                    change.write(connection)
                names = [change.table.projection.name for change in changes]
                connection.execute(self._move, (rows[-1][0], names))

    def _concerned(
        self, connection: Connection, tables: Mapping[str, Table], recorded: Sequence[Recorded]
    ) -> "list[tuple[Table, Keyed]]":
        before = recorded[0].position - 1
        concerned = []
        for name, stored in self.stored(connection).items():
            table = tables.get(name)
            if table is None or not stored.fits(table) or before - stored.position > LARGEST_GAP:
                continue
            missed = self._missed(connection, table, stored.position, before)
            try:
                concerned.append((table, _keyed(table.projection, [*missed, *recorded])))
            except FleetError:
                continue
        return concerned

    def _missed(self, connection: Connection, table: Table, after: int, before: int) -> Iterable[Recorded]:
        if after >= before:
            return []
        found = self._reading.read(
            lambda sql, values: connection.cursor(binary=True).execute(sql, values).fetchall(),
            table.projection.query(),
            after=after,
            before=before + 1,
            limit=None,
            backwards=False,
        )
        return [Recorded(row, self._codec) for row in found]


Keyed = list[tuple[str, Recorded]]
"""Events a projection reads, each with the key of its state."""


class Change:
    """What events do to a table. Nothing is written unless all of them can be taken in."""

    def __init__(self, table: Table, keyed: Keyed, before: Mapping[str, Any]) -> None:
        after = _evolved(table.projection, keyed, before)
        self.table = table
        self._puts = [table.row(key, state) for key, state in after.items() if state is not None]
        self._gone = [table.key(key) for key, state in after.items() if state is None and key in before]

    def write(self, connection: Connection) -> None:
        """Write it, in the caller's transaction."""
        if self._puts:
            connection.cursor().executemany(self.table.upsert, self._puts)
        if self._gone:
            connection.execute(self.table.delete, (self._gone,))


def _keyed(projection: Projection[Any], events: Iterable[Recorded]) -> Keyed:
    wanted = frozenset(projection.types)
    keyed: Keyed = []
    for event in events:
        if not wanted or event.type in wanted:
            try:
                key = projection.key(event)
            except Exception as error:
                raise _broken(projection, event, error) from error
            if key is not None:
                keyed.append((key, event))
    return keyed


def _evolved(projection: Projection[Any], keyed: Keyed, before: Mapping[str, Any]) -> dict[str, Any | None]:
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


def _loaded(connection: Connection, concerned: Sequence[tuple[Table, Keyed]]) -> dict[str, dict[str, Any]]:
    """The states that events concern, by table and key; all tables are asked at once."""
    asked = [(table, list({table.key(key) for key, _ in keyed})) for table, keyed in concerned if keyed]
    if not asked:
        return {}
    with connection.pipeline():
        found = [
            connection.cursor(binary=True).execute(f"{table.select} WHERE _key = ANY (%s)", (keys,))
            for table, keys in asked
        ]
    return {
        table.name: dict(table.keyed_state(row) for row in cursor.fetchall())
        for (table, _), cursor in zip(asked, found, strict=True)
    }
