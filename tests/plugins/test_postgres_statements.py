"""How the PostgreSQL store talks to the server: as rarely as can be, and through poolers all the same."""

import tempfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from fleet_core.api import Batch, Condition, Query
from fleet_core.testing.store_kit.base import said
from fleet_postgres.database import Connection
from fleet_postgres.statements import PREPARED_AFTER
from fleet_postgres.store import PostgresStore
from poolers import pooled
from postgres_servers import SharedServer
from postgres_stores import TWO, batch, event, open_postgres


@pytest.fixture
def store(postgres: SharedServer) -> Iterator[PostgresStore]:
    store = open_postgres(postgres.dsn, postgres.schema())
    yield store
    store.close()


def writing(store: PostgresStore) -> Connection:
    """The connection on which the store writes."""
    with store._connections.writer(store._connections.deadline()) as database:
        return database.wire


def reading(store: PostgresStore) -> Connection:
    """The connection on which the store reads, as long as one thread does."""
    [database] = store._connections._readers
    return database.wire


def answers_during(connection: Connection, work: Callable[[], Any]) -> int:
    """How many times the server said that it is done, as the driver's own trace has it."""
    with tempfile.TemporaryFile() as trace:
        connection.pgconn.trace(trace.fileno())
        work()
        connection.pgconn.untrace()
        trace.seek(0)
        return trace.read().count(b"ReadyForQuery")


def prepared(store: PostgresStore) -> int:
    """How many statements are prepared where the store writes."""
    [(count,)] = writing(store).execute("SELECT count(*) FROM pg_prepared_statements").fetchall()
    return int(count)


@pytest.mark.parametrize(
    "append",
    [
        lambda store: store.append(batch("one")),
        lambda store: store.append(batch(*range(100))),
        lambda store: store.append(batch("a"), Batch(TWO, [event("b", tags=("t",))])),
        lambda store: store.append(batch("x"), condition=Condition(Query.of(types=("unknown",)), 0)),
    ],
    ids=["one event", "a hundred", "two streams", "a condition"],
)
def test_an_append_is_one_round_trip(store: PostgresStore, append: Callable[[PostgresStore], Any]) -> None:
    for _ in range(PREPARED_AFTER + 1):
        append(store)  # the first of them also wakes others, and the last prepares a statement
    trips = sorted(answers_during(writing(store), lambda: append(store)) for _ in range(3))
    assert trips[0] == 1


@pytest.mark.parametrize("ask", [PostgresStore.instant, PostgresStore.head])
def test_the_clock_and_the_head_are_one_round_trip(
    store: PostgresStore, ask: Callable[[PostgresStore], Any]
) -> None:
    for _ in range(PREPARED_AFTER + 1):
        ask(store)
    assert answers_during(reading(store), lambda: ask(store)) == 1


def test_a_statement_is_prepared_once_it_is_used_often(store: PostgresStore) -> None:
    for number in range(PREPARED_AFTER):
        store.append(batch(number))
    assert prepared(store) == 0
    for number in range(3):
        store.append(batch(number))
    assert prepared(store) == 1


def test_a_statement_that_is_gone_is_done_without(store: PostgresStore) -> None:
    """So it looks when a pooler hands out another server."""
    numbers = range(PREPARED_AFTER + 1)
    for number in numbers:
        store.append(batch(number))
    writing(store).execute("DEALLOCATE ALL")
    for number in numbers:
        store.append(batch(number))
    assert said(store) == [*numbers, *numbers]
    assert prepared(store) == 0


def test_a_statement_that_another_client_has_prepared_is_used(postgres: SharedServer) -> None:
    """Two clients of a pooler that share a server, one after the other."""
    schema = postgres.schema()
    with pooled(postgres.tcp_dsn, pool=1) as dsn:
        numbers = range(PREPARED_AFTER + 2)
        for _ in range(2):
            store = open_postgres(dsn, schema)
            for number in numbers:
                store.append(batch(number))
            assert said(store)[-len(numbers) :] == [*numbers]
            assert prepared(store) == 1
            store.close()
