"""Consumers in processes of their own: killed before they are done, and racing each other."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from signal import SIGKILL

import pytest

from fleets import opened
from mail import Place, consume, cursors, join, look, race_through, rising, storm
from postgres_servers import SharedServer

SPAWN = get_context("spawn")

Open = Callable[[], Place]


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """A project on a store that processes share."""
    if request.param == "sqlite":
        return tmp_path, "sqlite", {}
    server: SharedServer = request.getfixturevalue("postgres")
    return tmp_path, "postgres", {"postgres": {"dsn": server.dsn, "schema": server.schema()}}


@contextmanager
def consumer(place: Place, token: int) -> Iterator[Connection]:
    """A process that takes messages, and is killed at the end with SIGKILL, wherever it is."""
    ours, theirs = SPAWN.Pipe()
    process = SPAWN.Process(target=consume, args=(place, token, theirs))
    process.start()
    theirs.close()
    try:
        yield ours
    finally:
        process.kill()
        process.join()
        assert process.exitcode == -SIGKILL


def test_of_500_messages_none_is_missing_though_the_consumer_is_killed_before_each_commit(
    place: Place,
) -> None:
    folder, backend, plugins = place
    with opened(folder, backend, plugins=plugins) as fleet:
        ada = join(fleet, "ada")
        storm(fleet, "ada", 500)
    pages: list[list[tuple[str, bool]]] = []
    with consumer(place, ada) as pipe:
        pages.append(pipe.recv())
    while pages[-1]:
        with consumer(place, ada) as pipe:
            pages.append(pipe.recv())
            pipe.send("be done with it")
            pages.append(pipe.recv())
    times = Counter(subject for page in pages for subject, _ in page)
    assert times == {str(number): 2 for number in range(500)}
    seen: set[str] = set()
    for page in pages:
        assert [redelivered for _, redelivered in page] == [subject in seen for subject, _ in page]
        seen |= {subject for subject, _ in page}
    with opened(folder, backend, plugins=plugins) as fleet:
        assert look(fleet, "ada").unread_total == 0
        assert len(cursors(fleet, "ada")) == 5


def test_a_cursor_never_goes_back_under_racing_consumers(place: Place) -> None:
    folder, backend, plugins = place
    with opened(folder, backend, plugins=plugins) as fleet:
        ada = join(fleet, "ada")
        storm(fleet, "ada", 120)
    with ProcessPoolExecutor(2, mp_context=SPAWN) as pool:
        seen = list(pool.map(partial(race_through, place, ada), (3, 7)))
    assert set(seen[0]) | set(seen[1]) == {str(number) for number in range(120)}
    with opened(folder, backend, plugins=plugins) as fleet:
        assert rising(cursors(fleet, "ada"))
        assert (look(fleet, "ada").cursor, look(fleet, "ada").unread_total) == (look(fleet, "ada").tail, 0)
