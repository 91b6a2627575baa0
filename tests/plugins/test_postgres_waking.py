"""Wake-ups by NOTIFY between stores on one schema."""

import threading

import psycopg

from fleet_core.testing.store_kit.base import in_thread
from fleet_postgres.connections import Connections
from fleet_postgres.database import Address
from fleet_postgres.settings import Settings
from fleet_postgres.store import PostgresStore
from fleet_postgres.waking import Listener, Waker
from postgres_servers import Server, SharedServer
from postgres_stores import TWO, batch, execute, open_postgres

DEADLINE = 30.0


def test_an_append_wakes_whoever_listens(postgres: SharedServer) -> None:
    schema = postgres.schema()
    store = open_postgres(postgres.dsn, schema)
    with psycopg.connect(postgres.dsn, autocommit=True) as stranger:
        stranger.execute(f"LISTEN {schema}")
        store.append(batch("news"))
        assert len(list(stranger.notifies(timeout=DEADLINE, stop_after=1))) == 1
    store.close()


def test_many_appends_in_a_row_share_a_wake_up(postgres: SharedServer) -> None:
    schema = postgres.schema()
    store = open_postgres(postgres.dsn, schema)
    with psycopg.connect(postgres.dsn, autocommit=True) as stranger:
        stranger.execute(f"LISTEN {schema}")
        promised = [store.append_soon(batch(number)) for number in range(300)]
        assert len([promise.result(DEADLINE) for promise in promised]) == 300
        stranger.execute(f"NOTIFY {schema}, 'end'")
        heard = 0
        for notice in stranger.notifies(timeout=DEADLINE):
            if notice.payload == "end":
                break
            heard += 1
    assert 1 <= heard < 100
    store.close()


def test_a_listener_hears_what_another_store_tells(postgres: SharedServer) -> None:
    here, there = (Connections(Address.parse(postgres.dsn, "dsn"), Settings()) for _ in range(2))
    heard = threading.Event()
    listener = Listener(here, "test_channel", heard.set)
    listener.start()
    assert heard.wait(DEADLINE), "it never began"
    heard.clear()
    Waker(there, "test_channel").wake()
    assert heard.wait(DEADLINE)
    listener.close()
    here.close()
    there.close()


def test_closing_ends_a_listener_that_hears_nothing(postgres: SharedServer) -> None:
    connections = Connections(Address.parse(postgres.dsn, "dsn"), Settings())
    begun = threading.Event()
    listener = Listener(connections, "test_silence", begun.set)
    listener.start()
    assert begun.wait(DEADLINE)
    listener.close()
    connections.close()
    assert "fleet-postgres-ear" not in {thread.name for thread in threading.enumerate()}


def test_an_append_whose_commit_takes_long_holds_no_other_up() -> None:
    """With NOTIFY in its transaction it would: PostgreSQL lets such transactions commit one by one."""
    server = Server.create()
    try:
        server.start()
        patient = open_postgres(f"{server.dsn} options='-c synchronous_commit=on'", "shared")
        other = open_postgres(server.dsn, "shared", lock_timeout=1)
        set_standbys(server, "nobody")
        waits: list[bool] = []
        result = in_thread(lambda: append_until(waits, patient))
        committing = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
        while execute(server.dsn, committing) == [(0,)]:
            pass
        waits.append(True)
        other.append(batch("does not", stream=TWO))
        assert execute(server.dsn, committing) == [(1,)]
        set_standbys(server, "")
        result()
        patient.close()
        other.close()
    finally:
        server.remove()


def append_until(over: list[bool], store: PostgresStore) -> None:
    while not over:
        store.append(batch("waits for a standby"))


def set_standbys(server: Server, names: str) -> None:
    execute(server.dsn, f"ALTER SYSTEM SET synchronous_standby_names = '{names}'")
    execute(server.dsn, "SELECT pg_reload_conf()")  # which takes its time to be heard by everybody
