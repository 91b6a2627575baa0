"""The files of a SQLite store: private, local, readable by other tools."""

import json
import os
import random
import stat
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from fleet_core.api import Batch, Damaged, EventCodec, Invalid, Stream, Unavailable, system_clock
from fleet_msgspec.codecs import JsonCodec, MsgpackCodec
from fleet_sqlite.files import file_system, refuse_network
from fleet_sqlite.store import SqliteStore, open_store
from sqlite_stores import batch, event, execute, open_sqlite, run_script

READ_VIEW = """
import json, sqlite3, sys
rows = sqlite3.connect(sys.argv[1]).execute("SELECT * FROM event_log ORDER BY position")
names = [column[0] for column in rows.description]
print(json.dumps([dict(zip(names, row)) for row in rows]))
"""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    store = open_sqlite(tmp_path)
    yield store
    store.close()


def test_files_are_for_their_owner_alone_whatever_the_umask_says(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        store = open_sqlite(tmp_path / "new" / ".fleet")
        store.append(batch(1))
        files = list((tmp_path / "new" / ".fleet").iterdir())
        store.close()
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in files if file.exists()}
    finally:
        os.umask(before)
    assert modes["events.db"] == modes["events.head"] == modes["events.lock"] == 0o600
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE((tmp_path / "new" / ".fleet").stat().st_mode) == 0o700


def test_the_write_ahead_log_is_for_its_owner_alone(tmp_path: Path, store: SqliteStore) -> None:
    store.append(batch(1))
    assert stat.S_IMODE((tmp_path / "events.db-wal").stat().st_mode) == 0o600


def test_a_symbolic_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "events.db").symlink_to(tmp_path / "elsewhere.db")
    with pytest.raises(Unavailable, match="symbolic link"):
        open_sqlite(tmp_path)
    assert not (tmp_path / "elsewhere.db").exists()


def test_a_directory_that_may_not_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match="can't be created"):
        open_sqlite(tmp_path / "file" / "inside")


def test_a_file_that_is_no_database_is_called_damaged(tmp_path: Path) -> None:
    (tmp_path / "events.db").write_bytes(b"this is a letter to my grandmother, not a database" * 100)
    with pytest.raises(Damaged):
        open_sqlite(tmp_path)


MOUNTS = """\
proc /proc proc rw 0 0
/dev/vda / ext4 rw 0 0
server:/home /srv/with\\040space nfs4 rw 0 0
/dev/vdb /srv/with\\040space/local xfs rw 0 0
me@there: /mnt fuse.sshfs rw 0 0
tmpfs /mnt tmpfs rw 0 0
"""


def test_the_deepest_and_last_mount_counts(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(MOUNTS)
    assert file_system(Path("/home/me"), mounts) == ("ext4", Path("/"))
    assert file_system(Path("/srv/with space/project"), mounts) == ("nfs4", Path("/srv/with space"))
    assert file_system(Path("/srv/with space/local/project"), mounts)[0] == "xfs"
    assert file_system(Path("/mnt/project"), mounts)[0] == "tmpfs"


def test_a_network_file_system_is_refused_with_the_reason(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(MOUNTS)
    with pytest.raises(Unavailable, match=r"network file system.*locks don't hold") as refused:
        refuse_network(Path("/srv/with space/project"), mounts)
    assert "local disk" in refused.value.remedy
    refuse_network(Path("/home/me"), mounts)


def test_where_nothing_says_what_is_mounted_nothing_is_refused(tmp_path: Path) -> None:
    refuse_network(tmp_path, tmp_path / "no such file")


def test_the_view_shows_events_as_they_are_read(tmp_path: Path, store: SqliteStore) -> None:
    root = store.append(batch({"text": "grüß Gott", "list": [1, None]})).ids[0]
    store.append(
        Batch(
            Stream("mission", "m/1"),
            [
                event(tags=("b", "a"), metadata={"by": "me"}, causation_id=root, id="not a uuid"),
                event(occurred_at=-1_500_000, correlation_id="other", schema_version=3),
            ],
        )
    )
    expected = [recorded.as_dict() for recorded in store.read()]
    rows = json.loads(run_script(READ_VIEW, tmp_path / "events.db"))
    shown = [row | {name: json.loads(row[name]) for name in ("data", "tags", "metadata")} for row in rows]
    assert shown == expected


def test_the_view_shows_bytes_where_the_codec_writes_no_text(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "events.db", EventCodec(MsgpackCodec()), system_clock)
    store.append(batch({"a": 1}))
    store.close()
    script = "import sqlite3, sys; print(*sqlite3.connect(sys.argv[1]).execute('SELECT data FROM event_log'))"
    assert run_script(script, tmp_path / "events.db") == "(b'\\x81\\xa1a\\x01',)\n"


def test_info_says_what_there_is_and_how_to_open_it(tmp_path: Path, store: SqliteStore) -> None:
    store.append(batch(1, 2, 3))
    info = store.info()
    assert (info.backend, info.events, info.streams, info.schema_version, info.head) == ("sqlite", 3, 1, 1, 3)
    assert info.path == str(tmp_path / "events.db")
    files = [tmp_path / "events.db", tmp_path / "events.db-wal"]
    assert info.bytes == sum(file.stat().st_size for file in files)
    assert info.details["journal"] == "wal"
    assert info.details["synchronous"] == "full"
    assert info.details["codec"] == "json"
    assert info.details["files"] == ["events.db", "events.db-wal"]
    assert all(str(tmp_path / "events.db") in command for command in info.open_with)


def test_a_log_keeps_the_codec_it_was_begun_with(tmp_path: Path, store: SqliteStore) -> None:
    with pytest.raises(Unavailable, match="encoded as json, not as msgpack") as refused:
        SqliteStore(tmp_path / "events.db", EventCodec(MsgpackCodec()), system_clock)
    assert "fleet.toml" in refused.value.remedy


def test_settings_are_read_and_unknown_ones_refused(tmp_path: Path) -> None:
    codec = EventCodec(JsonCodec())
    settings = {"path": "deep/log.db", "unsafe_synchronous": "normal"}
    store = open_store(settings, codec, system_clock, tmp_path, "[plugins.sqlite]")
    assert store.info().path == str(tmp_path / "deep" / "log.db")
    assert store.info().details["synchronous"] == "normal"
    store.close()
    with pytest.raises(Invalid, match="durability"):
        open_store({"durability": "none"}, codec, system_clock, tmp_path, "[plugins.sqlite]")


def test_a_log_that_vanished_is_not_begun_anew_in_silence(tmp_path: Path) -> None:
    store = open_sqlite(tmp_path)
    store.append(batch(1))
    store.close()
    (tmp_path / "events.db").unlink()
    empty = open_sqlite(tmp_path)
    with pytest.raises(Damaged, match="does not hold the event at position 1"):
        empty.append(batch(2))
    assert [finding.position for finding in empty.verify().findings] == [1]
    empty.close()


def test_a_million_events_of_190_bytes_that_name_cause_and_chain_take_372_megabytes(
    tmp_path: Path, store: SqliteStore
) -> None:
    chance = random.Random(1)
    data = {"text": "x" * 179}
    sizes = []
    for _ in range(2):
        for _ in range(40):
            events = [event(data, causation_id=uuid(chance), correlation_id=uuid(chance)) for _ in range(100)]
            store.append(Batch(Stream("sortie", uuid(chance)), events))
        execute(tmp_path, "PRAGMA wal_checkpoint(TRUNCATE)")
        sizes.append((tmp_path / "events.db").stat().st_size)
    assert (sizes[1] - sizes[0]) / 4000 < 372


def uuid(chance: random.Random) -> str:
    return str(UUID(int=chance.getrandbits(128), version=4))
