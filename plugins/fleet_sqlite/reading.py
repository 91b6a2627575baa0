"""Queries as SQL: which index leads to the events, and what else must be true of them.

A query becomes one or several sources, each of which yields events in order of position, page by page;
several are merged. Statements differ only by the criteria that are given: values are bound, and the driver
keeps what it compiled.
"""

from collections.abc import Callable, Iterator, Sequence
from heapq import merge
from typing import Any, Final, NamedTuple

from fleet_core.api import Match, Query, stored_id
from fleet_sqlite.database import bindable

Row = tuple[Any, ...]
Fetch = Callable[[str, Sequence[Any]], list[Row]]
"""Runs a query and gives all of its rows."""

PAGE: Final = 1000
"""Rows fetched at once."""

FIRST: Final = 0
LAST: Final = 2**63 - 1
"""Bounds that exclude nothing."""

MOST_STREAMS: Final = 64
"""Streams that are looked up one by one and merged; for more, the log is scanned."""

COLUMNS: Final = (
    "e.position, e.id, t.name, e.schema_version, s.type, s.id, e.version, e.data, e.tags, e.metadata,"
    " e.causation_id, e.correlation_id, e.occurred_at, e.recorded_at"
)
"""The layout of `fleet_core.api.Row`."""

# CROSS JOIN keeps SQLite to this order: the events lead, their names are looked up.
NAMES: Final = "CROSS JOIN streams s ON s.key = e.stream CROSS JOIN types t ON t.key = e.type"

_STREAM_KEY: Final = "(SELECT key FROM streams WHERE type = ? AND id = ?)"
_TAG_KEY: Final = "(SELECT key FROM tags WHERE name = ?)"


class Clause(NamedTuple):
    """A piece of a WHERE clause and the values bound in it."""

    sql: str
    values: tuple[Any, ...] = ()


class Source(NamedTuple):
    """A way to the events: tables, what must be true, and the column that holds the position.

    `by_version` says that rows come by a stream's own index, in which version and position rise together.
    """

    tables: str
    where: Clause
    position: str = "e.position"
    by_version: bool = False


def read(
    fetch: Fetch, query: Query, after: int, before: int, limit: int | None, backwards: bool
) -> Iterator[Row]:
    """The rows of matching events between two positions, in order."""
    sources = _sources(query)
    page = max(PAGE // max(len(sources), 1), 16) if limit is None else max(min(PAGE, limit), 1)
    if len(sources) == 1:
        return _pages(fetch, sources[0], after, before, page, backwards)
    # Pages of several sources are read at different times: the end must be the same for all, or an event
    # recorded in between could be passed over.
    before = min(before, fetch("SELECT coalesce(max(position), 0) FROM events", ())[0][0] + 1)
    rows = [_pages(fetch, source, after, before, page, backwards) for source in sources]
    return _distinct(merge(*rows, key=_position, reverse=backwards))


def first(fetch: Fetch, query: Query, after: int) -> int | None:
    """The position of the first matching event after a position; None when there is none."""
    found = [
        row[0]
        for source in _sources(query)
        for row in _page(fetch, source, (after, LAST), (FIRST, LAST), 1, False)
    ]
    return min(found, default=None)


def _position(row: Row) -> int:
    return row[0]  # type: ignore[no-any-return]


def _distinct(rows: Iterator[Row]) -> Iterator[Row]:
    last = 0
    for row in rows:
        if row[0] != last:
            last = row[0]
            yield row


def _pages(
    fetch: Fetch, source: Source, after: int, before: int, size: int, backwards: bool
) -> Iterator[Row]:
    positions, versions = (after, before), (FIRST, LAST)
    while True:
        rows = _page(fetch, source, positions, versions, size, backwards)
        yield from rows
        if len(rows) < size:
            return
        position, version = rows[-1][0], rows[-1][6]
        positions = (positions[0], position) if backwards else (position, positions[1])
        versions = (FIRST, version) if backwards else (version, LAST)


def _page(
    fetch: Fetch,
    source: Source,
    positions: tuple[int, int],
    versions: tuple[int, int],
    size: int,
    backwards: bool,
) -> list[Row]:
    column = "e.version" if source.by_version else source.position
    bounds = f"{source.position} > ? AND {source.position} < ?"
    values = (*source.where.values, *positions)
    if source.by_version:
        bounds += " AND e.version > ? AND e.version < ?"
        values += versions
    direction = "DESC" if backwards else "ASC"
    sql = (
        f"SELECT {COLUMNS} FROM {source.tables} {NAMES} WHERE {source.where.sql} AND {bounds}"
        f" ORDER BY {column} {direction} LIMIT ?"
    )
    return fetch(sql, (*values, size))


def _sources(query: Query) -> list[Source]:
    if not query.items:
        return [_scan(Clause("1"))]
    sources = []
    scanned = []
    for item in query.items:
        found = _indexed(item)
        if found is None:
            scanned.append(_criteria(item))
        else:
            sources += found
    if scanned:
        alternatives = " OR ".join(f"({clause.sql})" for clause in scanned)
        sources.append(
            _scan(Clause(f"({alternatives})", tuple(value for each in scanned for value in each.values)))
        )
    return sources


def _scan(where: Clause) -> Source:
    return Source("events e NOT INDEXED", where)


def _indexed(item: Match) -> list[Source] | None:
    """The ways to an item's events by an index; None when the log must be scanned."""
    criteria = _criteria(item)
    if item.ids:
        # The plus keeps SQLite from walking the log by position.
        return [Source("events e INDEXED BY events_by_id", criteria, "+e.position")]
    if 0 < len(item.streams) <= MOST_STREAMS:
        return [_by_stream(stream, criteria) for stream in dict.fromkeys(item.streams)]
    if item.tags:
        tables = "event_tags x CROSS JOIN events e ON e.position = x.position"
        return [Source(tables, _all(Clause(f"x.tag = {_TAG_KEY}", (item.tags[0],)), criteria), "x.position")]
    if item.correlation_id is not None:
        root = _all(Clause("e.id = ?", (_bound(item.correlation_id),)), criteria)
        rest = _all(_by_tail("correlation_id", item.correlation_id), criteria)
        return [
            Source("events e INDEXED BY events_by_id", root, "+e.position"),
            Source("events e INDEXED BY events_by_correlation", rest),
        ]
    if item.causation_id is not None:
        return [
            Source(
                "events e INDEXED BY events_by_causation",
                _all(_by_tail("causation_id", item.causation_id), criteria),
            )
        ]
    return None


def _by_stream(stream: tuple[str, str], criteria: Clause) -> Source:
    where = _all(Clause(f"e.stream = {_STREAM_KEY}", tuple(stream)), criteria)
    return Source("events e INDEXED BY events_by_stream", where, by_version=True)


def _by_tail(column: str, id: str) -> Clause:
    value = _bound(id)
    return Clause(
        f"e.{column} = ? AND e.{column} IS NOT NULL AND substr(e.{column}, -3) = ?", (value, value[-3:])
    )


def _criteria(item: Match) -> Clause:
    clauses = [
        _among("e.stream IN (SELECT key FROM streams WHERE (type, id) IN (VALUES {}))", item.streams),
        _among("s.type IN ({})", item.stream_types),
        _among("e.type IN (SELECT key FROM types WHERE name IN ({}))", item.types),
        _among("e.id IN ({})", [_bound(id) for id in item.ids]),
        *(_tagged(tag) for tag in item.tags),
        _compared("e.causation_id = ?", item.causation_id and _bound(item.causation_id)),
        _compared(
            "coalesce(e.correlation_id, e.id) = ?", item.correlation_id and _bound(item.correlation_id)
        ),
        _compared("coalesce(e.occurred_at, e.recorded_at) >= ?", _bounded(item.since)),
        _compared("coalesce(e.occurred_at, e.recorded_at) <= ?", _bounded(item.until)),
    ]
    return _all(*clauses)


def _among(sql: str, values: Sequence[Any]) -> Clause:
    if not values:
        return Clause("1")
    if isinstance(values[0], tuple):
        return Clause(
            sql.format(", ".join(["(?, ?)"] * len(values))), tuple(part for value in values for part in value)
        )
    return Clause(sql.format(", ".join("?" * len(values))), tuple(values))


def _tagged(tag: str) -> Clause:
    return Clause(
        f"EXISTS (SELECT 1 FROM event_tags y WHERE y.tag = {_TAG_KEY} AND y.position = e.position)", (tag,)
    )


def _compared(sql: str, value: Any) -> Clause:
    return Clause("1") if value is None else Clause(sql, (value,))


def _bounded(moment: int | None) -> int | None:
    return None if moment is None else max(-LAST, min(moment, LAST))


def _all(*clauses: Clause) -> Clause:
    told = [clause for clause in clauses if clause.sql != "1"]
    if not told:
        return Clause("1")
    return Clause(
        " AND ".join(clause.sql for clause in told), tuple(value for each in told for value in each.values)
    )


def _bound(id: str) -> Any:
    return bindable(stored_id(id))
