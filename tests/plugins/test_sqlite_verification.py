"""Events are immutable, and damage is noticed: whatever column, index, tail or write-ahead log it hits."""

import shutil
from contextlib import closing
from hashlib import blake2b
from pathlib import Path

import pytest

from fleet_core.api import Batch, Damaged, Stream
from fleet_sqlite.hashing import link
from fleet_sqlite.reading import COLUMNS, NAMES
from fleet_sqlite.store import SqliteStore
from sqlite_stores import ONE, batch, event, execute, open_sqlite, unguard


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A directory with a log of twenty events in three streams, closed."""
    store = open_sqlite(tmp_path)
    root = store.append(batch("root")).ids[0]
    for number in range(9):
        store.append(
            Batch(
                Stream("test", f"s{number % 2}"), [event(number, tags=("a", f"t{number}"), metadata={"n": 1})]
            ),
            Batch(ONE, [event({"x": number}, causation_id=root, occurred_at=5)]),
        )
    store.append(batch("last"))
    store.close()
    return tmp_path


def findings(directory: Path) -> list[str]:
    store = open_sqlite(directory)
    try:
        return [f"{finding.position}: {finding.what}" for finding in store.verify().findings]
    finally:
        store.close()


def test_a_sound_log_has_no_findings(log: Path) -> None:
    store = open_sqlite(log)
    verification = store.verify()
    store.close()
    assert verification.findings == []
    assert (verification.events, verification.head) == (20, 20)
    assert (
        verification.head_hash
        == execute(log, "SELECT lower(hex(hash)) FROM events WHERE position = 20")[0][0]
    )


def test_an_empty_log_is_sound(tmp_path: Path) -> None:
    assert findings(tmp_path) == []


@pytest.mark.parametrize("table", ["events", "streams", "types"])
@pytest.mark.parametrize("statement", ["DELETE FROM {}", "UPDATE {} SET {} = {}"])
def test_what_events_are_made_of_can_be_neither_changed_nor_deleted(
    log: Path, table: str, statement: str
) -> None:
    key = "position" if table == "events" else "key"
    with pytest.raises(Exception, match=r"immutable|kept"):
        execute(log, statement.format(table, key, key))
    assert findings(log) == []


CHANGES = {
    "id": "randomblob(16)",
    "stream": "(SELECT max(key) FROM streams)",
    "version": "version + 100",
    "type": "(SELECT key FROM types WHERE name = 'other')",
    "schema_version": "schema_version + 1",
    "data": "CAST('\"forged\"' AS BLOB)",
    "tags": "CAST('[\"forged\"]' AS BLOB)",
    "metadata": "NULL",
    "causation_id": "randomblob(16)",
    "correlation_id": "randomblob(16)",
    "occurred_at": "1",
    "recorded_at": "recorded_at + 1",
    "hash": "randomblob(16)",
}


@pytest.mark.parametrize("column", CHANGES)
def test_a_change_in_any_column_is_found_at_its_place(log: Path, column: str) -> None:
    unguard(log)
    place = 11 if column == "stream" else 4
    execute(
        log,
        "INSERT INTO types (name) VALUES ('other')",
        f"UPDATE events SET {column} = {CHANGES[column]} WHERE position = {place}",
    )
    assert any(found.startswith(f"{place}: ") for found in findings(log))


def test_every_column_of_events_is_tried(log: Path) -> None:
    columns = {row[1] for row in execute(log, "PRAGMA table_info(events)")}
    assert columns - {"position"} == CHANGES.keys()


@pytest.mark.parametrize(
    "change", ["UPDATE streams SET id = 'forged' WHERE id = 's1'", "UPDATE types SET name = 'forged'"]
)
def test_a_changed_name_is_found(log: Path, change: str) -> None:
    unguard(log)
    execute(log, change)
    assert findings(log)


@pytest.mark.parametrize("change", ["DELETE FROM streams WHERE id = 's1'", "DELETE FROM types"])
def test_a_lost_name_is_found(log: Path, change: str) -> None:
    unguard(log)
    execute(log, change)
    assert findings(log)


def test_a_moved_event_is_found(log: Path) -> None:
    unguard(log)
    execute(log, "UPDATE events SET position = 99 WHERE position = 4")
    assert findings(log)


def test_an_event_cut_out_is_found(log: Path) -> None:
    unguard(log)
    execute(log, "DELETE FROM events WHERE position = 4")
    assert any(found.startswith("5: ") for found in findings(log))


def test_an_event_put_in_is_found(log: Path) -> None:
    copied = "id, stream, version, type, schema_version, data, recorded_at, hash"
    changed = "randomblob(16), stream, version + 1, type, schema_version, data, recorded_at, hash"
    execute(log, f"INSERT INTO events ({copied}) SELECT {changed} FROM events WHERE position = 20")
    assert any(found.startswith("21: ") for found in findings(log))


def test_a_deleted_tail_is_found(log: Path) -> None:
    unguard(log)
    execute(log, "DELETE FROM events WHERE position > 15")
    found = findings(log)
    assert any("had come to 20" in each for each in found)
    assert any("beside the database" in each for each in found)


def test_a_deleted_tail_is_found_even_when_the_counter_was_set_back(log: Path) -> None:
    unguard(log)
    execute(
        log,
        "DELETE FROM events WHERE position > 15",
        "UPDATE sqlite_sequence SET seq = 15 WHERE name = 'events'",
    )
    [found] = findings(log)
    assert found.startswith("20: ")


def test_a_chain_computed_anew_is_found(log: Path) -> None:
    unguard(log)
    execute(log, "UPDATE events SET data = CAST('1' AS BLOB) WHERE position = 15")
    digest = bytes(16)
    for row in execute(log, f"SELECT {COLUMNS} FROM events e {NAMES} ORDER BY e.position"):
        digest = link(digest, row)
        execute(log, ("UPDATE events SET hash = ? WHERE position = ?", (digest, row[0])))
    [found] = findings(log)
    assert found.startswith("20: ")
    assert "beside the database" in found


def test_a_write_ahead_log_that_was_cut_is_found(tmp_path: Path) -> None:
    store = open_sqlite(tmp_path)
    for number in range(50):
        store.append(batch(number))
    assert store.verify().findings == []
    copy = tmp_path / "after the crash"
    copy.mkdir()
    for name in ("events.db", "events.db-wal", "events.head"):
        shutil.copy(tmp_path / name, copy / name)
    store.close()
    wal = copy / "events.db-wal"
    damaged = bytearray(wal.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    wal.write_bytes(damaged)
    assert any(found.startswith("50: ") for found in findings(copy))


def test_an_index_by_tags_that_misses_an_event_is_found(log: Path) -> None:
    execute(log, "DELETE FROM event_tags WHERE position = 4")
    assert findings(log) == ["None: the index by tags does not agree with the events"]


def test_versions_that_are_missing_are_found(log: Path) -> None:
    unguard(log)
    execute(
        log, "DELETE FROM events WHERE stream = (SELECT key FROM streams WHERE id = 's1') AND version = 1"
    )
    assert any("versions of stream test/s1 are missing" in found for found in findings(log))


def test_flipped_bits_in_the_file_are_found_and_never_end_in_a_traceback(log: Path) -> None:
    sound = (log / "events.db").read_bytes()
    execute(log, "PRAGMA wal_checkpoint(TRUNCATE)")
    sound = (log / "events.db").read_bytes()
    text = sound.find(b'{"x":7}')
    damaged = bytearray(sound)
    damaged[text + 5] ^= 1
    (log / "events.db").write_bytes(damaged)
    assert findings(log)


def test_text_that_is_no_text_is_called_damage(log: Path) -> None:
    unguard(log)
    execute(log, "UPDATE streams SET id = CAST(x'ff' AS TEXT) WHERE id = 's1'")
    store = open_sqlite(log)
    with pytest.raises(Damaged):
        list(store.read())
    assert store.verify().findings
    store.close()


def test_nothing_is_appended_to_a_log_that_lost_what_was_recorded(log: Path) -> None:
    unguard(log)
    execute(
        log,
        "DELETE FROM events WHERE position > 15",
        "UPDATE sqlite_sequence SET seq = 15 WHERE name = 'events'",
    )
    store = open_sqlite(log)
    with pytest.raises(Damaged, match="position 20") as refused:
        store.append(batch("on top"))
    assert "verify" in refused.value.remedy
    assert [recorded.position for recorded in store.read(after=14)] == [15]
    store.close()


def test_a_backup_is_taken_up_once_the_witness_is_removed(log: Path) -> None:
    test_nothing_is_appended_to_a_log_that_lost_what_was_recorded(log)
    (log / "events.head").unlink()
    store = open_sqlite(log)
    assert store.append(batch("on top")).positions == [16]
    store.close()


def test_a_torn_witness_is_as_good_as_the_one_before(log: Path) -> None:
    witness = log / "events.head"
    slots = witness.read_bytes()
    for place in (0, 64):
        torn = bytearray(slots)
        torn[place + 3] ^= 1
        witness.write_bytes(torn)
        assert findings(log) == []


def test_the_hash_is_what_the_docs_say(log: Path) -> None:
    import msgspec

    row, digest = execute(log, f"SELECT {COLUMNS} FROM events e {NAMES} WHERE e.position = 1")[0], bytes(16)
    expected = blake2b(digest + msgspec.msgpack.encode(row), digest_size=16).digest()
    assert execute(log, "SELECT hash FROM events WHERE position = 1") == [(expected,)]


def test_verifying_goes_on_while_others_append(tmp_path: Path) -> None:
    store = open_sqlite(tmp_path)
    for number in range(5):
        store.append(batch(*range(500)))
        assert store.verify().events == (number + 1) * 500
    store.close()


def test_a_closed_store_verifies_nothing(log: Path) -> None:
    store: SqliteStore = open_sqlite(log)
    store.close()
    with pytest.raises(Exception, match="is closed"):
        store.verify()


def test_the_witness_has_seen_everything_once_the_store_is_closed(tmp_path: Path) -> None:
    with closing(open_sqlite(tmp_path)) as store:
        for number in range(50):
            store.append(batch(number))
    unguard(tmp_path)
    execute(tmp_path, "DELETE FROM events WHERE position = 50")
    assert any("had come to 50" in each or each.startswith("50: ") for each in findings(tmp_path))


def test_a_process_that_knows_less_does_not_set_the_witness_back(tmp_path: Path) -> None:
    early, late = open_sqlite(tmp_path), open_sqlite(tmp_path)
    for number in range(5):
        early.append(batch(number))
    for number in range(5):
        late.append(batch(10 + number))
    late.close()
    early.close()
    unguard(tmp_path)
    execute(tmp_path, "DELETE FROM events WHERE position = 10")
    assert any("had come to 10" in each or each.startswith("10: ") for each in findings(tmp_path))
