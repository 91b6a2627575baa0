"""Verification of the PostgreSQL store finds what was changed behind its back."""

from collections.abc import Iterator

import psycopg
import pytest

from fleet_core.api import Batch
from fleet_postgres.chain import Chain
from fleet_postgres.store import PostgresStore
from postgres_servers import SharedServer
from postgres_stores import ONE, TWO, batch, event, open_postgres


class Ground:
    """A schema with a store, and somebody with the owner's rights and ill intent."""

    def __init__(self, postgres: SharedServer) -> None:
        self.schema = postgres.schema()
        self.dsn = postgres.dsn
        self.store: PostgresStore = open_postgres(postgres.dsn, self.schema)
        for number in range(10):
            self.store.append(batch(number), Batch(TWO, [event(number, tags=("a", "b"), metadata={"n": 1})]))

    def tie(self) -> None:
        """Close the chain up to the head."""
        Chain(self.store._connections, self.schema).close_up()

    def tamper(self, sql: str) -> None:
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            connection.execute("SET session_replication_role = replica")  # no triggers
            connection.execute(sql.replace("{schema}", self.schema))

    def found(self) -> list[str]:
        return [finding.what for finding in self.store.verify().findings]


@pytest.fixture
def ground(postgres: SharedServer) -> Iterator[Ground]:
    ground = Ground(postgres)
    yield ground
    ground.store.close()


def test_a_sound_log_has_no_findings_with_its_chain_closed_or_not(ground: Ground) -> None:
    assert ground.found() == []
    ground.tie()
    ground.store.append(batch("later"))
    before = ground.store.verify()
    ground.tie()
    assert ground.found() == []
    assert ground.store.verify().head_hash == before.head_hash


CHANGES = {
    "data": "data = '\"other\"'",
    "type": "type = 'other'",
    "schema_version": "schema_version = 9",
    "id": "id = '\\x0123456789abcdef0123456789abcdef'",
    "recorded_at": "recorded_at = 7",
    "occurred_at": "occurred_at = 7",
    "metadata": "metadata = NULL",
    "causation_id": "causation_id = '\\x0123456789abcdef0123456789abcdef'",
    "stream": "stream = 1 - stream + 2, version = version + 100",
    "tags": "tags = NULL",
    "hash": "hash = '\\x00'",
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_changed_event_is_found(ground: Ground, change: str) -> None:
    ground.tamper(f"UPDATE {{schema}}.events SET {change} WHERE position = 6")
    assert ground.found()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE {schema}.events SET correlation_id = '\\x0123456789abcdef' WHERE position = 6",
        "UPDATE {schema}.events SET position = 100 WHERE position = 6",
        "DELETE FROM {schema}.events WHERE stream = 1",
        "DELETE FROM {schema}.events WHERE position > 15",
        "DELETE FROM {schema}.events",
    ],
)
def test_a_log_changed_with_care_is_found_once_it_is_chained(ground: Ground, change: str) -> None:
    ground.tie()
    ground.tamper(change)
    assert ground.found()


def test_a_tag_taken_from_the_index_is_found(ground: Ground) -> None:
    ground.tamper("DELETE FROM {schema}.event_tags WHERE tag = 'a' AND position = 4")
    assert ground.found() == ["the index by tags does not agree with the events"]


def test_a_stream_that_was_lost_is_found(ground: Ground) -> None:
    ground.tamper("DELETE FROM {schema}.streams WHERE key = 1")
    assert ground.found()


def test_positions_that_would_be_handed_out_again_are_found(ground: Ground) -> None:
    ground.tamper("SELECT setval('{schema}.positions', 3)")
    assert "handed out from 3" in ground.found()[0]


def test_appends_close_the_chain_now_and_then(ground: Ground) -> None:
    for number in range(12):
        ground.store.append(Batch(ONE, [event(part) for part in range(100)]), batch(number, stream=TWO))
    [knot] = Chain(ground.store._connections, ground.schema).knots()
    assert knot.position >= 1000
    assert ground.found() == []
