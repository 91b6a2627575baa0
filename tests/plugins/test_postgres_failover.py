"""Two servers that replicate synchronously: when one is lost the other has all that was acknowledged."""

import re
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from fleet_core.api import Appended, Projection
from fleet_core.projections import differences
from fleet_core.testing.store_kit.base import in_thread, said
from fleet_postgres.database import Address
from fleet_postgres.settings import Settings
from fleet_specialists.api import Heartbeat, Register, heartbeat, register
from postgres_clocks import await_late, open_fleet, server_clock, status
from postgres_crowds import DEADLINE, Crowd
from postgres_servers import DURABLE, Server
from postgres_stores import batch, execute, open_postgres
from sqlite_stores import tally

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to" / "survive-the-loss-of-a-server.md"


TIMES = {"long": 300.0, "short": 0.3}
"""How long specialists of two clients may be silent, in seconds."""


def advised_settings() -> list[str]:
    """What the how-to says to set on the first server."""
    found = re.search(r"```ini\n(.*?)```", HOW_TO.read_text(), re.DOTALL)
    assert found is not None
    return [line.replace(" = ", "=").replace("'", "") for line in found[1].splitlines()]


class Pair:
    """A primary as the how-to sets it up, and the standby without which it acknowledges nothing."""

    def __init__(self) -> None:
        self.primary = Server.create(settings=advised_settings())
        try:
            self.primary.start()
            self.standby = self.primary.create_standby("standby", settings=DURABLE)
        except BaseException:
            self.primary.remove()
            raise
        self.standby.start()

    @property
    def dsn(self) -> str:
        """How to log in to whichever of them takes writes."""
        ports = f"port={self.primary.port},{self.standby.port}"
        return f"host=127.0.0.1,127.0.0.1 {ports} user=fleet dbname=postgres target_session_attrs=read-write"

    def remove(self) -> None:
        self.primary.remove()
        self.standby.remove()


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    """A pair whose primary stays what it is."""
    pair = Pair()
    yield pair
    pair.remove()


@pytest.fixture
def parting() -> Iterator[Pair]:
    """A pair that is going to lose its primary."""
    pair = Pair()
    yield pair
    pair.remove()


def test_a_standby_that_takes_over_under_load_has_all_that_was_acknowledged(
    parting: Pair, tmp_path: Path
) -> None:
    crowd = Crowd(parting.dsn, tmp_path, writers=6, readers=2)
    try:
        crowd.await_progress(200)
        parting.primary.kill()
        parting.standby.promote()
        crowd.await_progress(200)
        crowd.finish().check()
    finally:
        crowd.disperse()


def test_leases_go_on_with_the_clock_of_the_standby_that_takes_over(parting: Pair, tmp_path: Path) -> None:
    long, short = (open_fleet(tmp_path / name, parting.dsn, "leases", time) for name, time in TIMES.items())
    token = register(long, Register(specialist="ada")).state.token
    before = server_clock(long)
    parting.primary.kill()
    parting.standby.promote()
    assert server_clock(long) > before
    register(short, Register(specialist="bo"))
    await_late(long, "bo")
    heartbeat(long, Heartbeat(token=token))
    assert [status(long, name) for name in ("ada", "bo")] == ["active", "lost"]
    long.close()
    short.close()


class Lonely:
    """An append whose commit waits for a standby that is not there."""

    def __init__(self, pair: Pair, schema: str, tables: Sequence[Projection[Any]]) -> None:
        self._pair = pair
        self._schema = schema
        self._tables = tables
        self._answers: list[Appended] = []
        self.store = open_postgres(pair.dsn, schema)
        self.store.define(tables)
        self.store.append(batch("on both"))
        pair.standby.stop()
        self._appended = in_thread(lambda: self._answers.append(self.store.append(batch("on one"))))
        self.process = self.await_wait()

    def await_wait(self, before: int = 0) -> int:
        """Return when a server process, another one than before, waits for the standby; nothing may be
        acknowledged until then."""
        sql = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND pid <> %s"
        deadline = time.monotonic() + DEADLINE
        while not (found := execute(self._pair.primary.dsn, sql, (before,))):
            assert self._answers == [], "this is on one server alone"
            assert time.monotonic() < deadline, "nobody waits"
        return int(found[0][0])

    def check_on_both(self) -> None:
        """Have the standby back: now it is acknowledged, and the standby has it."""
        assert self._answers == []
        self._pair.standby.start()
        self._appended()
        deadline = time.monotonic() + DEADLINE
        # It is on the standby's disk, which takes a moment to show it.
        while execute(self._pair.standby.dsn, f"SELECT count(*) FROM {self._schema}.events") != [(2,)]:
            assert time.monotonic() < deadline, "the standby does not have it"
        assert said(self.store) == ["on both", "on one"]
        for table in self._tables:
            assert differences(self.store, self.store, table) == []
        self.store.close()


with_and_without_tables = pytest.mark.parametrize("tables", [(), (tally(),)], ids=["events", "tables"])


@with_and_without_tables
def test_an_append_sent_again_after_a_crash_waits_for_the_standby_too(
    pair: Pair, tables: Sequence[Projection[Any]]
) -> None:
    """A primary that crashed while it waited shows, when it is back, what its standby never heard of."""
    lonely = Lonely(pair, f"crashed{len(tables)}", tables)
    pair.primary.kill()
    pair.primary.start()
    lonely.await_wait(lonely.process)
    lonely.check_on_both()


@with_and_without_tables
def test_an_append_whose_wait_for_the_standby_is_cancelled_is_not_acknowledged(
    pair: Pair, tables: Sequence[Projection[Any]]
) -> None:
    lonely = Lonely(pair, f"cancelled{len(tables)}", tables)
    execute(pair.primary.dsn, "SELECT pg_cancel_backend(%s)", (lonely.process,))
    lonely.await_wait(lonely.process)
    lonely.check_on_both()


def test_a_machine_that_vanishes_is_given_up_while_there_is_time_for_another() -> None:
    """Nobody closes its connections: the kernel gives them up, after so long."""
    address = Address.parse("host=one,two target_session_attrs=read-write", "here").parameters
    idle, interval, count, unanswered = (
        int(address[name])
        for name in ("keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout")
    )
    given_up = idle + max(interval * count, unanswered / 1000)
    usual = Settings()
    assert given_up + usual.connect_timeout < usual.deadline / 1.5
