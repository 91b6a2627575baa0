"""Least-privilege roles for the PostgreSQL store: what each may do, and that the server refuses the rest."""

from collections.abc import Iterator
from typing import Any, Literal

import msgspec
import psycopg
import pytest

from fleet_core.api import (
    Condition,
    EventCodec,
    Projection,
    Query,
    Recorded,
    Unavailable,
    Usage,
    system_clock,
)
from fleet_core.projections import catch_up
from fleet_core.testing.store_kit.base import said
from fleet_msgspec.codecs import JsonCodec
from fleet_postgres.database import Address
from fleet_postgres.migrations import Migration, shipped
from fleet_postgres.settings import Settings
from fleet_postgres.store import PostgresStore
from installing import RunFleet
from postgres_servers import SharedServer
from postgres_stores import ONE, batch, event, execute, open_postgres


class Tally(msgspec.Struct, frozen=True):
    """How many events a stream has."""

    events: int


class Note(msgspec.Struct, frozen=True):
    """What the last event says."""

    text: str


def evolve(state: Tally | None, event: Recorded) -> Tally:
    return Tally(1 if state is None else state.events + 1)


TALLIES = Projection(
    name="tallies", state=Tally, types=("noted",), key=lambda event: event.stream_id, evolve=evolve
)

Role = Literal["owner", "writer", "reader"]


def open_with(dsn: str, schema: str, migrations: list[Migration]) -> PostgresStore:
    codec = EventCodec(JsonCodec())
    return PostgresStore(Address.parse(dsn, "dsn"), schema, codec, system_clock, Settings(), migrations)


class Ground:
    """A schema with an event and a read table, and the roles for it."""

    def __init__(self, postgres: SharedServer) -> None:
        self.schema = postgres.schema()
        self._dsn = postgres.dsn
        store = open_postgres(postgres.dsn, self.schema)
        store.define([TALLIES])
        store.append(batch("first"))
        self.sql = store.grants()
        store.close()
        self.grant()

    def grant(self) -> None:
        """Run the statements as the server's administrator."""
        execute(self._dsn, self.sql)

    def dsn(self, role: Role) -> str:
        return self._dsn.replace("user=fleet", f"user={self.schema}_{role}")

    def open(self, role: Role, **settings: Any) -> PostgresStore:
        store = open_postgres(self.dsn(role), self.schema, **settings)
        store.define([TALLIES])
        return store

    def execute(self, role: Role, sql: str) -> list[tuple[Any, ...]]:
        return execute(self.dsn(role), sql.replace("{schema}", self.schema))


@pytest.fixture(scope="module")
def shared(postgres: SharedServer) -> Ground:
    """For tests that leave things as they are."""
    return Ground(postgres)


@pytest.fixture
def ground(postgres: SharedServer) -> Ground:
    return Ground(postgres)


@pytest.fixture
def writer(ground: Ground) -> Iterator[PostgresStore]:
    store = ground.open("writer")
    yield store
    store.close()


def test_a_writer_opens_the_store_appends_and_reads(writer: PostgresStore) -> None:
    writer.append(batch("second"))
    writer.append(batch(*"many"), batch("more"))
    writer.append(batch("checked"), condition=Condition(Query.of(types=("unknown",))))
    again = event("given", id="by name", tags=("a tag",))
    for _ in range(2):
        writer.append(batch()._replace(events=[again]))
    assert said(writer) == ["first", "second", *"many", "more", "checked", "given"]


def test_a_writer_keeps_read_tables_up_to_date(writer: PostgresStore) -> None:
    writer.append(batch("second"))
    assert writer.get("tallies", ONE.id) == Tally(2)
    assert writer.position("tallies") == writer.head()


def test_a_table_that_is_searched_is_the_owner_s_the_writer_keeps_it_and_readers_search(
    ground: Ground,
) -> None:
    notes = Projection(
        name="notes",
        state=Note,
        types=("noted",),
        key=lambda event: event.stream_id,
        evolve=lambda state, event: Note(str(event.plain)),
        text=("text",),
    )
    for role in ("owner", "writer"):
        store = ground.open(role)
        assert store.define([notes]) == []
        catch_up(store, store, notes)
        store.append(batch(f"a lamp of the {role}"))
        assert store.search("notes", "LAMP own", {}).items == (
            [Note("a lamp of the owner")] if role == "owner" else []
        )
        store.close()
    reader = ground.open("reader")
    reader.define([notes])
    assert reader.search("notes", "lamp writ", {}).items == [Note("a lamp of the writer")]
    reader.close()


def test_a_writer_closes_the_chain_and_verifies_it(writer: PostgresStore) -> None:
    for _ in range(11):
        writer.append(batch(*range(100)))
    assert writer._connections.read(f"SELECT count(*) > 0 FROM {writer._schema}.chain") == [(True,)]
    assert writer.verify().findings == []


RECORD = ["events", "streams", "event_tags", "chain", "meta", "schema_migrations"]
"""Tables that hold what must stay as it is."""


@pytest.mark.parametrize("role", ["writer", "reader"])
@pytest.mark.parametrize("table", RECORD)
@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE {}.{} SET {} = {}",
        "DELETE FROM {}.{}",
        "TRUNCATE {}.{}",
        "DROP TABLE {}.{}",
        "ALTER TABLE {}.{} DISABLE TRIGGER ALL",
    ],
)
def test_the_server_refuses_to_let_the_record_be_changed(
    shared: Ground, role: Role, table: str, sql: str
) -> None:
    column = {"streams": "id", "event_tags": "tag", "meta": "value", "schema_migrations": "name"}.get(
        table, "hash"
    )
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        shared.execute(role, sql.format(shared.schema, table, column, column))


@pytest.mark.parametrize("role", ["writer", "reader"])
@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE {schema}.mine (x integer)",
        "CREATE FUNCTION {schema}.mine() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
        "ALTER FUNCTION {schema}.refuse() RENAME TO harmless",
        "DROP TRIGGER events_never_change ON {schema}.events",
        "DROP SCHEMA {schema} CASCADE",
        "SELECT setval('{schema}.positions', 1)",
        "SET session_replication_role = replica",
    ],
)
def test_the_server_refuses_to_let_the_schema_be_changed(shared: Ground, role: Role, sql: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        shared.execute(role, sql)


def test_a_reader_reads_everything(shared: Ground) -> None:
    store = shared.open("reader")
    assert said(store) == ["first"]
    assert store.get("tallies", ONE.id) == Tally(1)
    assert (store.info().events, store.verify().findings) == (1, [])
    assert shared.execute("reader", "SELECT type, data FROM {schema}.event_log") == [("noted", '"first"')]
    store.close()


@pytest.mark.parametrize("data", [["one"], ["one", "two"]])
def test_a_reader_s_append_is_refused_and_it_is_said_what_to_do(shared: Ground, data: list[str]) -> None:
    store = shared.open("reader")
    with pytest.raises(Unavailable, match="does not allow") as refused:
        store.append(batch(*data))
    assert "fleet store grant" in refused.value.remedy
    assert said(store) == ["first"]
    store.close()


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO {schema}.event_tags VALUES ('forged', 1)",
        "INSERT INTO {schema}.tallies VALUES ('forged', 1)",
        "UPDATE {schema}.projections SET position = 7",
        "SELECT nextval('{schema}.positions')",
        "SELECT {schema}.take_turn(true, '{}', '{}', 0)",
    ],
)
def test_a_reader_can_neither_forge_nor_hold_up_writers(shared: Ground, sql: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        shared.execute("reader", sql)


def test_who_has_no_role_sees_nothing(shared: Ground) -> None:
    stranger = f"{shared.schema}_stranger"
    execute(shared._dsn, f"CREATE ROLE {stranger} LOGIN")
    dsn = shared._dsn.replace("user=fleet", f"user={stranger}")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        execute(dsn, f"SELECT * FROM {shared.schema}.events")
    with pytest.raises(Unavailable, match="does not allow"):
        open_postgres(dsn, shared.schema)


def test_a_read_table_that_the_owner_rebuilds_is_still_the_writer_s_and_the_reader_s(
    ground: Ground, writer: PostgresStore
) -> None:
    owner = ground.open("owner")
    owner.rebuild("tallies", owner.read(), owner.head())
    owner.close()
    writer.append(batch("second"))
    reader = ground.open("reader")
    assert reader.get("tallies", ONE.id) == Tally(2)
    reader.close()


def test_a_read_table_that_is_missing_is_for_the_owner_to_make(ground: Ground, writer: PostgresStore) -> None:
    new = Projection(
        name="new tallies", state=Tally, types=("noted",), key=lambda event: event.type, evolve=evolve
    )
    with pytest.raises(Unavailable, match="does not allow"):
        writer.define([TALLIES, new])
    owner = ground.open("owner")
    owner.define([TALLIES, new])
    owner.close()
    writer.define([TALLIES, new])
    writer.append(batch("second"))
    assert writer.get("new tallies", "noted") == Tally(2)


def test_the_schema_is_for_the_owner_to_migrate(ground: Ground) -> None:
    newer = [*shipped(), Migration(9999, "newer", "CREATE TABLE {schema}.newer (x integer)")]
    with pytest.raises(Unavailable, match="does not allow"):
        open_with(ground.dsn("writer"), ground.schema, newer)
    open_with(ground.dsn("owner"), ground.schema, newer).close()
    open_with(ground.dsn("writer"), ground.schema, newer).close()


def test_a_store_is_for_the_owner_to_seal(ground: Ground, writer: PostgresStore) -> None:
    with pytest.raises(Unavailable, match="does not allow"):
        writer.seal("not mine")
    owner = ground.open("owner")
    owner.seal("it moves")
    with pytest.raises(Unavailable, match="it moves"):
        writer.append(batch("late"))
    owner.unseal()
    owner.close()
    writer.append(batch("again"))


def test_the_statements_may_be_run_again(ground: Ground, writer: PostgresStore) -> None:
    ground.grant()
    writer.append(batch("second"))
    assert said(writer) == ["first", "second"]


def test_rights_that_somebody_gave_by_hand_are_taken_back(ground: Ground) -> None:
    execute(ground._dsn, f"GRANT DELETE, TRUNCATE ON {ground.schema}.events TO {ground.schema}_writer")
    ground.grant()
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        ground.execute("writer", "TRUNCATE {schema}.events")


def test_roles_may_have_names_of_one_s_own(postgres: SharedServer) -> None:
    schema = postgres.schema()
    store = open_postgres(postgres.dsn, schema)
    execute(postgres.dsn, store.grants(owner=f"{schema}@Chef", writer=f"{schema}-w", reader=f"{schema}.r"))
    store.close()
    store = open_postgres(postgres.dsn.replace("user=fleet", f"user={schema}-w"), schema)
    store.append(batch("there"))
    store.close()


@pytest.mark.parametrize("name", ["", "public", "pg_mine", "x'; DROP ROLE fleet", 'a"b', "a$$b", "ä" * 32])
def test_a_name_that_can_not_be_a_role_s_is_refused(shared: Ground, name: str) -> None:
    store = shared.open("reader")
    with pytest.raises(Usage, match="role"):
        store.grants("an_owner", name or "an_owner", "a_reader")
    store.close()


def test_the_command_prints_the_statements_and_runs_none(
    postgres: SharedServer, run_fleet: RunFleet, tmp_path: Any
) -> None:
    schema = postgres.schema()
    (tmp_path / "fleet.toml").write_text(
        f'[store]\nbackend = "postgres"\n[plugins.postgres]\ndsn = "{postgres.dsn}"\nschema = "{schema}"\n'
    )
    answer = run_fleet("store", "grant", "--writer", f"{schema}_w", "--reader", f"{schema}_r")
    assert (answer.returncode, answer.stderr) == (0, "")
    roles = f"SELECT rolname FROM pg_roles WHERE rolname LIKE '{schema}%' ORDER BY 1"
    assert execute(postgres.dsn, roles) == []
    execute(postgres.dsn, answer.stdout)
    assert execute(postgres.dsn, roles) == [(f"{schema}_{each}",) for each in ("owner", "r", "w")]
