"""Queries as SQL: which index leads to the events, and what else must be true of them.

A query becomes one or several sources; a page of several is the union of a page of each. Statements differ
only by the criteria that are given: values are bound.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import takewhile
from typing import Any, Final, NamedTuple

import msgspec

from fleet_core.api import Condition, Match, Query, stored_id
from fleet_postgres.ids import packed, unpacked_row
from fleet_postgres.requests import Excluded

Row = tuple[Any, ...]
Fetch = Callable[[str, Sequence[Any]], list[Row]]
"""Runs a query and gives all of its rows."""

PAGE: Final = 1000
"""Rows fetched at once."""

FIRST: Final = 0
LAST: Final = 2**63 - 1
"""Bounds that exclude nothing."""

_NO_NAME: Final = re.compile("[\0\ud800-\udfff]")
"""What no name holds, and PostgreSQL's text can't."""

MOST_STREAMS: Final = 64
"""Streams that are looked up one by one; for more, the log is scanned."""

COLUMNS: Final = (
    "e.position, e.id, e.type, e.schema_version, s.type, s.id, e.version, e.data, e.tags, e.metadata,"
    " e.causation_id, e.correlation_id, e.occurred_at, e.recorded_at"
)
"""The layout of `fleet_core.api.Row`, but for ids, which are packed."""


class Clause(NamedTuple):
    """A piece of a WHERE clause and the values bound in it."""

    sql: str
    values: tuple[Any, ...] = ()


class Source(NamedTuple):
    """A way to the events: tables, what must be true, and the column that they come in order of.

    `by_version` says that rows come by a stream's own index, in which version and position rise together.
    """

    tables: str
    where: Clause
    by_version: bool = False
    position: str = "e.position"

    @property
    def order(self) -> str:
        """The column whose index gives the order."""
        return "e.version" if self.by_version else self.position


class Window(NamedTuple):
    """Which part of the log a page is to come from; all bounds are exclusive."""

    after: int
    before: int
    versions: tuple[int, int]
    size: int
    backwards: bool

    def beyond(self, row: Row) -> "Window":
        """What is left behind the last row of a page."""
        if self.backwards:
            return self._replace(before=row[0], versions=(FIRST, row[6]))
        return self._replace(after=row[0], versions=(row[6], LAST))


class Reading:
    """The statements of one schema."""

    def __init__(self, schema: str) -> None:
        self._events = f"{schema}.events e"
        self._streams = f"{schema}.streams"
        self._tags = f"{schema}.event_tags"
        self._names = f"JOIN {schema}.streams s ON s.key = e.stream"
        self._stream_key = f"(SELECT key FROM {schema}.streams WHERE type = %s AND id = %s)"

    def read(
        self, fetch: Fetch, query: Query, after: int, before: int, limit: int | None, backwards: bool
    ) -> Iterator[Row]:
        """The rows of matching events between two positions, in order."""
        sources = self._sources(query)
        size = PAGE if limit is None else max(min(PAGE, limit), 1)
        window = Window(after, before, (FIRST, LAST), size, backwards)
        while True:
            page = self._page(sources, window)
            rows = fetch(page.sql, page.values)
            yield from map(unpacked_row, rows)
            if len(rows) < size:
                return
            window = window.beyond(rows[-1])

    def read_to_head(
        self, fetch: Fetch, query: Query, after: int, head: int, limit: int | None
    ) -> Iterator[Row]:
        """The rows of matching events from a position to the head.

        The statement has no upper bound: a second one makes the planner think, as long as it has no
        statistics, that there is next to nothing in between, and sort the rest of the log for each page.
        """
        return takewhile(lambda row: row[0] <= head, self.read(fetch, query, after, LAST, limit, False))

    def exclude(self, condition: Condition) -> Excluded:
        """A condition as the function `decide` takes it: the values are in one JSON array, `$1`."""
        window = Window(_bounded(condition.after), LAST, (FIRST, LAST), 1, False)
        sql, values = self._first(self._sources(condition.query), window)
        for index, value in enumerate(values):
            sql = sql.replace("%s", _from_json(index, value), 1)
        return Excluded(sql, values)

    def _first(self, sources: Sequence[Source], window: Window) -> Clause:
        if len(sources) == 1:
            return self._positions(sources[0], window)
        union = self._union(sources, window)
        return Clause(f"SELECT min(u.position) FROM ({union.sql}) u", union.values)

    def _page(self, sources: Sequence[Source], window: Window) -> Clause:
        if len(sources) == 1:
            source = sources[0]
            where = _within(source, window)
            return Clause(
                f"SELECT {COLUMNS} FROM {source.tables} {self._names}"
                f" {_tail(where.sql, source.order, window)}",
                (*where.values, window.size),
            )
        union = self._union(sources, window)
        direction = "DESC" if window.backwards else "ASC"
        return Clause(
            f"SELECT {COLUMNS} FROM {self._events} {self._names} WHERE e.position IN"
            f" (SELECT u.position FROM ({union.sql}) u ORDER BY u.position {direction} LIMIT %s)"
            f" ORDER BY e.position {direction}",
            (*union.values, window.size),
        )

    def _union(self, sources: Sequence[Source], window: Window) -> Clause:
        # A row's version says nothing of another source's rows.
        window = window._replace(versions=(FIRST, LAST))
        parts = [self._positions(source, window) for source in sources]
        return Clause(
            " UNION ".join(f"({part.sql})" for part in parts),
            tuple(value for part in parts for value in part.values),
        )

    def _positions(self, source: Source, window: Window) -> Clause:
        where = _within(source, window)
        names = self._names if "s." in where.sql else ""
        return Clause(
            f"SELECT {source.position} AS position FROM {source.tables} {names}"
            f" {_tail(where.sql, source.order, window)}",
            (*where.values, window.size),
        )

    def _sources(self, query: Query) -> list[Source]:
        if not query.items:
            return [self._scan(Clause(""))]
        sources: list[Source] = []
        scanned: list[Clause] = []
        for item in map(_possible, query.items):
            if item is None:
                continue
            found = self._indexed(item)
            if found is None:
                scanned.append(self._criteria(item))
            else:
                sources += found
        if scanned:
            alternatives = " OR ".join(f"({clause.sql or 'true'})" for clause in scanned)
            values = tuple(value for clause in scanned for value in clause.values)
            sources.append(self._scan(Clause(f"({alternatives})", values)))
        return sources or [self._scan(Clause("false"))]

    def _scan(self, where: Clause) -> Source:
        return Source(self._events, where)

    def _indexed(self, item: Match) -> list[Source] | None:
        """The ways to an item's events by an index; None when the log must be scanned."""
        if item.ids:
            return [self._scan(self._criteria(item))]
        if 0 < len(item.streams) <= MOST_STREAMS:
            rest = self._criteria(item, beside="streams")
            return [self._by_stream(stream, rest) for stream in dict.fromkeys(item.streams)]
        if item.tags:
            tables = f"{self._tags} x JOIN {self._events} ON e.position = x.position"
            where = _both(Clause("x.tag = %s", (item.tags[0],)), self._criteria(item, beside=item.tags[0]))
            return [Source(tables, where, position="x.position")]
        if item.correlation_id is not None:
            rest = self._criteria(item, beside="correlation")
            root = (_bound(item.correlation_id),)
            return [
                self._scan(_both(Clause("e.id = %s AND e.correlation_id IS NULL", root), rest)),
                self._scan(_both(Clause("e.correlation_id = %s", root), rest)),
            ]
        if item.causation_id is not None:
            return [self._scan(self._criteria(item))]
        return None

    def _by_stream(self, stream: tuple[str, str], rest: Clause) -> Source:
        where = _both(Clause(f"e.stream = {self._stream_key}", tuple(stream)), rest)
        return Source(self._events, where, by_version=True)

    def _criteria(self, item: Match, beside: str = "") -> Clause:
        """All that an item demands, `beside` what the way to its events grants already."""
        parts: list[str] = []
        values: list[Any] = []

        def demand(sql: str, *bound: Any) -> None:
            parts.append(sql)
            values.extend(bound)

        if item.streams and beside != "streams":
            types, ids = [stream[0] for stream in item.streams], [stream[1] for stream in item.streams]
            demand(
                f"e.stream = ANY (ARRAY(SELECT k.key FROM {self._streams} k"
                " JOIN unnest(%s::text[], %s::text[]) AS n(type, id) ON k.type = n.type AND k.id = n.id))",
                types,
                ids,
            )
        if item.stream_types:
            demand("s.type = ANY (%s)", list(item.stream_types))
        if item.types:
            demand("e.type = ANY (%s)", list(item.types))
        for tag in item.tags:
            if tag != beside:
                demand(
                    f"EXISTS (SELECT 1 FROM {self._tags} y WHERE y.tag = %s AND y.position = e.position)", tag
                )
        if item.ids:
            demand("e.id = ANY (%s)", [_bound(id) for id in item.ids])
        if item.causation_id is not None:
            demand("e.causation_id = %s", _bound(item.causation_id))
        if item.correlation_id is not None and beside != "correlation":
            demand("coalesce(e.correlation_id, e.id) = %s", _bound(item.correlation_id))
        if item.since is not None:
            demand("coalesce(e.occurred_at, e.recorded_at) >= %s", _bounded(item.since))
        if item.until is not None:
            demand("coalesce(e.occurred_at, e.recorded_at) <= %s", _bounded(item.until))
        return Clause(" AND ".join(parts), tuple(values))


def _possible(item: Match) -> Match | None:
    """An item without the names that nothing can have, and that PostgreSQL would not take; None when nothing
    is left that it could match."""
    single = [*item.tags, *filter(None, (item.causation_id, item.correlation_id))]
    if any(map(_NO_NAME.search, single)):
        return None
    kept: dict[str, Any] = {}
    for field in ("streams", "stream_types", "types", "ids"):
        asked = getattr(item, field)
        kept[field] = tuple(each for each in asked if not _NO_NAME.search("".join(each)))
        if asked and not kept[field]:
            return None
    return msgspec.structs.replace(item, **kept)


def _within(source: Source, window: Window) -> Clause:
    """What a source demands, within the window."""
    bounds: list[str] = []
    values: list[int] = []
    for column, low, high in [
        (source.position, window.after, window.before),
        *([("e.version", *window.versions)] if source.by_version else []),
    ]:
        if low > FIRST:
            bounds.append(f"{column} > %s")
            values.append(low)
        if high < LAST:
            bounds.append(f"{column} < %s")
            values.append(high)
    return _both(source.where, Clause(" AND ".join(bounds), tuple(values)))


def _tail(where: str, order: str, window: Window) -> str:
    condition = f"WHERE {where} " if where else ""
    return f"{condition}ORDER BY {order} {'DESC' if window.backwards else 'ASC'} LIMIT %s"


def _from_json(index: int, value: Any) -> str:
    """How SQL gets a value out of the array `$1`."""
    if isinstance(value, list):
        each = "decode(v, 'base64')" if value and isinstance(value[0], bytes) else "v"
        return f"ARRAY(SELECT {each} FROM jsonb_array_elements_text($1 -> {index}) v)"
    if isinstance(value, bytes):
        return f"decode($1 ->> {index}, 'base64')"
    return f"($1 ->> {index})::bigint" if isinstance(value, int) else f"($1 ->> {index})"


def _both(one: Clause, two: Clause) -> Clause:
    parts = [clause.sql for clause in (one, two) if clause.sql]
    return Clause(" AND ".join(parts), one.values + two.values)


def _bounded(number: int) -> int:
    return max(-LAST, min(number, LAST))


def _bound(id: str) -> bytes:
    return packed(stored_id(id))
