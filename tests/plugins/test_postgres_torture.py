"""The PostgreSQL store in a crowd of processes: beside a stranger's open transaction, and under kills.

Short here; `make torture` makes them long.
"""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from postgres_crowds import Crowd
from postgres_servers import DURABLE, Server

SECONDS = float(os.environ.get("FLEET_SECONDS", "1"))
ROUNDS = int(os.environ.get("FLEET_KILLS", "3"))
WRITERS, READERS = 16, 4


@pytest.fixture
def server() -> Iterator[Server]:
    """A server that does all it can to keep what it acknowledged."""
    server = Server.create(settings=DURABLE)
    try:
        yield server.start()
    finally:
        server.remove()


def test_readers_miss_nothing_and_a_stranger_s_transaction_holds_none_of_them_up(
    server: Server, tmp_path: Path
) -> None:
    """The transaction is open until all readers have read all: would one wait for it, this had no end."""
    with psycopg.connect(server.dsn) as stranger:
        stranger.execute("CREATE TABLE of_a_stranger AS SELECT 1")
        crowd = Crowd(server.dsn, tmp_path, writers=WRITERS, readers=READERS)
        try:
            crowd.await_progress(20 * WRITERS)
            threading.Event().wait(SECONDS)
            outcome = crowd.finish()
        finally:
            crowd.disperse()
        stranger.rollback()
    outcome.check()
    print(outcome.summary())


def test_kills_of_the_server_and_of_its_clients_lose_nothing_and_double_nothing(
    server: Server, tmp_path: Path
) -> None:
    crowd = Crowd(server.dsn, tmp_path, writers=8, readers=2)
    try:
        for number in range(ROUNDS):
            crowd.await_progress(40)
            crowd.kill_writer(2 * (number % 4))
            crowd.await_progress(10)
            server.kill()
            server.start()
        crowd.await_progress(40)
        outcome = crowd.finish()
    finally:
        crowd.disperse()
    outcome.check()
    print(outcome.summary())
