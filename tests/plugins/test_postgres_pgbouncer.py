"""The PostgreSQL store behind PgBouncer, which hands out another server for each transaction."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
import pytest

from fleet_core.api import Unavailable
from fleet_core.testing.store_kit.appending import AppendingKit
from fleet_core.testing.store_kit.base import OpenStore, StoreKit, said
from fleet_core.testing.store_kit.conditions import ConditionsKit
from fleet_core.testing.store_kit.pipelining import PipeliningKit
from fleet_core.testing.store_kit.processes import ProcessesKit
from fleet_core.testing.store_kit.reading import ReadingKit
from fleet_core.testing.store_kit.repeating import RepeatingKit
from fleet_core.testing.store_kit.threads import ThreadsKit
from fleet_core.testing.store_kit.views import ViewsKit
from fleet_core.testing.store_kit.waiting import WaitingKit
from fleet_core.testing.stores import opening
from fleet_postgres.statements import PREPARED_AFTER
from fleet_postgres.turns import stream_key
from poolers import DEADLINE, POOL, pooled
from postgres_servers import SharedServer
from postgres_stores import ONE, batch, open_postgres


@pytest.fixture(scope="module")
def pooler(postgres: SharedServer) -> Iterator[str]:
    """The address of the tests' server by way of a pooler."""
    with pooled(postgres.tcp_dsn) as dsn:
        yield dsn


class TestBehindPgBouncer(
    AppendingKit,
    ConditionsKit,
    RepeatingKit,
    ReadingKit,
    ThreadsKit,
    ProcessesKit,
    WaitingKit,
    ViewsKit,
    PipeliningKit,
    StoreKit,
):
    """The parts of the kit in which transactions and processes meet; what an event holds and which
    ones a query finds is nothing to a pooler."""

    @pytest.fixture
    def open_store(self, tmp_path: Path, postgres: SharedServer, pooler: str) -> OpenStore:
        return opening("fleet_postgres.plugin", tmp_path, dsn=pooler, schema=postgres.schema())


Session = psycopg.Connection[tuple[Any, ...]]


@pytest.fixture
def sessions(pooler: str) -> Iterator[list[Session]]:
    """Clients that keep all servers of the pooler but one to themselves, by a transaction each."""
    with ExitStack() as held:
        found = [held.enter_context(psycopg.connect(pooler)) for _ in range(POOL - 1)]
        for session in found:
            session.execute("SELECT 1")
        yield found
        for session in found:
            session.rollback()


def server_of(session: Session) -> int:
    [(pid,)] = session.execute("SELECT pg_backend_pid()").fetchall()
    return int(pid)


def test_clients_share_a_server_for_a_transaction_each(sessions: list[Session], pooler: str) -> None:
    """Or these tests would show nothing."""
    with psycopg.connect(pooler, autocommit=True) as one, psycopg.connect(pooler, autocommit=True) as two:
        assert server_of(one) == server_of(two)


def test_an_instant_is_read_on_a_server_that_knows_nothing_of_the_statement(postgres: SharedServer) -> None:
    with pooled(postgres.tcp_dsn, pool=2) as dsn:
        store = open_postgres(dsn, postgres.schema())
        moments = [store.instant() for _ in range(PREPARED_AFTER + 2)]
        with psycopg.connect(dsn) as one, psycopg.connect(dsn) as two:
            [stranger] = [session for session in (one, two) if not prepared(session)]
            stranger.rollback()  # the one that is free now
            moments += [store.instant() for _ in range(3)]
        assert moments == sorted(moments)
        store.close()


def prepared(session: Session) -> int:
    """How many statements are prepared on the server that a client has."""
    [(count,)] = session.execute("SELECT count(*) FROM pg_prepared_statements").fetchall()
    return int(count)


def test_a_lock_is_waited_for_as_long_as_the_settings_say(postgres: SharedServer, pooler: str) -> None:
    """The pooler refuses settings of a session, so the statement says them itself."""
    schema = postgres.schema()
    store = open_postgres(pooler, schema, lock_timeout=0.05)
    store.append(batch("before"))
    key = stream_key(ONE)
    with psycopg.connect(postgres.dsn) as slow:
        slow.execute(f"SELECT {schema}.take_turn(false, '{{{key}}}', '{{t}}', 0)")
        with pytest.raises(Unavailable, match="lock"):
            store.append(batch("after"))
        slow.rollback()
    store.append(batch("after"))
    assert said(store) == ["before", "after"]
    store.close()


def test_what_servers_tell_to_the_wrong_client_is_forgotten(
    sessions: list[Session], postgres: SharedServer, pooler: str
) -> None:
    """A server on which somebody once said LISTEN tells its news to whoever has it now."""
    schema = postgres.schema()
    store = open_postgres(pooler, schema)
    store.append(batch("first"))
    with psycopg.connect(pooler, autocommit=True) as listener:
        listener.execute(f"LISTEN {schema}")  # on the one server that is left, which the store must use too
        listener.execute(f"NOTIFY {schema}")
        assert len(list(listener.notifies(timeout=DEADLINE, stop_after=1))) == 1
        for _ in range(3):
            with store._connections.writer(store._connections.deadline()) as database:
                database.wire.execute(f"NOTIFY {schema}")
                assert not database.wire._notifies_backlog
        listener.execute(f"UNLISTEN {schema}")
    store.close()
