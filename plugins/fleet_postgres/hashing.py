"""The hash of an event: covers all that its writer said, before it has a place in the log.

Position, version and an inherited correlation are the server's to give; the chain over the log covers those
(see chain.py).
"""

from collections.abc import Iterable
from hashlib import blake2b
from typing import Any, Final

import msgspec

SIZE: Final = 16
"""Bytes of a hash."""

_pack = msgspec.msgpack.Encoder().encode


def event_hash(*said: Any) -> bytes:
    """The hash of an event: id, type, schema version, stream type and id, data, tags, metadata, cause, times.

    MessagePack tells bytes, text, numbers and NULL apart and gives lengths, so that no two events look alike.
    """
    return blake2b(_pack(said), digest_size=SIZE).digest()


def row_hash(row: tuple[Any, ...]) -> bytes:
    """The hash of an event from its row, laid out as `fleet_core.api.Row`."""
    return event_hash(
        row[1], row[2], row[3], row[4], row[5], row[7], row[8], row[9], row[10], row[12], row[13]
    )


def chained(previous: bytes, links: Iterable[tuple[Any, ...]]) -> bytes:
    """The hash of a chain that goes on with these links, each hashed together with all that came before."""
    for link in links:
        previous = blake2b(previous + _pack(link), digest_size=SIZE).digest()
    return previous
