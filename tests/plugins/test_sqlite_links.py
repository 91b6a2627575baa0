"""Finding events by cause and root: through links that lag behind, and a scan of what they lack."""

import shlex
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from fleet_core.api import Batch, Condition, ConditionFailed, Query, Unavailable
from fleet_sqlite import links
from fleet_sqlite.links import MARK
from fleet_sqlite.store import SqliteStore
from sqlite_gates import watched_by
from sqlite_stores import ONE, batch, event, execute, open_sqlite

ROOTS = ["r", "root-1", "root-2", "ende é1", str(uuid.UUID(int=7)), str(uuid.UUID(int=7 << 64))]
"""Ids of all kinds, some of them with the same tail."""


@pytest.fixture(autouse=True)
def every_ten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Events are linked ten at a time."""
    monkeypatch.setattr(links, "LINK_AFTER", 10)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    store = open_sqlite(tmp_path)
    yield store
    store.close()


def mark(directory: Path) -> int:
    """How far the links of a closed or idle store have come."""
    return execute(directory, MARK)[0][0]  # type: ignore[no-any-return]


def record_chains(store: SqliteStore) -> None:
    """Thirty-five events that name causes and roots in all ways, the last of them not linked."""
    for number in range(35):
        cause, root = ROOTS[number % len(ROOTS)], ROOTS[number % 4]
        fields = [{}, {"causation_id": cause}, {"causation_id": cause, "correlation_id": root}][number % 3]
        given = {"id": ROOTS[number]} if number < len(ROOTS) else {}
        store.append(Batch(ONE, [event(number, **fields, **given)]))


@pytest.mark.parametrize("backwards", [False, True], ids=["forwards", "backwards"])
@pytest.mark.parametrize("link", ["causation_id", "correlation_id"])
def test_linked_or_not_every_event_is_found_by_the_ids_it_names(
    tmp_path: Path, store: SqliteStore, link: str, backwards: bool
) -> None:
    record_chains(store)
    assert 0 < mark(tmp_path) < 35
    for id in ROOTS:
        query = Query.of(**{link: id})
        expected = [recorded.position for recorded in store.read() if query.accepts(recorded)]
        found = [recorded.position for recorded in store.read(query, backwards=backwards)]
        assert found == (expected[::-1] if backwards else expected)
        inner = [recorded.position for recorded in store.read(query, after=5, before=34, limit=3)]
        assert inner == [position for position in expected if 5 < position < 34][:3]


def test_what_is_linked_under_a_query_is_found_once(tmp_path: Path) -> None:
    met: list[str] = []

    def watch(sql: str) -> None:
        if sql == MARK and not met:
            met.append(sql)
            other.append(Batch(ONE, [event("late", causation_id="c")] * 8))

    other = open_sqlite(tmp_path)
    other.append(Batch(ONE, [event("early", causation_id="c")] * 4))
    store = open_sqlite(tmp_path, connect=watched_by(watch))
    found = [recorded.position for recorded in store.read(Query.of(causation_id="c"))]
    assert met
    assert mark(tmp_path) == 12
    assert found == list(range(1, 13))
    store.close()
    other.close()


@pytest.mark.parametrize("place", [3, 12], ids=["linked", "not linked"])
def test_a_condition_by_cause_sees_every_event(store: SqliteStore, place: int) -> None:
    store.append(*(batch(number) for number in range(place - 1)))
    store.append(Batch(ONE, [event("effect", causation_id="c")]))
    store.append(batch("more"))
    condition = Condition(Query.of(causation_id="c"), after=place - 1)
    with pytest.raises(ConditionFailed) as refused:
        store.append(batch("again"), condition=condition)
    assert refused.value.details["position"] == place
    store.append(batch("again"), condition=Condition(Query.of(causation_id="c"), after=place))


def test_a_single_append_does_not_look_at_the_links(tmp_path: Path) -> None:
    statements: list[str] = []
    store = open_sqlite(tmp_path, connect=watched_by(statements.append))
    store.append(batch("first"))
    statements.clear()
    store.append(Batch(ONE, [event("second", causation_id="c")]))
    store.close()
    assert statements
    assert not any("link" in sql for sql in statements)


def test_links_that_could_not_be_written_are_written_by_the_next_append(tmp_path: Path) -> None:
    failing = [True]

    def watch(sql: str) -> None:
        if failing and sql.startswith("UPDATE meta"):
            failing.clear()
            raise Unavailable("no", remedy="wait")

    store = open_sqlite(tmp_path, connect=watched_by(watch))
    store.append(batch("first"))
    effects = Batch(ONE, [event("effect", causation_id="c")] * 10)
    with pytest.raises(Unavailable):
        store.append(effects)
    assert not failing
    assert mark(tmp_path) == 0
    store.append(effects)
    assert mark(tmp_path) == 11
    assert store.verify().findings == []
    store.close()


def test_writers_in_turn_leave_no_event_unlinked(tmp_path: Path) -> None:
    stores = [open_sqlite(tmp_path), open_sqlite(tmp_path)]
    for number in range(40):
        stores[number // 3 % 2].append(Batch(ONE, [event(number, causation_id=f"c{number}")]))
    assert mark(tmp_path) >= 30
    assert execute(tmp_path, "SELECT count(*) FROM event_links") == [(mark(tmp_path),)]
    for store in stores:
        assert store.verify().findings == []
        store.close()


def test_a_missing_link_is_found_and_the_remedy_mends_it(tmp_path: Path, store: SqliteStore) -> None:
    record_chains(store)
    execute(tmp_path, "DELETE FROM event_links WHERE position = 9")
    [finding] = store.verify().findings
    assert "links from causes" in finding.what
    program, path, sql = shlex.split(finding.remedy.removeprefix("run ").partition(";")[0])
    assert (program, path) == ("sqlite3", str(tmp_path / "events.db"))
    execute(tmp_path, sql)
    expected = [recorded.position for recorded in store.read() if recorded.causation_id == ROOTS[2]]
    query = Query.of(causation_id=ROOTS[2])
    assert 9 in expected
    assert [recorded.position for recorded in store.read(query)] == expected
    store.append(batch(*range(10)))
    assert mark(tmp_path) == 45
    assert store.verify().findings == []
    assert [recorded.position for recorded in store.read(query)] == expected
