"""Read tables: one for each projection, a column for each field of its state, readable by any SQL tool."""

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from fleet_core.api import (
    AtMost,
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
from fleet_sqlite.columns import KEY, Table
from fleet_sqlite.connections import Connections
from fleet_sqlite.database import Connection
from fleet_sqlite.folding import MOVE, STATES, Stored, stored_states, take_in
from fleet_sqlite.lean import peewee

_ADD: Final = "INSERT OR REPLACE INTO projections (name, version, columns, position) VALUES (?, ?, ?, ?)"

_POSITION: Final = "SELECT position FROM projections WHERE name = ?"

_COUNT: Final = peewee.fn.COUNT(peewee.SQL("*"))

_PAGE: Final = 1000
"""Rows fetched at once."""


class ReadTables:
    """The abilities `Views`, `Searching` and `Ordering`, on a database that has the table `projections`."""

    inline = False

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._tables: dict[str, Table] = {}

    def define(self, projections: Sequence[Projection[Any]]) -> list[str]:
        """See `Views.define`."""
        tables = {projection.name: Table(projection) for projection in projections}
        _check_distinct(tables.values())
        if tables.keys() - self._stored().keys():
            self._connections.transaction(lambda connection: _create_missing(connection, tables.values()))
        stored = self._stored()
        self._tables |= tables
        return [name for name, table in tables.items() if not stored[name].fits(table)]

    def states(self) -> list[ViewState]:
        """See `Views.states`. `rows` is counted, table by table."""
        return [
            ViewState(each.name, each.version, each.position, self._count(self._tables[each.name]))
            for each in self._stored().values()
            if each.name in self._tables
        ]

    def _count(self, table: Table) -> int:
        [(rows,)] = self._connections.read(*table.source.select(_COUNT).sql())
        return rows  # type: ignore[no-any-return]

    def position(self, name: str) -> int:
        """See `Views.position`."""
        self._table(name)
        return self._connections.read(_POSITION, (name,))[0][0]  # type: ignore[no-any-return]

    def apply(self, name: str, events: Sequence[Recorded], position: int) -> None:
        """See `Views.apply`.

        Raises:
            PluginBroken: the projection can't take in an event.
            Unavailable: the table was made by another version of the projection.
        """
        table = self._table(name)

        def take(connection: Connection) -> None:
            stored = stored_states(connection)[name]
            if stored.position < position:
                stored.check_fits(table)
                take_in(connection, table, [event for event in events if event.position > stored.position])
                connection.execute(MOVE, (position, name))

        self._connections.transaction(take)

    def rebuild(self, name: str, events: Iterator[Recorded], position: int) -> None:
        """See `Views.rebuild`. The states are folded in memory before the table is locked."""
        table = self._table(name)
        states = fold(table.projection, events)
        rows = [table.row(key, state) for key, state in states.items()]

        def switch(connection: Connection) -> None:
            for statement in (*table.drop, *table.create):
                connection.execute(statement)
            connection.executemany(table.upsert, rows)
            connection.execute(_ADD, (name, table.projection.version, table.definition, position))

        self._connections.transaction(switch)

    def get(self, name: str, key: str) -> Any | None:
        """See `Views.get`."""
        table = self._table(name)
        rows = self._read(table, f"{table.select} WHERE _key = ?", (key,))
        return table.state(rows[0]) if rows else None

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
        wanted = check_where(table.projection, where)
        asked = (_kinds(wanted), after is None, limit is None, backwards)
        if asked not in table.queries:
            query = _paged(table, table.states, wanted, after=after, limit=limit, backwards=backwards)
            table.queries[asked] = query.sql()[0]
        values = [
            *_values(table, wanted),
            *([] if after is None else [after]),
            *([] if limit is None else [limit + 1]),
        ]
        return self._page(table, table.queries[asked], values, limit)

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
        """See `Searching.search`. The index is FTS5's: https://www.sqlite.org/fts5.html."""
        table = self._table(name)
        found = table.states.where(table.holds(check_words(table.projection, words)))
        wanted = check_where(table.projection, where)
        query = _paged(table, found, wanted, after=after, limit=limit, backwards=backwards)
        return self._page(table, *query.sql(), limit)

    def _page(self, table: Table, sql: str, values: Sequence[Any], limit: int | None) -> Page[Any]:
        found = self._read(table, sql, values)
        taken = found[:limit]
        more = taken and len(found) > len(taken)
        return Page([table.state(row) for row in taken], taken[-1][0] if more else None)

    def first(self, name: str, where: Mapping[str, Any], *, by: str, limit: int) -> list[Any]:
        """See `Ordering.first`."""
        table = self._table(name)
        wanted = check_where(table.projection, where)
        asked = ("first", _kinds(wanted), check_order(table.projection, by))
        if asked not in table.queries:
            number = table.at(by)
            query = _narrowed(table, table.states, wanted).where(number.is_null(False))
            table.queries[asked] = query.order_by(number, table.at(KEY)).limit(limit).sql()[0]
        found = self._read(table, table.queries[asked], [*_values(table, wanted), limit])
        return [table.state(row) for row in found]

    def rows(self, name: str) -> Iterator[tuple[str, Any]]:
        """See `Views.rows`."""
        table = self._table(name)
        key = table.at(KEY)
        query = table.states.order_by(key).limit(_PAGE)
        found = self._read(table, *query.sql())
        while found:
            for row in found:
                yield row[0], table.state(row)
            found = self._read(table, *query.where(key > found[-1][0]).sql())

    def count_by(self, name: str, field: str) -> dict[str, int]:
        """See `Views.count_by`."""
        table = self._table(name)
        column = table.by_name[check_field(table.projection, field)]
        query = table.source.select(table.at(field), _COUNT).group_by(table.at(field))
        counts: Counter[str] = Counter()
        for stored, count in self._read(table, *query.sql()):
            counts[str(column.load(stored))] += count
        return dict(sorted(counts.items()))

    def close(self) -> None:
        """See `Views.close`."""
        self._connections.close()

    def _read(self, table: Table, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        try:
            return self._connections.read(sql, values)
        except FleetError:
            # The statement does not fit a table that another version of the projection made: that is the
            # thing to say.
            self._stored()[table.projection.name].check_fits(table)
            raise

    def _stored(self) -> dict[str, Stored]:
        return {row[0]: Stored(*row) for row in self._connections.read(STATES)}

    def _table(self, name: str) -> Table:
        self._connections.check_open()
        table = self._tables.get(name)
        if table is None:
            raise NotFound(
                f"there is no read table {name!r}", remedy="define its projection first", name=name
            )
        return table


def _kinds(wanted: Mapping[str, Any]) -> Hashable:
    """What the SQL of a selection depends on."""
    return tuple((field, value is None, isinstance(value, AtMost)) for field, value in wanted.items())


def _values(table: Table, wanted: Mapping[str, Any]) -> list[Any]:
    """The values that such SQL is given; what is None stands in it."""
    return [table.compared(field, value) for field, value in wanted.items() if value is not None]


def _narrowed(table: Table, query: peewee.Select, wanted: Mapping[str, Any]) -> peewee.Select:
    for field, value in wanted.items():
        query = query.where(table.fulfils(field, value))
    return query


def _paged(
    table: Table,
    query: peewee.Select,
    wanted: Mapping[str, Any],
    *,
    after: str | None,
    limit: int | None,
    backwards: bool,
) -> peewee.Select:
    """A query narrowed down to a page, whose values stand in the order of these arguments."""
    key = table.at(KEY)
    query = _narrowed(table, query, wanted).order_by(key.desc() if backwards else key)
    if after is not None:
        query = query.where(key < after if backwards else key > after)
    return query if limit is None else query.limit(limit + 1)


def _check_distinct(tables: Iterable[Table]) -> None:
    names: dict[str, str] = {}
    for table in tables:
        # SQLite does not tell upper from lower case in names.
        other = names.setdefault(table.name.lower(), table.projection.name)
        if other != table.projection.name:
            raise PluginBroken(
                f"the projections {other!r} and {table.projection.name!r} would share one read table",
                remedy="rename one of them",
            )


def _create_missing(connection: Connection, tables: Iterable[Table]) -> None:
    stored = stored_states(connection)
    for table in tables:
        if table.projection.name not in stored:
            for statement in table.create:
                connection.execute(statement)
            values = (table.projection.name, table.projection.version, table.definition, 0)
            connection.execute(_ADD, values)
