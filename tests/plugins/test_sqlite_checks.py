"""What `fleet doctor` hears from the SQLite store."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from fleet_core.api import EventCodec
from fleet_memory.store import MemoryStore
from fleet_msgspec.codecs import JsonCodec
from fleet_sqlite import checks
from fleet_sqlite.settings import Settings
from fleet_sqlite.store import SqliteStore
from sqlite_stores import batch, open_sqlite


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    store = open_sqlite(tmp_path)
    store.append(batch(1))
    yield store
    store.close()


def fleet_of(store: object, directory: Path) -> SimpleNamespace:
    return SimpleNamespace(store=store, project=SimpleNamespace(directory=directory))


def test_a_healthy_store_has_nothing_to_remedy(tmp_path: Path, store: SqliteStore) -> None:
    results = list(checks.check(fleet_of(store, tmp_path)))
    assert [result.status for result in results] == ["ok"] * 4
    assert all(result.detail for result in results)


def test_a_store_outside_of_the_project_has_its_own_disk(tmp_path: Path, store: SqliteStore) -> None:
    results = list(checks.check(fleet_of(store, tmp_path / "elsewhere")))
    assert results[-1].name == "disk space"


def test_a_store_of_another_plugin_is_none_of_our_business() -> None:
    store = MemoryStore(EventCodec(JsonCodec()))
    assert list(checks.check(fleet_of(store, Path()))) == []


def test_an_old_library_is_warned_of() -> None:
    result = checks.library("3.40.1")
    assert (result.status, "pysqlite3" in result.remedy) == ("warn", True)
    assert checks.library("3.53.4").status == "ok"


def test_weakened_durability_is_warned_of(tmp_path: Path) -> None:
    store = open_sqlite(tmp_path, Settings(unsafe_synchronous="normal"))
    result = checks.durability(store.info())
    store.close()
    assert (result.status, "unsafe_synchronous" in result.remedy) == ("warn", True)


def test_a_database_without_write_ahead_log_is_a_fault(tmp_path: Path, store: SqliteStore) -> None:
    info = store.info()
    info.details["journal"] = "delete"
    result = checks.durability(info)
    assert (result.status, bool(result.remedy)) == ("fail", True)


def test_a_large_write_ahead_log_is_warned_of(tmp_path: Path) -> None:
    with (tmp_path / "events.db-wal").open("wb") as file:
        file.truncate(checks.LARGE_WAL + 1)
    assert checks.write_ahead_log(tmp_path / "events.db").status == "warn"


def test_files_that_others_may_read_are_named(tmp_path: Path, store: SqliteStore) -> None:
    (tmp_path / "events.db").chmod(0o640)
    result = checks.permissions(tmp_path / "events.db")
    assert (result.status, result.detail) == ("warn", "others may use events.db")
    assert result.remedy == f"chmod 600 {tmp_path / 'events.db'}"


@pytest.mark.parametrize(("free", "status"), [(10**9, "ok"), (10**8, "warn"), (10**7, "fail")])
def test_little_space_is_told(tmp_path: Path, free: int, status: str) -> None:
    assert checks.space(tmp_path / "events.db", free).status == status
