"""Group commit: who waits shares a transaction, is acknowledged after it, and refuses nobody but itself."""

import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from fleet_core.api import (
    Appended,
    Batch,
    Condition,
    ConditionFailed,
    Conflict,
    Expected,
    IdReused,
    Query,
    Stream,
    Unavailable,
    VersionConflict,
)
from fleet_core.testing.store_kit.base import in_thread
from fleet_sqlite.database import Connection
from fleet_sqlite.settings import Settings
from fleet_sqlite.store import SqliteStore
from sqlite_gates import Gate, queued, watched_by
from sqlite_stores import ONE, batch, event, open_sqlite

Call = Callable[[], Appended]


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def store(tmp_path: Path, gate: Gate) -> Iterator[SqliteStore]:
    store = open_sqlite(tmp_path, connect=watched_by(gate))
    yield store
    gate.open()
    store.close()


def together(store: SqliteStore, gate: Gate, *appends: Call) -> list[Call]:
    """Start these appends while another is being committed, so that they make a group."""
    gate.close()
    first = in_thread(lambda: store.append(batch("first", stream=Stream("gate", "first"))))
    gate.reached()
    results = []
    for number, append in enumerate(appends, 1):
        results.append(in_thread(append))
        queued(store, number)
    gate.open()
    assert first().positions
    return results


def test_who_waits_shares_one_commit(store: SqliteStore, gate: Gate) -> None:
    before = gate.commits
    appends = [partial(store.append, batch(n, stream=Stream("s", str(n)))) for n in range(20)]
    positions = [result().last for result in together(store, gate, *appends)]
    assert positions == list(range(2, 22))
    assert gate.commits - before == 2


def test_a_refusal_refuses_nobody_else(store: SqliteStore, gate: Gate) -> None:
    store.append(Batch(ONE, [event("known", id="known")]))
    results = together(
        store,
        gate,
        lambda: store.append(batch("a")),
        lambda: store.append(Batch(ONE, [event("b")], Expected.NO_STREAM)),
        lambda: store.append(Batch(ONE, [event("c", id="known")])),
        lambda: store.append(batch("d"), condition=Condition(Query.of(types=("noted",)))),
        lambda: store.append(Batch(ONE, [event("e")], 2)),
    )
    assert results[0]().versions == [2]
    with pytest.raises(VersionConflict) as conflict:
        results[1]()
    assert conflict.value.actual == 2
    with pytest.raises(IdReused):
        results[2]()
    with pytest.raises(ConditionFailed):
        results[3]()
    assert results[4]().versions == [3]
    assert [recorded.plain for recorded in store.read()] == ["known", "first", "a", "e"]
    assert store.verify().findings == []


def test_a_condition_sees_what_its_group_recorded_before_it(store: SqliteStore, gate: Gate) -> None:
    claim = Condition(Query.of(tags=("claim",)))
    claims = [
        lambda n=n: store.append(Batch(Stream("claim", str(n)), [event(n, tags=("claim",))]), condition=claim)
        for n in range(8)
    ]
    results = together(store, gate, *claims)
    outcomes = [outcome(result) for result in results]
    assert outcomes == ["recorded"] + ["ConditionFailed"] * 7


def outcome(result: Call) -> str:
    try:
        result()
    except Conflict as error:
        return type(error).__name__
    return "recorded"


def test_a_retry_in_the_same_group_is_answered_alike(store: SqliteStore, gate: Gate) -> None:
    again = Batch(ONE, [event("once", id="the-same")])
    one, two = (
        result() for result in together(store, gate, lambda: store.append(again), lambda: store.append(again))
    )
    assert one.positions == two.positions
    assert (one.replayed, two.replayed) == (False, True)


def test_an_event_inherits_its_correlation_from_one_of_its_own_group(store: SqliteStore, gate: Gate) -> None:
    results = together(
        store,
        gate,
        lambda: store.append(Batch(ONE, [event("cause", id="cause", correlation_id="root")])),
        lambda: store.append(Batch(ONE, [event("effect", causation_id="cause")])),
    )
    assert [result().last for result in results] == [2, 3]
    assert next(store.read(after=2)).correlation_id == "root"


def test_a_failure_while_writing_one_request_leaves_the_others_of_its_group(
    tmp_path: Path, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(connection: Connection, name: str) -> int:
        if name == "new":
            raise RuntimeError("half-way")
        return new_type(connection, name)

    store = open_sqlite(tmp_path, connect=watched_by(gate))
    store.append(batch("before"))
    new_type = store._appender._new_type
    monkeypatch.setattr(store._appender, "_new_type", fail)
    results = together(
        store,
        gate,
        lambda: store.append(batch("a")),
        lambda: store.append(Batch(Stream("new", "stream"), [event("b", type="new")])),
        lambda: store.append(batch("c")),
    )
    assert results[0]().versions == [2]
    with pytest.raises(RuntimeError, match="half-way"):
        results[1]()
    assert results[2]().versions == [3]
    assert store.info().streams == 2
    assert store.verify().findings == []
    store.close()


def test_nothing_is_acknowledged_before_the_commit(store: SqliteStore, gate: Gate) -> None:
    gate.close()
    acknowledged = threading.Event()

    def append() -> Appended:
        appended = store.append(batch(1))
        acknowledged.set()
        return appended

    result = in_thread(append)
    gate.reached()
    assert not acknowledged.is_set()
    assert store.head() == 0
    gate.open()
    assert result().positions == [1]


def test_alone_nobody_is_sent_through_another_thread(store: SqliteStore) -> None:
    for number in range(5):
        store.append(batch(number))
    assert store._group._thread is None


def test_what_waits_when_the_store_closes_is_finished_and_what_comes_later_refused(
    store: SqliteStore, gate: Gate
) -> None:
    gate.close()
    first = in_thread(lambda: store.append(batch("first")))
    gate.reached()
    second = in_thread(lambda: store.append(batch("second")))
    queued(store, 1)
    closed = in_thread(store.close)
    gate.open()
    assert first().positions == [1]
    assert outcome_of_late(second) in ("recorded", "Unavailable")
    closed()
    with pytest.raises(Unavailable, match="is closed"):
        store.append(batch("third"))


def outcome_of_late(result: Call) -> str:
    try:
        result()
    except Unavailable:
        return "Unavailable"
    return "recorded"


def test_threads_that_append_at_once_lose_nothing(tmp_path: Path) -> None:
    store = open_sqlite(tmp_path, Settings(unsafe_synchronous="normal"))

    def work(name: str) -> list[int]:
        return [store.append(batch(number, stream=Stream("thread", name))).last for number in range(40)]

    results = [in_thread(partial(work, str(number))) for number in range(16)]
    positions = [position for result in results for position in result()]
    assert sorted(positions) == list(range(1, 16 * 40 + 1))
    assert store.verify().findings == []
    store.close()
