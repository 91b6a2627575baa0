"""Read tables: one for each projection, a column for each field of its state, readable by any SQL tool."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from fleet_core.api import (
    EventCodec,
    FleetError,
    NotFound,
    Page,
    PluginBroken,
    Projection,
    Recorded,
    ViewState,
    check_field,
    check_order,
    check_where,
    check_words,
    fold,
)
from fleet_postgres.columns import WORDS, Table, quoted, tsquery
from fleet_postgres.connections import Connections
from fleet_postgres.database import Connection
from fleet_postgres.folding import Folding, Stored

_PAGE: Final = 1000
"""Rows fetched at once."""

Clause = tuple[str, tuple[Any, ...]]
"""A condition, with its values."""


class ReadTables:
    """The abilities `Views`, `Searching` and `Ordering`, on a schema that has the table `projections`."""

    inline = False

    def __init__(self, connections: Connections, schema: str, codec: EventCodec) -> None:
        self._connections = connections
        self._schema = schema
        self._codec = codec
        self._tables: dict[str, Table] = {}
        self._folding = Folding(schema, codec)
        self._put = (
            f"INSERT INTO {schema}.projections VALUES (%s, %s, %s, %s) ON CONFLICT (name) DO UPDATE SET"
            " version = EXCLUDED.version, columns = EXCLUDED.columns, position = EXCLUDED.position"
        )

    def define(self, projections: Sequence[Projection[Any]]) -> list[str]:
        """See `Views.define`."""
        tables = {projection.name: Table(self._schema, projection) for projection in projections}
        _check_distinct(tables.values())
        if tables.keys() - self._stored().keys():
            self._connections.transaction(
                lambda connection: self._create_missing(connection, tables.values())
            )
        stored = self._stored()
        self._tables |= tables
        return [name for name, table in tables.items() if not stored[name].fits(table)]

    def _create_missing(self, connection: Connection, tables: Iterable[Table]) -> None:
        # Two processes that define tables at once: the second waits here and finds them.
        connection.execute(f"LOCK TABLE {self._schema}.projections IN SHARE ROW EXCLUSIVE MODE")
        stored = self._folding.stored(connection)
        for table in tables:
            if table.projection.name not in stored:
                for statement in (table.create(table.place), *table.indexes(table.place)):
                    connection.execute(statement, ())
                values = (table.projection.name, table.projection.version, table.definition, 0)
                connection.execute(self._put, values)

    def states(self) -> list[ViewState]:
        """See `Views.states`. `rows` is counted, table by table."""
        return [
            ViewState(each.name, each.version, each.position, self._count(self._tables[each.name]))
            for each in self._stored().values()
            if each.name in self._tables
        ]

    def _count(self, table: Table) -> int:
        return self._connections.read(f"SELECT count(*) FROM {table.place} WHERE %s", (True,))[0][0]  # type: ignore[no-any-return]

    def position(self, name: str) -> int:
        """See `Views.position`."""
        self._table(name)
        return self._stored()[name].position

    def apply(self, name: str, events: Sequence[Recorded], position: int) -> None:
        """See `Views.apply`.

        Raises:
            PluginBroken: the projection can't take in an event.
            Unavailable: the table was made by another version of the projection.
        """
        table = self._table(name)

        def take(connection: Connection) -> None:
            stored = self._folding.stored(connection)[name]
            if stored.position < position:
                stored.check_fits(table)
                new = [event for event in events if event.position > stored.position]
                self._folding.take_in(connection, table, new, position)

        self._connections.transaction(take)

    def rebuild(self, name: str, events: Iterator[Recorded], position: int) -> None:
        """See `Views.rebuild`. The states are folded in memory; only the switch itself holds up readers."""
        table = self._table(name)
        states = fold(table.projection, events)
        rows = [table.row(key, state) for key, state in states.items()]

        def switch(connection: Connection) -> None:
            self._folding.stored(connection)
            connection.execute(f"DROP TABLE IF EXISTS {table.draft}", ())
            connection.execute(table.create(table.draft), ())
            with connection.cursor().copy(f"COPY {table.draft} FROM STDIN".replace("%%", "%")) as copy:
                for row in rows:
                    copy.write_row(row)
            for statement in table.indexes(table.draft):
                connection.execute(statement, ())
            connection.execute(f"DROP TABLE {table.place}", ())
            connection.execute(f"ALTER TABLE {table.draft} RENAME TO {table.place.partition('.')[2]}", ())
            connection.execute(self._put, (name, table.projection.version, table.definition, position))

        self._connections.transaction(switch)

    def get(self, name: str, key: str) -> Any | None:
        """See `Views.get`."""
        table = self._table(name)
        rows = self._read(table, f"{table.select} WHERE _key = %s", (table.key(key),))
        return table.keyed_state(rows[0])[1] if rows else None

    def select(
        self,
        name: str,
        where: Mapping[str, Any],
        *,
        after: str | None = None,
        limit: int | None = None,
        backwards: bool = False,
    ) -> Page[Any]:
        """See `Views.select`."""
        table = self._table(name)
        wanted = _fulfilling(table, where)
        return self._page(table, wanted, after=after, limit=limit, backwards=backwards)

    def search(
        self,
        name: str,
        words: str,
        where: Mapping[str, Any],
        *,
        after: str | None = None,
        limit: int | None = None,
        backwards: bool = False,
    ) -> Page[Any]:
        """See `Searching.search`."""
        table = self._table(name)
        asked = tsquery(check_words(table.projection, words))
        wanted = [(f"{WORDS} @@ %s::tsquery", (asked,)), *_fulfilling(table, where)]
        return self._page(table, wanted, after=after, limit=limit, backwards=backwards)

    def _page(
        self, table: Table, wanted: list[Clause], *, after: str | None, limit: int | None, backwards: bool
    ) -> Page[Any]:
        if after is not None:
            wanted = [*wanted, ("_key < %s" if backwards else "_key > %s", (table.key(after),))]
        clauses = ["true", *(sql for sql, _ in wanted)]
        values = [value for _, bound in wanted for value in bound]
        order = "DESC" if backwards else "ASC"
        sql = f"{table.select} WHERE {' AND '.join(clauses)} ORDER BY _key {order} LIMIT %s"
        found = self._read(table, sql, (*values, None if limit is None else limit + 1))
        taken = [table.keyed_state(row) for row in found[:limit]]
        more = taken and len(found) > len(taken)
        return Page([state for _, state in taken], taken[-1][0] if more else None)

    def first(self, name: str, where: Mapping[str, Any], *, by: str, limit: int) -> list[Any]:
        """See `Ordering.first`."""
        table = self._table(name)
        wanted = _fulfilling(table, where)
        number = quoted(check_order(table.projection, by))
        clauses = [f"{number} IS NOT NULL", *(sql for sql, _ in wanted)]
        values = [value for _, bound in wanted for value in bound]
        sql = f"{table.select} WHERE {' AND '.join(clauses)} ORDER BY {number}, _key LIMIT %s"
        return [table.keyed_state(row)[1] for row in self._read(table, sql, (*values, limit))]

    def rows(self, name: str) -> Iterator[tuple[str, Any]]:
        """See `Views.rows`."""
        table = self._table(name)
        found = self._read(table, f"{table.select} ORDER BY _key LIMIT %s", (_PAGE,))
        while found:
            for row in found:
                yield table.keyed_state(row)
            sql = f"{table.select} WHERE _key > %s ORDER BY _key LIMIT %s"
            found = self._read(table, sql, (found[-1][0], _PAGE))

    def count_by(self, name: str, field: str) -> dict[str, int]:
        """See `Views.count_by`."""
        table = self._table(name)
        column = table.by_name[check_field(table.projection, field)]
        sql = f"SELECT {column.selected}, count(*) FROM {table.place} WHERE %s GROUP BY 1"
        counts: Counter[str] = Counter()
        for stored, count in self._read(table, sql, (True,)):
            counts[str(column.load(stored))] += count
        return dict(sorted(counts.items()))

    def close(self) -> None:
        """See `Views.close`."""
        self._connections.close()

    def _read(self, table: Table, sql: str, values: Sequence[Any]) -> list[Any]:
        try:
            return self._connections.read(sql, values)
        except FleetError:
            # The statement does not fit a table that another version of the projection made: that is the
            # thing to say.
            self._stored()[table.projection.name].check_fits(table)
            raise

    def _stored(self) -> dict[str, Stored]:
        return {row[0]: Stored(*row) for row in self._connections.read(self._folding.states)}

    def _table(self, name: str) -> Table:
        self._connections.check_open()
        table = self._tables.get(name)
        if table is None:
            raise NotFound(
                f"there is no read table {name!r}", remedy="define its projection first", name=name
            )
        return table


def _fulfilling(table: Table, where: Mapping[str, Any]) -> list[Clause]:
    """What a selection asks of a table's rows."""
    return [
        table.by_name[field].fulfils(value) for field, value in check_where(table.projection, where).items()
    ]


def _check_distinct(tables: Iterable[Table]) -> None:
    names: dict[str, str] = {}
    for table in tables:
        other = names.setdefault(table.name, table.projection.name)
        if other != table.projection.name:
            raise PluginBroken(
                f"the projections {other!r} and {table.projection.name!r} would share one read table",
                remedy="rename one of them",
            )
