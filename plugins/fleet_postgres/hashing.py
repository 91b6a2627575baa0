"""The hash of an event: covers all that its writer said, and when the server recorded it.

The writer hashes what it says; the server puts the time behind the digest as it is, since to hash both once
more would cost a single append a twentieth of its work there. Position, version and an inherited correlation
are the server's to give too; the chain over the log covers those (see chain.py).
"""

from collections.abc import Iterable
from hashlib import blake2b
from typing import Any, Final

import msgspec

SIZE: Final = 16
"""Bytes of a digest."""

_pack = msgspec.msgpack.Encoder().encode


def said_hash(*said: Any) -> bytes:
    """The hash of what a writer says: id, type, schema version, stream type and id, data, tags, metadata,
    cause, time of the occurrence.

    MessagePack tells bytes, text, numbers and NULL apart and gives lengths, so that no two events look alike.
    """
    return blake2b(_pack(said), digest_size=SIZE).digest()


def row_hash(row: tuple[Any, ...]) -> bytes:
    """The hash of an event from its row, laid out as `fleet_core.api.Row`."""
    said = said_hash(row[1], row[2], row[3], row[4], row[5], row[7], row[8], row[9], row[10], row[12])
    moment: int = row[13]
    return said + moment.to_bytes(8, "big", signed=True)


def chained(previous: bytes, links: Iterable[tuple[Any, ...]]) -> bytes:
    """The hash of a chain that goes on with these links, each hashed together with all that came before."""
    for link in links:
        previous = blake2b(previous + _pack(link), digest_size=SIZE).digest()
    return previous
