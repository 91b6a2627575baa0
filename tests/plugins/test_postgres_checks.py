"""What `fleet doctor` says of a PostgreSQL server."""

import pytest

from fleet_core.api import StoreInfo
from fleet_postgres.checks import check, durability
from postgres_servers import SharedServer
from postgres_stores import open_postgres


def info(**details: str) -> StoreInfo:
    sound = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}
    return StoreInfo(
        backend="postgres",
        path="there",
        events=0,
        streams=0,
        bytes=0,
        schema_version=1,
        head=0,
        details=sound | details,
    )


@pytest.mark.parametrize(
    ("details", "status"),
    [
        ({}, "ok"),
        ({"synchronous_commit": "remote_apply"}, "ok"),
        ({"synchronous_commit": "off"}, "warn"),
        ({"fsync": "off"}, "fail"),
        ({"full_page_writes": "off"}, "fail"),
    ],
)
def test_a_server_that_may_lose_what_it_acknowledged_is_told_of(details: dict[str, str], status: str) -> None:
    found = durability(info(**details))
    assert found.status == status
    assert bool(found.remedy) == (status != "ok")


def test_the_server_itself_is_asked(postgres: SharedServer) -> None:
    class Opened:
        store = open_postgres(postgres.dsn, postgres.schema())

    [found] = check(Opened)
    assert found.status == "fail", "the server of the tests is careless on purpose"
    Opened.store.close()
