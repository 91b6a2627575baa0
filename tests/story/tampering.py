"""One byte of an event, changed behind the store's back."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from story.shop import Shop

WORDS = b"names are unique"
"""What an event says whose byte is changed."""

_FLIP = """
UPDATE {schema}.events SET data = set_byte(data, 9, get_byte(data, 9) # 1) WHERE position(%s in data) > 0
"""


@contextmanager
def one_byte_flipped(shop: Shop) -> Iterator[Path]:
    """The project with a byte of some events flipped: a copy of it, or itself until it is put right again."""
    if not shop.backend.dsn:
        yield _flipped_copy(shop)
        return
    _flip_on_server(shop)
    try:
        yield shop.root
    finally:
        _flip_on_server(shop)


def _flipped_copy(shop: Shop) -> Path:
    copy = shop.root.parent / "copy"
    copy.mkdir()
    shop.close()  # as the last one: what is in the write-ahead log goes to the file
    shutil.copytree(shop.root / ".fleet", copy / ".fleet")
    database = copy / ".fleet" / "events.db"
    found = database.read_bytes()
    assert WORDS in found
    database.write_bytes(found.replace(WORDS, WORDS.upper()[:1] + WORDS[1:]))
    return copy


def _flip_on_server(shop: Shop) -> None:
    with psycopg.connect(shop.backend.dsn, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")  # no triggers
        done = connection.execute(_FLIP.replace("{schema}", shop.backend.schema), (WORDS,))
        assert done.rowcount > 0
