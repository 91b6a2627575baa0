"""The index of words beside a read table: in the transaction that writes the table, and never another's."""

import random
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from fleet_core.api import FoldedView, Projection, Recorded, Stream, Unavailable
from fleet_core.projections import catch_up, fold, rebuild
from fleet_sqlite.columns import Table
from fleet_sqlite.store import SqliteStore
from fleet_sqlite.views import open_views
from sqlite_stores import batch, execute, open_sqlite

CHECK = "INSERT INTO words_of_pages (words_of_pages, rank) VALUES ('integrity-check', 1)"
"""Makes SQLite compare the index with the words in the table; it is an error when they differ."""


class Page(msgspec.Struct, frozen=True):
    """What the last event says."""

    text: str
    size: int = 0


def evolve(state: Page | None, event: Recorded) -> Page | None:
    return None if event.plain == "gone" else Page(str(event.plain), state.size + 1 if state else 1)


def pages(name: str = "pages", text: tuple[str, ...] = ("text",)) -> Projection[Page]:
    return Projection(
        name=name, state=Page, types=("noted",), key=lambda event: event.stream_id, evolve=evolve, text=text
    )


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    store = open_sqlite(tmp_path)
    yield store
    store.close()


def live(store: SqliteStore, seed: int, appends: int = 60) -> None:
    rng = random.Random(seed)
    for _ in range(appends):
        said = [rng.choice(["lamp", "lamp oil", "oil", "Öl", "", "gone"]) for _ in range(rng.randint(1, 3))]
        store.append(batch(*said, stream=Stream("page", str(rng.randint(1, 9)))))


def test_the_index_agrees_with_the_table_whatever_happens(tmp_path: Path, store: SqliteStore) -> None:
    store.define([pages()])
    for seed in range(4):
        live(store, seed)
        execute(tmp_path, CHECK)
        rebuild(store, store, pages())
        execute(tmp_path, CHECK)


def test_the_index_agrees_with_the_table_after_a_vacuum(tmp_path: Path, store: SqliteStore) -> None:
    store.define([pages()])
    live(store, 1)
    before = store.search("pages", "lamp", {})
    store.close()
    execute(tmp_path, "VACUUM", CHECK)
    again = open_sqlite(tmp_path)
    again.define([pages()])
    assert again.search("pages", "lamp", {}) == before
    live(again, 2)
    execute(tmp_path, CHECK)
    assert again.search("pages", "lamp", {}) == FoldedView(pages(), fold(pages(), again.read())).search(
        "lamp"
    )
    again.close()


def test_what_a_stranger_deletes_from_a_table_leaves_the_index(tmp_path: Path, store: SqliteStore) -> None:
    store.define([pages()])
    store.append(batch("lamp", stream=Stream("page", "1")), batch("lamp", stream=Stream("page", "2")))
    execute(tmp_path, "DELETE FROM pages WHERE _key = '1'", CHECK)
    assert len(store.search("pages", "lamp", {}).items) == 1


def test_a_state_whose_words_stay_leaves_the_index_alone(tmp_path: Path, store: SqliteStore) -> None:
    store.define([pages()])
    store.append(batch("lamp oil"))
    before = execute(tmp_path, "SELECT id, block FROM words_of_pages_data ORDER BY id")
    store.append(batch("oil, LAMP"))
    assert execute(tmp_path, "SELECT id, block FROM words_of_pages_data ORDER BY id") == before
    assert [page.size for page in store.search("pages", "lamp", {}).items] == [2]


def test_a_search_asks_the_index(tmp_path: Path, store: SqliteStore) -> None:
    store.define([pages()])
    table = Table(pages())
    plan = execute(
        tmp_path,
        ("EXPLAIN QUERY PLAN " + (sql := table.states.where(table.holds(["lamp"])).sql())[0], sql[1]),
    )
    assert any("words_of_pages VIRTUAL TABLE INDEX" in row[3] for row in plan)
    assert not any(row[3].startswith("SCAN pages") for row in plan)


def test_tables_that_nobody_searches_are_as_they_were(tmp_path: Path, store: SqliteStore) -> None:
    store.define([pages(text=())])
    made = execute(
        tmp_path, "SELECT name, sql FROM sqlite_schema WHERE name LIKE '%pages%' AND sql IS NOT NULL"
    )
    assert made == [
        ("pages", 'CREATE TABLE "pages" ("_key" TEXT NOT NULL PRIMARY KEY, "text" TEXT, "size" INTEGER)')
    ]


@pytest.mark.parametrize("name", ["events", "words_of_x", 'say "hi"', "it's", "select", "a b;", "Ü", "_data"])
def test_a_table_of_any_name_is_searched(store: SqliteStore, name: str) -> None:
    store.define([pages(name), pages("x")])
    for said in ("lamp", "oil", "lamp"):
        store.append(batch(said))
    rebuild(store, store, pages(name))
    store.append(batch("lamp oil"), batch("oil", stream=Stream("page", "2")))
    assert store.search(name, "oil lamp", {}).items == [Page("lamp oil", 4)]
    assert store.verify().findings == []


def test_a_table_that_an_older_fleet_made_again_is_rebuilt_with_its_index(
    tmp_path: Path, store: SqliteStore
) -> None:
    store.define([pages()])
    live(store, 1)
    older = [
        'DROP TABLE "pages"',
        'CREATE TABLE "pages" ("_key" TEXT NOT NULL PRIMARY KEY, "text" TEXT, "size" INTEGER)',
        "INSERT OR REPLACE INTO projections VALUES ('pages', 1, 'text,size', 0)",
    ]
    execute(tmp_path, *older)
    assert store.define([pages()]) == ["pages"]
    with pytest.raises(Unavailable, match="version 1 with other fields or text"):
        store.search("pages", "lamp", {})
    rebuild(store, store, pages())
    execute(tmp_path, CHECK)
    assert store.search("pages", "lamp", {}) == FoldedView(pages(), fold(pages(), store.read())).search(
        "lamp"
    )


def test_text_that_is_searched_no_more_leaves_no_index_behind(tmp_path: Path, store: SqliteStore) -> None:
    store.define([pages()])
    live(store, 1)
    assert store.define([pages(text=())]) == ["pages"]
    rebuild(store, store, pages(text=()))
    assert execute(tmp_path, "SELECT name FROM sqlite_schema WHERE name LIKE 'words_of%'") == []


def test_read_tables_beside_another_store_are_searched(tmp_path: Path, store: SqliteStore) -> None:
    live(store, 1)
    views = open_views({}, tmp_path, "[plugins.sqlite]")
    views.define([pages()])
    catch_up(store, views, pages())
    assert views.search("pages", "oil", {}) == FoldedView(pages(), fold(pages(), store.read())).search("oil")
    views.close()
