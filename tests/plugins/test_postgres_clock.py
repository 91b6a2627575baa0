"""Whose clock counts on PostgreSQL: the server's, for leases and for when things were recorded."""

import time
from functools import partial
from pathlib import Path

import pytest

from fleet_core.api import Projection, Query, Timekeeping
from fleet_core.testing.store_kit.base import in_thread
from fleet_postgres.store import PostgresStore
from fleet_specialists.api import Heartbeat, Register, heartbeat, register
from postgres_clocks import TEN_MINUTES, await_late, open_fleet, status, visit_with_a_fast_clock
from postgres_servers import SharedServer
from postgres_stores import batch, execute, open_postgres
from sqlite_stores import tally
from sqlite_workers import run_all

CLOCK = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint"


def server_time(postgres: SharedServer) -> int:
    """The server's clock, read behind the store's back."""
    [(now,)] = execute(postgres.dsn, CLOCK)
    return int(now)


@pytest.fixture
def fast_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process's clock is ten minutes fast."""
    right = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: right() + TEN_MINUTES)


@pytest.mark.usefixtures("fast_clock")
def test_an_instant_is_the_server_s_time(postgres: SharedServer) -> None:
    store = open_postgres(postgres.dsn, postgres.schema())
    before = server_time(postgres)
    now = store.instant()
    assert before <= now.wall <= server_time(postgres)
    assert (now.boot, now.ticks) == (None, 0)
    assert isinstance(store, Timekeeping)
    store.close()


@pytest.mark.usefixtures("fast_clock")
@pytest.mark.parametrize("tables", [(), (tally(),)], ids=["events", "tables"])
@pytest.mark.parametrize("count", [1, 2, 100])
def test_the_server_s_clock_says_when_an_event_was_recorded(
    postgres: SharedServer, count: int, tables: tuple[Projection[int], ...]
) -> None:
    store = open_postgres(postgres.dsn, postgres.schema())
    store.define(tables)
    before = server_time(postgres)
    store.append(batch(*range(count)))
    after = server_time(postgres)
    moments = [event.recorded_us for event in store.read()]
    assert len(moments) == count
    assert before <= moments[0] <= moments[-1] <= after
    assert store.verify().findings == []
    store.close()


def append_fifty(store: PostgresStore) -> None:
    for number in range(50):
        store.append(batch(number))


def test_events_of_a_stream_are_recorded_in_their_order_whoever_writes_them(postgres: SharedServer) -> None:
    schema = postgres.schema()
    stores = [open_postgres(postgres.dsn, schema) for _ in range(4)]
    ended = [in_thread(partial(append_fifty, store)) for store in stores]
    for end in ended:
        end()
    moments = [event.recorded_us for event in stores[0].read()]
    assert len(moments) == 200
    assert moments == sorted(moments)
    for store in stores:
        store.close()


def test_a_client_whose_clock_is_fast_changes_nothing_for_leases(
    postgres: SharedServer, tmp_path: Path
) -> None:
    schema = postgres.schema()
    with open_fleet(tmp_path / "right", postgres.dsn, schema, lost_after=300.0) as fleet:
        token = register(fleet, Register(specialist="ada")).state.token
        run_all(visit_with_a_fast_clock, [(tmp_path / "fast", postgres.dsn, schema)])
        await_late(fleet, "eve")  # in its own time, not ten minutes later
        heartbeat(fleet, Heartbeat(token=token))
        assert [status(fleet, name) for name in ("ada", "eve")] == ["active", "lost"]
        over = fleet.store.read(Query.of(types=("lease_expired",)))
        assert [event.data.lease_id for event in over] == ["session:eve"]
