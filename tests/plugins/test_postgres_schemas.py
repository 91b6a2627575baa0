"""The PostgreSQL store's schema: made once, kept as it is, and a project's own."""

from pathlib import Path

import psycopg
import pytest

from fleet_core.api import Batch, Damaged, EventCodec, Unavailable, Usage, system_clock
from fleet_core.errors import Invalid
from fleet_core.testing.store_kit.base import race, said
from fleet_msgspec.codecs import JsonCodec, MsgpackCodec
from fleet_postgres.database import Address
from fleet_postgres.migrations import Migration, shipped
from fleet_postgres.schemas import schema_of
from fleet_postgres.settings import Settings
from fleet_postgres.store import PostgresStore, open_store
from postgres_servers import SharedServer
from postgres_stores import ONE, batch, event, execute, open_postgres


def open_with(dsn: str, schema: str, migrations: list[Migration]) -> PostgresStore:
    codec = EventCodec(JsonCodec())
    return PostgresStore(Address.parse(dsn, "dsn"), schema, codec, system_clock, Settings(), migrations)


def no_service(service: str) -> str:
    raise AssertionError(f"nobody asked for {service}")


def test_projects_in_one_database_do_not_see_each_other(postgres: SharedServer) -> None:
    one, two = (open_postgres(postgres.dsn, postgres.schema()) for _ in range(2))
    one.append(batch("one"))
    two.append(batch("two"))
    assert (said(one), said(two)) == (["one"], ["two"])
    assert one.append(batch("on")).versions == [2]
    one.close()
    two.close()


def test_a_project_s_schema_is_named_after_its_folder_and_stays_when_it_moves(tmp_path: Path) -> None:
    here, there = tmp_path / "Großes Projekt" / ".fleet", tmp_path / "other" / ".fleet"
    here.mkdir(parents=True)
    there.mkdir(parents=True)
    schema = schema_of(here)
    assert schema.startswith("fleet_gro_es_projekt_")
    assert schema != schema_of(there)
    moved = here.parent.rename(tmp_path / "elsewhere")
    assert schema_of(moved / ".fleet") == schema


def test_stores_may_make_the_schema_together(postgres: SharedServer) -> None:
    schema = postgres.schema()
    stores = race(*(lambda: open_postgres(postgres.dsn, schema) for _ in range(6)))
    for store in stores:
        assert isinstance(store, PostgresStore)
        store.append(batch("here"))
        store.close()
    applied = execute(postgres.dsn, f"SELECT number FROM {schema}.schema_migrations")
    assert applied == [(migration.number,) for migration in shipped()]


def test_a_newer_schema_is_refused(postgres: SharedServer) -> None:
    schema = postgres.schema()
    newer = [*shipped(), Migration(9999, "from_tomorrow", "SELECT 1")]
    open_with(postgres.dsn, schema, newer).close()
    with pytest.raises(Unavailable, match="from_tomorrow"):
        open_postgres(postgres.dsn, schema)


def test_a_migration_that_was_changed_is_refused(postgres: SharedServer) -> None:
    schema = postgres.schema()
    open_postgres(postgres.dsn, schema).close()
    changed = [migration._replace(sql=f"{migration.sql}\n-- changed") for migration in shipped()]
    with pytest.raises(Damaged):
        open_with(postgres.dsn, schema, changed)


def test_a_migration_that_fails_leaves_no_trace(postgres: SharedServer) -> None:
    schema = postgres.schema()
    broken = [*shipped(), Migration(2, "broken", "CREATE TABLE {schema}.half (x int); SELECT 1 / 0")]
    with pytest.raises(Exception, match="division by zero"):
        open_with(postgres.dsn, schema, broken)
    assert execute(postgres.dsn, "SELECT FROM pg_namespace WHERE nspname = %s", (schema,)) == []


@pytest.mark.parametrize("table", ["events", "streams", "event_tags"])
@pytest.mark.parametrize("change", ["DELETE FROM {}", "TRUNCATE {}", "UPDATE {} SET {}"])
def test_what_is_recorded_can_not_be_changed(postgres: SharedServer, table: str, change: str) -> None:
    schema = postgres.schema()
    store = open_postgres(postgres.dsn, schema)
    store.append(Batch(ONE, [event("kept", tags=("a",))]))
    column = {"events": "data = ''", "streams": "id = 'x'", "event_tags": "tag = 'x'"}[table]
    with pytest.raises(psycopg.errors.RestrictViolation):
        execute(postgres.dsn, change.format(f"{schema}.{table}", column))
    assert said(store) == ["kept"]
    store.close()


def test_a_log_keeps_the_codec_it_was_begun_with(postgres: SharedServer) -> None:
    schema = postgres.schema()
    open_postgres(postgres.dsn, schema).close()
    with pytest.raises(Unavailable, match="encoded as json"):
        PostgresStore(
            Address.parse(postgres.dsn, "dsn"), schema, EventCodec(MsgpackCodec()), system_clock, Settings()
        )


def test_a_database_that_isolates_more_than_the_store_bears_is_refused(postgres: SharedServer) -> None:
    schema = postgres.schema()
    open_postgres(postgres.dsn, schema).close()
    strict = open_postgres(f"{postgres.dsn} options='-c default_transaction_isolation=serializable'", schema)
    with pytest.raises(Exception, match="READ COMMITTED"):
        strict.append(batch("wrong"))
    assert said(strict) == []
    strict.close()


def test_events_are_readable_for_people(postgres: SharedServer) -> None:
    schema = postgres.schema()
    store = open_postgres(postgres.dsn, schema)
    root = store.append(Batch(ONE, [event({"a": 1}, tags=("x", "y"), occurred_at=0)])).ids[0]
    store.append(Batch(ONE, [event("b", id="by name", causation_id=root, metadata={"m": 1})]))
    sql = (
        "SELECT id, type, stream_type, stream_id, version, data, tags, metadata, causation_id,"
        f" correlation_id, occurred_at = to_timestamp(0) FROM {schema}.event_log ORDER BY position"
    )
    assert execute(postgres.dsn, sql) == [
        (root, "noted", "test", "one", 1, '{"a":1}', '["x","y"]', "{}", None, root, True),
        ("by name", "noted", "test", "one", 2, '"b"', "[]", '{"m":1}', root, root, False),
    ]
    store.close()


def test_settings_that_say_no_place_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PGHOST", "PGSERVICE"):
        monkeypatch.delenv(name, raising=False)
    codec = EventCodec(JsonCodec())
    with pytest.raises(Usage, match="does not say where"):
        open_store({}, codec, system_clock, tmp_path, "[plugins.postgres]", no_service)
    with pytest.raises(Usage, match="both"):
        open_store({"dsn": "x", "service": "y"}, codec, system_clock, tmp_path, "here", no_service)
    with pytest.raises(Invalid):
        open_store({"dsn": "x", "schema": "bad name"}, codec, system_clock, tmp_path, "here", no_service)


def test_a_service_says_where_the_database_is(postgres: SharedServer, tmp_path: Path) -> None:
    asked: list[str] = []

    def service_url(service: str) -> str:
        asked.append(service)
        return postgres.dsn

    settings = {"service": "postgres", "schema": postgres.schema()}
    store = open_store(settings, EventCodec(JsonCodec()), system_clock, tmp_path, "here", service_url)
    store.append(batch("there"))
    assert (asked, said(store)) == (["postgres"], ["there"])
    store.close()
