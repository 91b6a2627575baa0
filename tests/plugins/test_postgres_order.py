"""No reader of the PostgreSQL store skips an event, and nobody else's transaction holds readers up."""

from collections.abc import Iterator
from functools import partial
from itertools import pairwise

import psycopg
import pytest

from fleet_core.api import ALL, Batch, Query, Stream, Unavailable
from fleet_core.testing.store_kit.base import in_thread, said
from fleet_postgres.store import PostgresStore
from postgres_servers import Server, SharedServer
from postgres_stores import DAWDLE, ONE, TWO, batch, event, execute, open_postgres

WRITERS = 8
EACH = 25


@pytest.fixture
def schema(postgres: SharedServer) -> str:
    return postgres.schema()


@pytest.fixture
def store(postgres: SharedServer, schema: str) -> Iterator[PostgresStore]:
    store = open_postgres(postgres.dsn, schema)
    yield store
    store.close()


@pytest.fixture
def dawdling(postgres: SharedServer, store: PostgresStore, schema: str) -> PostgresStore:
    """The store, where every append takes uneven time before it commits."""
    execute(postgres.dsn, DAWDLE.replace("{schema}", schema))
    return store


class Writers:
    """Threads with a store each, on connections of their own, as processes on many machines have them."""

    def __init__(self, dsn: str, schema: str) -> None:
        self._ended: list[int] = []
        self._results = [in_thread(partial(self._write, dsn, schema, writer)) for writer in range(WRITERS)]

    def _write(self, dsn: str, schema: str, writer: int) -> None:
        store = open_postgres(dsn, schema)
        try:
            for number in range(EACH):
                count = 1 + number % 3
                store.append(
                    Batch(
                        Stream("test", f"{writer}"),
                        [event(f"{writer}-{number}-{part}", tags=("tagged",)) for part in range(count)],
                    )
                )
        finally:
            store.close()
            self._ended.append(writer)

    def are_done(self) -> bool:
        return len(self._ended) == WRITERS

    def finish(self) -> None:
        for result in self._results:
            result()


def follow(store: PostgresStore, query: Query, writers: Writers) -> list[int]:
    """The positions that a consumer sees, which goes on from the last one each time."""
    seen: list[int] = []
    while True:
        over = writers.are_done()
        seen += [found.position for found in store.read(query, after=seen[-1] if seen else 0)]
        if over:
            return seen


def follow_carelessly(dsn: str, schema: str, writers: Writers) -> list[int]:
    """The positions that a consumer sees who takes whatever is committed."""
    seen: list[int] = [0]
    with psycopg.connect(dsn, autocommit=True) as connection:
        while True:
            over = writers.are_done()
            sql = f"SELECT position FROM {schema}.events WHERE position > {seen[-1]} ORDER BY position"
            seen += [row[0] for row in connection.execute(sql).fetchall()]
            if over:
                return seen[1:]


def test_no_reader_skips_though_writers_overtake_each_other(
    postgres: SharedServer, dawdling: PostgresStore, schema: str
) -> None:
    writers = Writers(postgres.dsn, schema)
    everything = in_thread(lambda: follow(dawdling, ALL, writers))
    tagged = in_thread(lambda: follow(dawdling, Query.of(tags=("tagged",)), writers))
    careless = in_thread(lambda: follow_carelessly(postgres.dsn, schema, writers))
    writers.finish()
    recorded = [found.position for found in dawdling.read()]
    assert len(recorded) == WRITERS * sum(1 + number % 3 for number in range(EACH))
    assert everything() == recorded
    assert tagged() == recorded
    assert len(careless()) < len(recorded), "nobody was overtaken: this test shows nothing"


def test_events_of_a_small_append_are_neighbours(
    postgres: SharedServer, dawdling: PostgresStore, schema: str
) -> None:
    Writers(postgres.dsn, schema).finish()
    words = [str(word).rpartition("-")[0] for word in said(dawdling)]
    changes = sum(before != after for before, after in pairwise(words))
    assert changes == WRITERS * EACH - 1


def test_a_transaction_of_somebody_else_holds_no_reader_up(
    postgres: SharedServer, store: PostgresStore
) -> None:
    with psycopg.connect(postgres.dsn) as stranger:
        stranger.execute("SELECT pg_current_xact_id()")
        last = store.append(batch("while a stranger is busy")).last
        assert store.head() == last
        assert said(store) == ["while a stranger is busy"]
        stranger.rollback()


def test_a_transaction_in_another_project_holds_no_reader_up(
    postgres: SharedServer, store: PostgresStore
) -> None:
    other = postgres.schema()
    open_postgres(postgres.dsn, other).close()
    with psycopg.connect(postgres.dsn) as stranger:
        stranger.execute(f"SELECT {other}.take_turn(false, '{{1}}', '{{t}}', 0)")
        last = store.append(batch("beside another project")).last
        assert store.head() == last
        stranger.rollback()


def begin_append(dsn: str, schema: str) -> psycopg.Connection[tuple[object, ...]]:
    """A writer that has its position and does not commit."""
    connection = psycopg.connect(dsn)
    connection.execute(f"SELECT {schema}.take_turn(false, '{{}}', '{{}}', 0)")
    connection.execute(f"SELECT nextval('{schema}.positions')")
    return connection


def test_a_reader_waits_for_a_writer_that_began_below_the_head(
    postgres: SharedServer, store: PostgresStore, schema: str
) -> None:
    slow = begin_append(postgres.dsn, schema)
    last = store.append(batch("quicker")).last
    head = in_thread(store.head)
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND classid = %s::regclass"
    while execute(postgres.dsn, waiting, (f"{schema}.events",)) == [(0,)]:
        pass
    slow.rollback()
    slow.close()
    assert head() == last


def test_a_writer_that_never_ends_is_told_of_and_not_passed_over(
    postgres: SharedServer, store: PostgresStore, schema: str
) -> None:
    store.append(batch("before"))
    slow = begin_append(postgres.dsn, schema)
    impatient = open_postgres(postgres.dsn, schema, lock_timeout=0.05)
    impatient.append(batch("after", stream=TWO))
    with pytest.raises(Unavailable, match="lock"):
        list(impatient.read())
    slow.rollback()
    slow.close()
    assert said(impatient) == ["before", "after"]
    impatient.close()


def test_writers_of_other_streams_do_not_wait_for_each_other(
    postgres: SharedServer, store: PostgresStore, schema: str
) -> None:
    slow = begin_append(postgres.dsn, schema)
    assert store.append(batch("not held up", stream=ONE)).versions == [1]
    slow.close()


def test_positions_go_on_after_a_dump_was_restored_elsewhere(
    postgres: SharedServer, store: PostgresStore, schema: str
) -> None:
    for number in range(20):
        store.append(batch(number))
    before = [found.as_dict() for found in store.read()]
    elsewhere = Server.create()
    try:
        elsewhere.start()
        dump = elsewhere.run("pg_dump", "-d", postgres.dsn, "-n", schema)
        (elsewhere.folder / "dump.sql").write_text(dump)
        elsewhere.run(
            "psql", "-d", elsewhere.dsn, "-q", "-v", "ON_ERROR_STOP=1", "-f", elsewhere.folder / "dump.sql"
        )
        restored = open_postgres(elsewhere.dsn, schema)
        assert [found.as_dict() for found in restored.read()] == before
        assert restored.append(batch("on")).positions[0] > store.head()
        assert restored.verify().findings == []
        restored.close()
    finally:
        elsewhere.remove()
