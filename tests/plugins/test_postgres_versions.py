"""The PostgreSQL store on every release that it promises to work on, in short.

All tests of the store run on another release with `FLEET_POSTGRES=18`; `make torture` does so.
"""

from collections.abc import Iterator

import pytest

from fleet_core.api import Batch, Condition, ConditionFailed, Query
from fleet_core.projections import differences
from fleet_core.testing.store_kit.base import said
from machines import IMAGES
from postgres_servers import DEADLINE, MAJOR, Server
from postgres_stores import ONE, TWO, batch, event, open_postgres
from sqlite_stores import tally

pytestmark = pytest.mark.usefixtures("podman_machine")


@pytest.fixture(scope="module", params=[major for major in IMAGES if major != MAJOR])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A server of another release than the other tests have."""
    server = Server.create(major=request.param)
    try:
        yield server.start()
    finally:
        server.remove()


def test_a_release_records_decides_reads_waits_folds_and_verifies(server: Server) -> None:
    store, other = (open_postgres(server.dsn, "smoke") for _ in range(2))
    store.define([tally()])
    two = Batch(TWO, [event("two", id="a name", tags=("seat:1",))])
    store.append(batch("one"), two)
    assert store.append(two).replayed
    with pytest.raises(ConditionFailed):
        other.append(batch("never"), condition=Condition(Query.of(tags=("seat:1",))))
    assert store.append(batch("three")).versions == [2]
    assert other.wait(2, DEADLINE)
    assert said(other) == ["one", "two", "three"]
    assert said(other, Query.of(streams=(ONE,))) == ["one", "three"]
    assert differences(store, store, tally()) == []
    assert store.verify().findings == []
    release = (server.data / "PG_VERSION").read_text().strip()
    assert release != str(MAJOR)
    assert store.info().details["postgres"].partition(".")[0] == release
    store.close()
    other.close()
