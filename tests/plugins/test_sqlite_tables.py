"""Read tables: a column for each field, kept within the append, caught up after a gap, rebuilt beside."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import msgspec
import pytest

from fleet_core.api import (
    Batch,
    Invalid,
    NotFound,
    PluginBroken,
    Projection,
    Recorded,
    Stream,
    Unavailable,
    Usage,
    Views,
)
from fleet_core.projections import catch_up, differences, rebuild
from fleet_sqlite.store import SqliteStore
from fleet_sqlite.views import open_views
from sqlite_stores import ONE, TWO, Tally, batch, event, execute, open_sqlite, run_script, tally


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    store = open_sqlite(tmp_path)
    yield store
    store.close()


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Inner(msgspec.Struct, frozen=True):
    x: int


class Everything(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """A state with a field of every kind."""

    text: str = "grüße"
    whole: int = 7
    fraction: float = 1.5
    truth: bool = True
    maybe_text: str | None = None
    maybe_whole: int | None = 3
    colour: Colour = Colour.BLUE
    status: Literal["open", "done"] = "open"
    moment: datetime = datetime(2025, 1, 2, 3, 4, 5, 6, UTC)
    day: date = date(2025, 1, 2)
    identity: UUID = UUID(int=5)
    amount: Decimal = Decimal("1.10")
    raw: bytes = b"\x00\xff"
    names: tuple[str, ...] = ("a", "b")
    table: dict[str, int] = msgspec.field(default_factory=lambda: {"one": 1})
    inner: Inner = Inner(4)
    either: int | str = "5"
    anything: Any = None
    group: str = "a keyword of SQL"


EVERYTHING = Projection(
    name="everything",
    state=Everything,
    types=("noted",),
    key=lambda recorded: recorded.stream_id,
    evolve=lambda state, recorded: msgspec.convert(recorded.plain, Everything, strict=False),
)


def test_a_state_of_every_kind_comes_back_as_it_was(store: SqliteStore) -> None:
    store.define([EVERYTHING])
    other = {
        "text": "",
        "whole": -(2**63),
        "maybeText": "x",
        "maybeWhole": None,
        "anything": [1, {"a": None}],
    }
    store.append(batch({}, stream=ONE), batch(other, stream=TWO))
    assert store.get("everything", "one") == Everything()
    assert store.get("everything", "two") == msgspec.convert(other, Everything)
    assert differences(store, store, EVERYTHING) == []


def test_any_tool_reads_a_table_a_column_for_each_field(tmp_path: Path, store: SqliteStore) -> None:
    store.define([EVERYTHING])
    store.append(batch({}))
    script = """
import json, sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
connection.row_factory = sqlite3.Row
print(json.dumps([dict(row) for row in connection.execute("SELECT * FROM everything")]))
"""
    [row] = json.loads(run_script(script, tmp_path / "events.db"))
    assert list(row) == ["_key", *Everything.__struct_fields__]
    assert (row["_key"], row["text"], row["whole"], row["fraction"], row["truth"]) == (
        "one",
        "grüße",
        7,
        1.5,
        1,
    )
    assert (row["maybe_text"], row["colour"], row["status"]) == (None, "blue", "open")
    assert (row["moment"], row["day"]) == ("2025-01-02T03:04:05.000006Z", "2025-01-02")
    assert (row["names"], row["table"], row["inner"]) == ('["a","b"]', '{"one":1}', '{"x":4}')
    assert row["either"] == '"5"'


@pytest.mark.parametrize("field", Everything.__struct_fields__)
def test_states_are_found_by_a_field_of_any_kind(store: SqliteStore, field: str) -> None:
    store.define([EVERYTHING])
    store.append(batch({}))
    assert store.select("everything", {field: getattr(Everything(), field)}).items == [Everything()]
    assert store.count_by("everything", field) == {str(getattr(Everything(), field)): 1}


@pytest.mark.parametrize(
    "where",
    [
        {"whole": "7"},
        {"text": 7},
        {"either": 5},
        {"status": "'; DROP TABLE everything; --"},
        {"maybe_text": ""},
    ],
)
def test_what_merely_looks_alike_is_not_found(store: SqliteStore, where: dict[str, Any]) -> None:
    store.define([EVERYTHING])
    store.append(batch({}))
    assert store.select("everything", where).items == []
    assert store.get("everything", "one") == Everything()


def test_a_number_beyond_64_bits_leaves_the_table_behind_and_the_event_recorded(store: SqliteStore) -> None:
    store.define([EVERYTHING])
    store.append(batch({"whole": "99999999999999999999"}))
    assert store.head() == 1
    with pytest.raises(Invalid, match=r"64 bits") as refused:
        catch_up(store, store, EVERYTHING)
    assert refused.value.path == "$.whole"


def test_an_append_brings_tables_up_to_date_in_its_own_transaction(
    tmp_path: Path, store: SqliteStore
) -> None:
    assert store.inline
    store.define([tally()])
    store.append(batch(1, 2), batch(3, stream=TWO))
    rows = execute(tmp_path, "SELECT _key, events, last FROM tallies ORDER BY _key")
    assert rows == [("one", 2, "2"), ("two", 1, "3")]
    assert store.position("tallies") == 3


def test_a_state_that_ends_leaves_the_table(store: SqliteStore) -> None:
    store.define([tally()])
    store.append(batch(1), batch(1, stream=TWO))
    store.append(batch("forget"))
    store.append(batch("forget", stream=Stream("test", "never there")))
    store.append(batch(1, "forget", stream=Stream("test", "short")))
    assert dict(store.rows("tallies")) == {"two": Tally(1, 1)}


def test_events_that_concern_nobody_move_the_position_only(store: SqliteStore) -> None:
    store.define([tally()])
    store.append(batch("nobody"))
    store.append(Batch(ONE, [event(1, type="other")]))
    assert list(store.rows("tallies")) == []
    assert store.position("tallies") == 2


def test_a_gap_left_by_another_writer_is_made_up_for_by_the_next_append(
    tmp_path: Path, store: SqliteStore
) -> None:
    store.define([tally()])
    store.append(batch(1))
    stranger = open_sqlite(tmp_path)
    stranger.append(batch(2), batch(1, stream=TWO))
    stranger.close()
    assert store.position("tallies") == 1
    store.append(batch(3))
    assert store.position("tallies") == 4
    assert dict(store.rows("tallies")) == {"one": Tally(3, 3), "two": Tally(1, 1)}


def test_a_large_gap_is_left_to_the_catch_up(tmp_path: Path, store: SqliteStore) -> None:
    store.define([tally()])
    stranger = open_sqlite(tmp_path)
    stranger.append(batch(*range(1001)))
    stranger.close()
    store.append(batch("last"))
    assert store.position("tallies") == 0
    assert catch_up(store, store, tally()) == 1002
    assert store.get("tallies", "one") == Tally(1002, "last")


def test_a_projection_that_fails_loses_no_event_and_says_where(store: SqliteStore) -> None:
    store.define([tally(), tally("others")])
    store.append(batch(1))
    assert store.append(batch("break")).positions == [2]
    assert [recorded.plain for recorded in store.read()] == [1, "break"]
    assert store.position("tallies") == 1
    assert store.get("tallies", "one") == Tally(1, 1)
    with pytest.raises(PluginBroken, match="position 2") as broken:
        catch_up(store, store, tally())
    assert "sqlite_stores" in broken.value.remedy
    assert store.position("tallies") == 1


def test_a_key_that_fails_is_told_alike(store: SqliteStore) -> None:
    def key(recorded: Recorded) -> str:
        raise KeyError("nothing")

    projection = msgspec.structs.replace(tally(), key=key)
    store.define([projection])
    store.append(batch(1))
    with pytest.raises(PluginBroken, match="position 1"):
        catch_up(store, store, projection)


def test_a_changed_version_asks_for_a_rebuild_and_readers_are_told(store: SqliteStore) -> None:
    store.define([tally()])
    store.append(batch(1))
    newer = tally(version=2)
    assert store.define([newer]) == ["tallies"]
    store.append(batch(2))
    assert store.position("tallies") == 1
    with pytest.raises(Unavailable, match="version 1") as stale:
        catch_up(store, store, newer)
    assert "rebuild" in stale.value.remedy
    rebuild(store, store, newer)
    assert store.define([newer]) == []
    assert store.get("tallies", "one") == Tally(2, 2)
    assert [(state.version, state.position, state.rows) for state in store.states()] == [(2, 2, 1)]


def test_other_fields_ask_for_a_rebuild_even_when_the_version_was_forgotten(store: SqliteStore) -> None:
    store.define([tally()])
    store.append(batch({}))
    changed = msgspec.structs.replace(EVERYTHING, name="tallies")
    assert store.define([changed]) == ["tallies"]
    with pytest.raises(Unavailable, match="made by version"):
        store.get("tallies", "one")
    rebuild(store, store, changed)
    assert store.get("tallies", "one") == Everything()


class TallyOfText(msgspec.Struct, frozen=True):
    events: str
    last: str


def test_a_state_that_no_longer_fits_asks_for_a_rebuild(store: SqliteStore) -> None:
    store.define([tally()])
    store.append(batch(1))
    store.define([msgspec.structs.replace(tally(), state=TallyOfText)])
    with pytest.raises(Unavailable, match="does not fit its definition") as unfit:
        store.get("tallies", "one")
    assert "rebuild" in unfit.value.remedy


def test_readers_see_the_old_table_until_the_new_one_is_whole(store: SqliteStore) -> None:
    store.define([tally()])
    store.append(batch(1, 2, 3))
    seen = []

    def events() -> Iterator[Recorded]:
        for recorded in store.read(before=3):
            seen.append(store.get("tallies", "one"))
            yield recorded

    store.rebuild("tallies", events(), 2)
    assert seen == [Tally(3, 3)] * 2
    assert store.get("tallies", "one") == Tally(2, 2)
    assert store.position("tallies") == 2


def test_a_rebuild_that_fails_leaves_the_old_table(store: SqliteStore) -> None:
    store.define([tally()])
    store.append(batch(1))

    def events() -> Iterator[Recorded]:
        yield from store.read()
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="gone"):
        store.rebuild("tallies", events(), 1)
    assert store.get("tallies", "one") == Tally(1, 1)


def test_apply_does_nothing_to_a_table_that_is_further(store: SqliteStore) -> None:
    store.define([tally()])
    store.append(batch(1, 2))
    store.apply("tallies", list(store.read(before=2)), 1)
    assert store.get("tallies", "one") == Tally(2, 2)
    assert store.position("tallies") == 2


@pytest.mark.parametrize("name", ["events", "Streams", "projections", "sqlite_things", 'say "hi"', "select"])
def test_a_projection_may_have_any_name(store: SqliteStore, name: str) -> None:
    store.define([tally(name)])
    store.append(batch(1))
    assert store.get(name, "one") == Tally(1, 1)
    rebuild(store, store, tally(name))
    assert differences(store, store, tally(name)) == []
    assert store.verify().findings == []


def test_names_that_differ_by_case_alone_would_share_a_table(store: SqliteStore) -> None:
    with pytest.raises(PluginBroken, match="share one read table"):
        store.define([tally("Tallies"), tally("tallies")])


def test_pages_of_rows_are_in_the_order_of_their_keys(store: SqliteStore) -> None:
    store.define([tally()])
    names = ["z", "ä", "\U0001f600", "\uffff", "a", "B", ""]
    store.append(*(batch(1, stream=Stream("test", name or "x")) for name in names))
    keys = sorted((name or "x" for name in names), key=str.encode)
    assert [key for key, _ in store.rows("tallies")] == keys
    first = store.select("tallies", {}, limit=3)
    assert len(first.items) == 3
    assert first.next == keys[2]
    assert store.select("tallies", {}, after=first.next, limit=4).next is None


def test_many_rows_are_read_page_by_page(store: SqliteStore) -> None:
    store.define([tally()])
    for start in range(0, 2500, 500):
        store.append(
            *(batch(1, stream=Stream("test", f"{number:05}")) for number in range(start, start + 500))
        )
    assert [key for key, _ in store.rows("tallies")] == [f"{number:05}" for number in range(2500)]
    assert differences(store, store, tally()) == []


def test_unknown_names_are_errors(store: SqliteStore) -> None:
    with pytest.raises(NotFound, match="no read table"):
        store.get("nothing", "one")
    store.define([tally()])
    with pytest.raises(Usage, match="no field"):
        store.select("tallies", {"colour": "red"})
    with pytest.raises(Usage, match="no field"):
        store.count_by("tallies", "colour")


def test_defining_what_is_defined_writes_nothing(tmp_path: Path, store: SqliteStore) -> None:
    store.define([tally()])
    before = (tmp_path / "events.db-wal").stat().st_size
    assert store.define([tally()]) == []
    assert (tmp_path / "events.db-wal").stat().st_size == before


def test_read_tables_beside_another_store_live_in_a_file_of_their_own(
    tmp_path: Path, store: SqliteStore
) -> None:
    store.append(batch(1, 2))
    views = open_views({}, tmp_path, "[plugins.sqlite]")
    assert isinstance(views, Views)
    assert not views.inline
    views.define([tally()])
    assert views.position("tallies") == 0
    assert catch_up(store, views, tally()) == 2
    assert views.get("tallies", "one") == Tally(2, 2)
    views.close()
    again = open_views({}, tmp_path, "[plugins.sqlite]")
    assert again.define([tally()]) == []
    assert again.position("tallies") == 2
    assert differences(store, again, tally()) == []
    again.close()
    assert (tmp_path / "views.db").stat().st_mode & 0o777 == 0o600
