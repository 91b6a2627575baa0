"""Schema migrations: numbered, checksummed, each applied once and whole, by one process at a time."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from fleet_core.api import Damaged, Unavailable
from fleet_sqlite.migrations import Migration, shipped, statements
from sqlite_stores import batch, execute, open_sqlite

NEXT = Migration(
    2,
    "notes",
    """\
CREATE TABLE notes (text TEXT);
CREATE TRIGGER notes_stay BEFORE DELETE ON notes
BEGIN
    SELECT RAISE(ABORT, 'no');
END;
INSERT INTO notes SELECT 'made when there were ' || count(*) || ' events' FROM events;
""",
)
BROKEN = Migration(2, "broken", "CREATE TABLE notes (text TEXT);\nINSERT INTO nowhere VALUES (1);\n")


def with_(*more: Migration) -> Callable[[str], Sequence[Migration]]:
    return lambda kind: [*shipped(kind), *more]


def numbers(directory: Path) -> list[int]:
    return [row[0] for row in execute(directory, "SELECT number FROM schema_migrations ORDER BY number")]


@pytest.mark.parametrize("kind", ["events", "views"])
def test_shipped_migrations_count_from_one(kind: str) -> None:
    found = shipped(kind)
    assert [migration.number for migration in found] == list(range(1, len(found) + 1))
    assert all(migration.name for migration in found)


@pytest.mark.parametrize("version", range(1, len(shipped("events")) + 1))
def test_a_store_of_every_earlier_version_opens_with_its_events(tmp_path: Path, version: int) -> None:
    old = open_sqlite(tmp_path, migrations=lambda kind: shipped(kind)[:version])
    old.append(batch("of old"))
    old.close()
    store = open_sqlite(tmp_path, migrations=with_(NEXT))
    assert [event.plain for event in store.read()] == ["of old"]
    assert store.info().schema_version == 2
    assert store.verify().findings == []
    store.close()
    assert numbers(tmp_path) == [1, 2]
    assert execute(tmp_path, "SELECT text FROM notes") == [("made when there were 1 events",)]


def test_a_migration_is_applied_once(tmp_path: Path) -> None:
    for _ in range(3):
        open_sqlite(tmp_path, migrations=with_(NEXT)).close()
    assert execute(tmp_path, "SELECT count(*) FROM notes") == [(1,)]


def test_a_migration_that_fails_leaves_no_trace(tmp_path: Path) -> None:
    open_sqlite(tmp_path).close()
    with pytest.raises(Unavailable, match="nowhere"):
        open_sqlite(tmp_path, migrations=with_(BROKEN))
    assert numbers(tmp_path) == [1]
    assert execute(tmp_path, "SELECT name FROM sqlite_schema WHERE name = 'notes'") == []
    open_sqlite(tmp_path, migrations=with_(NEXT)).close()
    assert numbers(tmp_path) == [1, 2]


def test_a_newer_schema_is_refused_with_the_remedy(tmp_path: Path) -> None:
    open_sqlite(tmp_path, migrations=with_(NEXT)).close()
    with pytest.raises(Unavailable, match=r"schema 2 \(notes\).*knows schemas up to 1") as refused:
        open_sqlite(tmp_path)
    assert "upgrade" in refused.value.remedy


def test_a_migration_that_was_changed_is_refused(tmp_path: Path) -> None:
    open_sqlite(tmp_path, migrations=with_(NEXT)).close()
    with pytest.raises(Damaged, match=r"migration 2 \(notes\)"):
        open_sqlite(tmp_path, migrations=with_(NEXT._replace(sql=NEXT.sql + "-- changed\n")))


def test_a_database_left_half_made_is_finished(tmp_path: Path) -> None:
    (tmp_path / "events.db").touch()
    execute(
        tmp_path,
        "PRAGMA journal_mode = wal",
        "CREATE TABLE schema_migrations (number, name, checksum, applied_at)",
    )
    store = open_sqlite(tmp_path)
    assert store.append(batch(1)).positions == [1]
    store.close()


def test_statements_end_where_they_end_not_at_every_semicolon() -> None:
    assert [text.split("\n")[0][:14] for text in statements(NEXT.sql)] == [
        "CREATE TABLE n",
        "CREATE TRIGGER",
        "INSERT INTO no",
    ]
