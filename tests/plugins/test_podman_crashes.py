"""PostgreSQL in Podman, killed again and again while many write: what was acknowledged is there.

FLEET_PODMAN_KILLS says how often. A kill of the container is no power cut: the memory of the machine stays.
"""

import os
import threading
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import psycopg
import pytest

from machines import podman
from podman_life import execute, until
from podman_provocations import Trial, new_trial, quiet

pytestmark = pytest.mark.usefixtures("podman_machine")

KILLS = int(os.environ.get("FLEET_PODMAN_KILLS", "2"))
WRITERS = 4
BETWEEN = 100
"""Rows that are acknowledged between two kills, at least."""


class Writers:
    """Threads that write rows, each in a transaction of its own, whatever happens to the server."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._done = threading.Event()
        self.acknowledged: list[int] = []
        numbers = count()
        self._threads = [threading.Thread(target=self._write, args=[numbers]) for _ in range(WRITERS)]

    def __enter__(self) -> "Writers":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._done.set()
        for thread in self._threads:
            thread.join()

    def _write(self, numbers: "count[int]") -> None:
        while not self._done.is_set():
            try:
                with psycopg.connect(self._url, autocommit=True, connect_timeout=5) as connection:
                    while not self._done.is_set():
                        number = next(numbers)
                        connection.execute("INSERT INTO rows VALUES (%s)", [number])
                        self.acknowledged.append(number)
                        self._done.wait(0.001)  # else they take the machine from what is on trial
            except psycopg.OperationalError:
                self._done.wait(0.05)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Trial]:
    trial = new_trial(tmp_path / ".fleet")
    trial.provider().up(quiet)
    execute(trial, "CREATE TABLE rows (number bigint PRIMARY KEY)")
    yield trial
    trial.remove()


def test_no_acknowledged_row_is_lost_when_the_container_is_killed(service: Trial) -> None:
    with Writers(service.provider().url()) as writers:
        for _ in range(KILLS):
            aim = len(writers.acknowledged) + BETWEEN
            until(lambda aim=aim: len(writers.acknowledged) >= aim)  # type: ignore[misc]
            podman("kill", "--signal=KILL", service.container)
            podman("wait", service.container)
            service.provider().up(quiet)
    with psycopg.connect(service.provider().url()) as connection:
        there = {number for (number,) in connection.execute("SELECT number FROM rows")}
    assert set(writers.acknowledged) - there == set()
