"""Queries as SQL: which index leads to the events, and what else must be true of them.

A query becomes one or several sources, each of which yields events in order of position, page by page;
several are merged. Statements differ only by the criteria that are given: values are bound, and the driver
keeps what it compiled.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from heapq import merge
from itertools import chain
from typing import Any, Final, NamedTuple

from fleet_core.api import Match, Query, stored_id
from fleet_sqlite.database import bindable
from fleet_sqlite.links import MARK, linked_to

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

    `by_version` says that rows come by a stream's own index, in which version and position rise together;
    what is not `beyond` a position is another source's.
    """

    tables: str
    where: Clause
    position: str = "e.position"
    by_version: bool = False
    beyond: int = FIRST


def read(
    fetch: Fetch, query: Query, after: int, before: int, limit: int | None, backwards: bool
) -> Iterator[Row]:
    """The rows of matching events between two positions, in order."""
    sources = _sources(fetch, query)
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
    after = _bounded(after)
    found = [next(_pages(fetch, source, after, LAST, 1, False), None) for source in _sources(fetch, query)]
    return min((row[0] for row in found if row is not None), default=None)


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
    positions, versions = (max(after, source.beyond), before), (FIRST, LAST)
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
    values = (
        (*source.where.values, *positions, *versions, size)
        if source.by_version
        else (*source.where.values, *positions, size)
    )
    return fetch(
        _page_sql(source.tables, source.where.sql, source.position, source.by_version, backwards), values
    )


@lru_cache(maxsize=256)
def _page_sql(tables: str, where: str, position: str, by_version: bool, backwards: bool) -> str:
    column = "e.version" if by_version else position
    conditions = [where, f"{position} > ?", f"{position} < ?"]
    if by_version:
        conditions += ["e.version > ?", "e.version < ?"]
    return (
        f"SELECT {COLUMNS} FROM {tables} {NAMES} WHERE {' AND '.join(filter(None, conditions))}"
        f" ORDER BY {column} {'DESC' if backwards else 'ASC'} LIMIT ?"
    )


def _sources(fetch: Fetch, query: Query) -> list[Source]:
    if not query.items:
        return [_scan(Clause(""))]
    sources = []
    scanned = []
    for item in query.items:
        found = _indexed(fetch, item)
        if found is None:
            scanned.append(_criteria(item))
        else:
            sources += found
    if scanned:
        alternatives = " OR ".join(f"({clause.sql or 1})" for clause in scanned)
        values = tuple(value for clause in scanned for value in clause.values)
        sources.append(_scan(Clause(f"({alternatives})", values)))
    return sources


def _scan(where: Clause) -> Source:
    return Source("events e NOT INDEXED", where)


def _indexed(fetch: Fetch, item: Match) -> list[Source] | None:
    """The ways to an item's events by an index; None when the log must be scanned."""
    if item.ids:
        # The plus keeps SQLite from walking the log by position.
        return [Source("events e INDEXED BY events_by_id", _criteria(item), "+e.position")]
    if 0 < len(item.streams) <= MOST_STREAMS:
        rest = _criteria(item, beside="streams")
        return [_by_stream(stream, rest) for stream in dict.fromkeys(item.streams)]
    if item.tags:
        first_tag = Clause(f"x.tag = {_TAG_KEY}", (item.tags[0],))
        tables = "event_tags x CROSS JOIN events e ON e.position = x.position"
        return [Source(tables, _both(first_tag, _criteria(item)), "x.position")]
    if item.correlation_id is not None:
        rest = _criteria(item, beside="correlation")
        root = Clause("e.id = ? AND e.correlation_id IS NULL", (_bound(item.correlation_id),))
        return [
            Source("events e INDEXED BY events_by_id", _both(root, rest), "+e.position"),
            *_by_link(fetch, "correlation", item.correlation_id, rest),
        ]
    if item.causation_id is not None:
        rest = _criteria(item, beside="causation")
        return _by_link(fetch, "causation", item.causation_id, rest)
    return None


def _by_stream(stream: tuple[str, str], rest: Clause) -> Source:
    where = _both(Clause(f"e.stream = {_STREAM_KEY}", tuple(stream)), rest)
    return Source("events e INDEXED BY events_by_stream", where, by_version=True)


def _by_link(fetch: Fetch, column: str, id: str, rest: Clause) -> list[Source]:
    # The mark is read first: events that are linked later are found twice rather than never.
    mark = fetch(MARK, ())[0][0]
    where = _both(Clause(f"e.{column}_id = ?", (_bound(id),)), rest)
    linked = _both(Clause(*linked_to(stored_id(id))), where)
    return [
        Source("event_links x CROSS JOIN events e ON e.position = x.position", linked, "x.position"),
        _scan(where)._replace(beyond=mark),
    ]


def _criteria(item: Match, beside: str = "") -> Clause:
    """All that an item demands, `beside` what the way to its events grants already."""
    parts: list[str] = []
    values: list[Any] = []

    def demand(sql: str, *bound: Any) -> None:
        parts.append(sql)
        values.extend(bound)

    if item.streams and beside != "streams":
        names = ", ".join(["(?, ?)"] * len(item.streams))
        demand(
            f"e.stream IN (SELECT key FROM streams WHERE (type, id) IN (VALUES {names}))",
            *chain(*item.streams),
        )
    if item.stream_types:
        demand(f"s.type IN ({_marks(item.stream_types)})", *item.stream_types)
    if item.types:
        demand(f"e.type IN (SELECT key FROM types WHERE name IN ({_marks(item.types)}))", *item.types)
    for tag in item.tags:
        demand(
            f"EXISTS (SELECT 1 FROM event_tags y WHERE y.tag = {_TAG_KEY} AND y.position = e.position)", tag
        )
    if item.ids:
        demand(f"e.id IN ({_marks(item.ids)})", *map(_bound, item.ids))
    if item.causation_id is not None and beside != "causation":
        demand("e.causation_id = ?", _bound(item.causation_id))
    if item.correlation_id is not None and beside != "correlation":
        demand("coalesce(e.correlation_id, e.id) = ?", _bound(item.correlation_id))
    if item.since is not None:
        demand("coalesce(e.occurred_at, e.recorded_at) >= ?", _bounded(item.since))
    if item.until is not None:
        demand("coalesce(e.occurred_at, e.recorded_at) <= ?", _bounded(item.until))
    return Clause(" AND ".join(parts), tuple(values))


def _both(one: Clause, two: Clause) -> Clause:
    return Clause(f"{one.sql} AND {two.sql}", one.values + two.values) if two.sql else one


def _marks(values: Sequence[Any]) -> str:
    return ", ".join("?" * len(values))


def _bounded(number: int) -> int:
    return max(-LAST, min(number, LAST))


def _bound(id: str) -> Any:
    return bindable(stored_id(id))
