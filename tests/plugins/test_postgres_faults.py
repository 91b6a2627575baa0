"""Broken connections, silent peers and killed servers: what the PostgreSQL store makes of them."""

import time
from collections import Counter
from collections.abc import Iterator
from functools import partial

import pytest

from fleet_core.api import Batch, FleetError, OutcomeUnknown, Stream, Unavailable, Usage
from fleet_core.testing.store_kit.base import in_thread, said
from fleet_postgres.store import PostgresStore
from postgres_servers import DURABLE, Server, SharedServer, free_port
from postgres_stores import ONE, Proxy, batch, event, execute, open_postgres, proxied


@pytest.fixture
def schema(postgres: SharedServer) -> str:
    return postgres.schema()


@pytest.fixture
def through(postgres: SharedServer, schema: str) -> Iterator[tuple[Proxy, PostgresStore]]:
    """A store behind a proxy, with some history."""
    with proxied(postgres.tcp_dsn) as (proxy, dsn):
        store = open_postgres(dsn, schema, deadline=15)
        store.append(batch("before"))
        yield proxy, store
        proxy.fault = "none"
        store.close()


def test_an_append_whose_answer_is_lost_is_recorded_once(through: tuple[Proxy, PostgresStore]) -> None:
    proxy, store = through
    proxy.fault = "cut answers"
    answer = store.append(batch("lost and found"))
    assert proxy.cuts == 1
    assert list(answer.versions) == [2]
    assert [found.position for found in store.read()][-1] == answer.last
    assert said(store) == ["before", "lost and found"]


def test_an_append_with_a_version_whose_answer_is_lost_is_no_conflict(
    through: tuple[Proxy, PostgresStore],
) -> None:
    proxy, store = through
    for version in range(1, 6):
        proxy.fault = "cut answers"
        assert store.append(Batch(ONE, [event(version)], version)).versions == [version + 1]
    assert proxy.cuts == 5
    assert said(store) == ["before", 1, 2, 3, 4, 5]


def test_a_group_whose_answer_is_lost_is_recorded_once(through: tuple[Proxy, PostgresStore]) -> None:
    proxy, store = through
    proxy.fault = "cut answers"
    promised = [store.append_soon(batch(number)) for number in range(50)]
    assert [promise.result(30).versions[0] for promise in promised] == list(range(2, 52))
    assert proxy.cuts == 1
    assert said(store) == ["before", *range(50)]


def test_a_read_whose_answer_is_lost_is_asked_again(through: tuple[Proxy, PostgresStore]) -> None:
    proxy, store = through
    proxy.fault = "cut answers"
    assert said(store) == ["before"]
    assert proxy.cuts == 1


def test_a_peer_that_says_nothing_is_given_up_at_the_deadline(postgres: SharedServer, schema: str) -> None:
    with proxied(postgres.tcp_dsn) as (proxy, dsn):
        store = open_postgres(dsn, schema, deadline=0.7, connect_timeout=2)
        store.append(batch("before"))
        proxy.fault = "silence"
        start = time.monotonic()
        with pytest.raises(OutcomeUnknown) as unknown:
            store.append(Batch(ONE, [event("perhaps", id="perhaps")]))
        assert time.monotonic() - start < 20
        assert unknown.value.details["ids"] == ["perhaps"]
        with pytest.raises(Unavailable):
            store.head()
        proxy.fault = "none"
        again = store.append(Batch(ONE, [event("perhaps", id="perhaps")]))
        assert again.replayed
        assert said(store) == ["before", "perhaps"]
        store.close()


def test_a_store_whose_connections_were_killed_goes_on(postgres: SharedServer, schema: str) -> None:
    store = open_postgres(f"{postgres.dsn} application_name={schema}", schema)
    for number in range(3):
        store.append(batch(number))
        assert said(store)[-1] == number
        kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s"
        assert len(execute(postgres.dsn, kill, (schema,))) >= 2
    store.append(batch("on"))
    assert said(store) == [0, 1, 2, "on"]
    store.close()


def test_a_server_that_only_reads_records_nothing_for_certain(postgres: SharedServer, schema: str) -> None:
    open_postgres(postgres.dsn, schema).close()
    standby = f"{postgres.dsn} options='-c default_transaction_read_only=on'"
    store = open_postgres(standby, schema, deadline=0.2)
    with pytest.raises(Unavailable, match="standby") as refusal:
        store.append(batch("nowhere"))
    assert not isinstance(refusal.value, OutcomeUnknown)
    assert said(store) == []
    store.close()


def test_an_append_whose_commit_fails_is_not_acknowledged(postgres: SharedServer, schema: str) -> None:
    """The answer is there by then, and the error comes behind it."""
    store = open_postgres(postgres.dsn, schema)
    execute(
        postgres.dsn,
        f"CREATE FUNCTION {schema}.never() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'not at last'; END $$;"
        f"CREATE CONSTRAINT TRIGGER never AFTER INSERT ON {schema}.events DEFERRABLE INITIALLY DEFERRED"
        f" FOR EACH ROW EXECUTE FUNCTION {schema}.never()",
    )
    for appended in (batch("one"), batch(1, 2)):
        with pytest.raises(FleetError, match="not at last"):
            store.append(appended)
    assert said(store) == []
    store.close()


def test_nobody_there_is_said_at_once_and_without_the_password(schema: str) -> None:
    with pytest.raises(Unavailable) as refusal:
        open_postgres(f"postgresql://fleet:s3cret-word@127.0.0.1:{free_port()}/fleet", schema)
    assert "can't be reached" in refusal.value.message
    assert "s3cret" not in repr(refusal.value.as_dict())
    assert refusal.value.remedy


def test_an_address_that_is_none_is_refused_without_repeating_it(schema: str) -> None:
    with pytest.raises(Usage) as refusal:
        open_postgres("postgresql://fleet:s3cret-word@[nowhere", schema)
    assert "s3cret" not in repr(refusal.value.as_dict())


def test_a_server_killed_under_load_loses_nothing_acknowledged_and_doubles_nothing() -> None:
    server = Server.create(settings=DURABLE)
    over: list[bool] = []

    def write(writer: int) -> list[str]:
        store = open_postgres(server.dsn, "survivor", deadline=60)
        acknowledged: list[str] = []
        while not over:
            text = f"{writer}-{len(acknowledged)}"
            store.append(Batch(Stream("writer", str(writer)), [event(text)]))
            acknowledged.append(text)
        store.close()
        return acknowledged

    try:
        server.start()
        open_postgres(server.dsn, "survivor").close()
        writers = [in_thread(partial(write, writer)) for writer in range(4)]
        count = "SELECT count(*) FROM survivor.events"
        for _ in range(2):
            before = execute(server.dsn, count)[0][0]
            while execute(server.dsn, count)[0][0] < before + 50:
                pass
            server.kill()
            server.start()
        over.append(True)
        acknowledged = [text for writer in writers for text in writer()]
        store = open_postgres(server.dsn, "survivor")
        recorded = Counter(said(store))
        assert set(acknowledged) == set(recorded)
        assert set(recorded.values()) == {1}
        assert store.verify().findings == []
        store.close()
    finally:
        over.append(True)
        server.remove()
