"""The index of words of a read table in PostgreSQL: made with the table, and asked."""

from collections.abc import Iterator

import msgspec
import pytest

from fleet_core.api import Projection, Recorded, Stream
from fleet_core.projections import rebuild
from fleet_postgres.store import PostgresStore
from postgres_servers import SharedServer
from postgres_stores import batch, execute, open_postgres

INDEXES = """
SELECT t.relname, a.amname FROM pg_index i
JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_am a ON a.oid = x.relam JOIN pg_class t ON t.oid = i.indrelid
WHERE t.relnamespace = %s::regnamespace AND i.indisvalid AND a.amname = 'gin'
"""


class Page(msgspec.Struct, frozen=True):
    """What the last event says."""

    text: str


def pages(name: str = "pages", text: tuple[str, ...] = ("text",)) -> Projection[Page]:
    return Projection(
        name=name, state=Page, types=("noted",), key=lambda event: event.stream_id, evolve=evolve, text=text
    )


def evolve(state: Page | None, event: Recorded) -> Page:
    return Page(str(event.plain))


@pytest.fixture
def schema(postgres: SharedServer) -> str:
    return postgres.schema()


@pytest.fixture
def store(postgres: SharedServer, schema: str) -> Iterator[PostgresStore]:
    store = open_postgres(postgres.dsn, schema)
    yield store
    store.close()


def test_a_table_has_one_index_of_words_however_often_it_is_rebuilt(
    postgres: SharedServer, schema: str, store: PostgresStore
) -> None:
    store.define([pages(), pages("others", text=())])
    for _ in range(3):
        assert execute(postgres.dsn, INDEXES, (schema,)) == [("pages", "gin")]
        rebuild(store, store, pages())
        rebuild(store, store, pages("others", text=()))


def test_text_that_is_searched_no_more_leaves_no_index_behind(
    postgres: SharedServer, schema: str, store: PostgresStore
) -> None:
    store.define([pages()])
    assert store.define([pages(text=())]) == ["pages"]
    rebuild(store, store, pages(text=()))
    assert execute(postgres.dsn, INDEXES, (schema,)) == []


def test_a_search_asks_the_index(postgres: SharedServer, schema: str, store: PostgresStore) -> None:
    store.define([pages()])
    store.append(*(batch(f"word{number} lamp", stream=Stream("page", str(number))) for number in range(500)))
    execute(postgres.dsn, f"ANALYZE {schema}.pages")
    asked = f"SELECT * FROM {schema}.pages WHERE _words @@ '''word77'':*'::tsquery ORDER BY _key LIMIT 20"
    # A table as small as this one would be read whole.
    plan = execute(f"{postgres.dsn} options='-c enable_seqscan=off'", f"EXPLAIN {asked}")
    assert any("Bitmap Index Scan on pages__words_idx" in line for (line,) in plan)
    assert [page.text for page in store.search("pages", "WORD499 la", {}).items] == ["word499 lamp"]


@pytest.mark.parametrize("name", ["events", 'say "hi"', "it's", "100%", "select", "Ü" * 40, "pages_rebuilt"])
def test_a_table_of_any_name_is_searched(store: PostgresStore, name: str) -> None:
    store.define([pages(name), pages()])
    store.append(batch("lamp"), batch("oil", stream=Stream("page", "2")))
    rebuild(store, store, pages(name))
    store.append(batch("lamp oil"))
    assert store.search(name, "oil lamp", {}).items == [Page("lamp oil")]
