"""Reading: by the right index, page by page, with no cursor left open."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fleet_core.api import ALL, Batch, Match, Query, Stream
from fleet_core.testing.store_kit.base import in_thread
from fleet_sqlite import reading
from fleet_sqlite.links import MARK
from fleet_sqlite.store import SqliteStore
from sqlite_gates import watched_by
from sqlite_stores import ONE, TWO, batch, event, execute, open_sqlite

ID = "0190f5fe-7c00-7a00-8abc-0123456789ab"

INDEXED: dict[str, tuple[dict[str, Any], list[str]]] = {
    "ids": ({"ids": (ID,)}, ["events_by_id"]),
    "one stream": ({"streams": (ONE,)}, ["events_by_stream"]),
    "a stream and types": ({"streams": (ONE,), "types": ("noted",)}, ["events_by_stream"]),
    "tags": ({"tags": ("a", "b")}, ["SEARCH x USING PRIMARY KEY"]),
    "causation": ({"causation_id": ID}, ["SEARCH x USING PRIMARY KEY", "SEARCH e USING INTEGER PRIMARY KEY"]),
    "correlation": (
        {"correlation_id": ID},
        ["events_by_id", "SEARCH x USING PRIMARY KEY", "SEARCH e USING INTEGER PRIMARY KEY"],
    ),
}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    store = open_sqlite(tmp_path)
    yield store
    store.close()


def plans(directory: Path, query: Query, backwards: bool = False) -> list[str]:
    """How SQLite goes about each statement that a read runs."""
    found: list[str] = []

    def explain(sql: str, values: Any) -> list[tuple[Any, ...]]:
        if sql == MARK or "max(position)" in sql:
            return [(1000,)]
        found.append(" / ".join(row[3] for row in execute(directory, (f"EXPLAIN QUERY PLAN {sql}", values))))
        return []

    list(reading.read(explain, query, 10, 10**9, None, backwards))
    return found


@pytest.mark.parametrize("backwards", [False, True], ids=["forwards", "backwards"])
@pytest.mark.parametrize(("criteria", "indexes"), INDEXED.values(), ids=INDEXED.keys())
def test_an_index_leads_to_the_events(
    tmp_path: Path, store: SqliteStore, criteria: dict[str, Any], indexes: list[str], backwards: bool
) -> None:
    found = plans(tmp_path, Query.of(**criteria), backwards)
    assert len(found) == len(indexes)
    for plan, index in zip(found, indexes, strict=True):
        assert index in plan
        assert not re.search(r"SCAN (e|x|s|t)\b", plan)


@pytest.mark.parametrize("name", ["one stream", "tags", "causation"])
def test_what_an_index_has_in_order_is_not_sorted_again(
    tmp_path: Path, store: SqliteStore, name: str
) -> None:
    assert "TEMP B-TREE" not in plans(tmp_path, Query.of(**INDEXED[name][0]))[0]


@pytest.mark.parametrize("criteria", [{}, {"types": ("noted",)}, {"stream_types": ("test",)}, {"since": 5}])
def test_the_rest_walks_the_log_from_where_it_is_asked(
    tmp_path: Path, store: SqliteStore, criteria: dict[str, Any]
) -> None:
    [plan] = plans(tmp_path, Query.of(**criteria) if criteria else ALL)
    assert plan.startswith("SEARCH e USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)")
    assert "TEMP B-TREE FOR ORDER BY" not in plan


def test_alternatives_without_an_index_share_one_walk(tmp_path: Path, store: SqliteStore) -> None:
    query = Query((Match(types=("a",)), Match(types=("b",)), Match(streams=(ONE,)), Match(since=1)))
    assert len(plans(tmp_path, query)) == 2


@pytest.mark.parametrize("backwards", [False, True], ids=["forwards", "backwards"])
@pytest.mark.parametrize(
    "query",
    [
        ALL,
        Query.of(streams=(ONE,)),
        Query.of(streams=(ONE, TWO)),
        Query.of(streams=(*tuple(Stream("many", str(number)) for number in range(70)), ONE)),
        Query.of(tags=("even",)),
        Query((Match(tags=("even",)), Match(streams=(TWO,)), Match(types=("odd",)))),
    ],
    ids=["all", "one stream", "two streams", "many streams", "tags", "alternatives"],
)
def test_pages_join_without_a_gap_or_a_repeat(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch, query: Query, backwards: bool
) -> None:
    for number in range(60):
        kind = "even" if number % 2 == 0 else "odd"
        store.append(Batch(ONE if number % 3 else TWO, [event(number, type=kind, tags=(kind,))] * 2))
    expected = [recorded.position for recorded in store.read() if query.accepts(recorded)]
    monkeypatch.setattr(reading, "PAGE", 16)
    found = [recorded.position for recorded in store.read(query, backwards=backwards)]
    assert found == (expected[::-1] if backwards else expected)
    inner = [recorded.position for recorded in store.read(query, after=20, before=101, limit=7)]
    assert inner == [position for position in expected if 20 < position < 101][:7]


def test_a_reader_that_stops_half_way_lets_the_write_ahead_log_be_emptied(
    tmp_path: Path, store: SqliteStore
) -> None:
    store.append(batch(*range(3000)))
    reader = store.read()
    next(reader)
    [(busy, _, _)] = execute(tmp_path, "PRAGMA wal_checkpoint(TRUNCATE)")
    assert busy == 0
    assert next(reader).position == 2


def test_what_is_recorded_while_alternatives_are_merged_is_not_passed_over(tmp_path: Path) -> None:
    statements: list[str] = []

    def watch(sql: str) -> None:
        if sql.startswith("SELECT e.position") and "events_by_stream" in sql:
            statements.append(sql)
            if len(statements) == 2:
                other.append(batch("late", stream=ONE), batch("late", stream=TWO))

    store, other = open_sqlite(tmp_path, connect=watched_by(watch)), open_sqlite(tmp_path)
    store.append(batch(1, stream=ONE), batch(2, stream=TWO))
    found = [recorded.position for recorded in store.read(Query.of(streams=(ONE, TWO)))]
    assert len(statements) == 2
    assert found in ([1, 2], [1, 2, 3, 4])
    store.close()
    other.close()


def test_bounds_beyond_64_bits_exclude_nothing(store: SqliteStore) -> None:
    store.append(batch(1))
    query = Query.of(since=-(2**70), until=2**70)
    assert [recorded.plain for recorded in store.read(query, after=-(2**70), before=2**70)] == [1]
    assert list(store.read(after=2**70)) == []


def test_threads_that_come_and_go_leave_no_connection_behind(store: SqliteStore) -> None:
    store.append(batch(1))
    for result in [in_thread(lambda: list(store.read())) for _ in range(50)]:
        assert len(result()) == 1
    assert len(store._connections._readers) <= 8
