"""Read tables in dicts: states kept current in the append itself."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fleet_core.api import FoldedView, NotFound, Page, Projection, Recorded, ViewState, fold


class _Table:
    def __init__(self, projection: Projection[Any]) -> None:
        self.projection = projection
        self.states: dict[str, Any] = {}
        self.position = 0

    def take(self, events: Sequence[Recorded], position: int) -> None:
        fold(self.projection, events, self.states)
        self.position = position


class ReadTables:
    """The abilities `Views`, `Searching` and `Ordering`."""

    inline = True

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._tables: dict[str, _Table] = {}
        self._definitions: dict[str, Projection[Any]] = {}

    def define(self, projections: Sequence[Projection[Any]]) -> list[str]:
        """See `Views.define`. A table lives on by its old definition until it is rebuilt."""
        with self._lock:
            for projection in projections:
                self._definitions[projection.name] = projection
                table = self._tables.setdefault(projection.name, _Table(projection))
                if table.projection.version == projection.version:
                    table.projection = projection
            return [
                each.name
                for each in projections
                if self._tables[each.name].projection.version != each.version
            ]

    def states(self) -> list[ViewState]:
        """See `Views.states`."""
        with self._lock:
            return [
                ViewState(name, table.projection.version, table.position, len(table.states))
                for name, table in sorted(self._tables.items())
            ]

    def position(self, name: str) -> int:
        """See `Views.position`."""
        return self._table(name).position

    def apply(self, name: str, events: Sequence[Recorded], position: int) -> None:
        """See `Views.apply`."""
        with self._lock:
            table = self._table(name)
            if position > table.position:
                table.take(events, position)

    def rebuild(self, name: str, events: Iterator[Recorded], position: int) -> None:
        """See `Views.rebuild`."""
        self._table(name)
        table = _Table(self._definitions[name])
        table.states = fold(table.projection, events)
        table.position = position
        with self._lock:
            self._tables[name] = table

    def get(self, name: str, key: str) -> Any | None:
        """See `Views.get`."""
        return self._view(name).get(key)

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
        return self._view(name).select(where, after=after, limit=limit, backwards=backwards)

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
        """See `Searching.search`. There is no index: all states are looked at."""
        return self._view(name).search(words, where, after=after, limit=limit, backwards=backwards)

    def first(self, name: str, where: Mapping[str, Any], *, by: str, limit: int) -> list[Any]:
        """See `Ordering.first`."""
        return self._view(name).first(where, by=by, limit=limit)

    def rows(self, name: str) -> Iterator[tuple[str, Any]]:
        """See `Views.rows`."""
        with self._lock:
            states = dict(self._table(name).states)
        return iter(sorted(states.items(), key=lambda row: row[0].encode()))

    def count_by(self, name: str, field: str) -> dict[str, int]:
        """See `Views.count_by`."""
        return self._view(name).count_by(field)

    def _view(self, name: str) -> FoldedView[Any]:
        with self._lock:
            table = self._table(name)
            return FoldedView(table.projection, dict(table.states))

    def _table(self, name: str) -> _Table:
        table = self._tables.get(name)
        if table is None:
            raise NotFound(
                f"there is no read table {name!r}", remedy="define its projection first", name=name
            )
        return table

    def _advance(self, events: Sequence[Recorded], before: int) -> None:
        """Fold what was just recorded, beyond position `before`, into the tables that had come that far."""
        for table in self._tables.values():
            if events and table.position == before:
                table.take(events, events[-1].position)
