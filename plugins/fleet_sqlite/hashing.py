"""The chain of hashes: every event's hash covers the one before it and all of its own columns."""

from hashlib import blake2b
from typing import Any, Final

import msgspec

SIZE: Final = 16
"""Bytes of a hash."""

_pack = msgspec.msgpack.Encoder().encode


def link(previous: bytes, row: tuple[Any, ...]) -> bytes:
    """The hash of an event whose row is laid out as `fleet_core.api.Row`, names as text, nothing left out.

    MessagePack tells bytes, text, numbers and NULL apart and gives lengths, so that no two rows look alike.
    """
    return blake2b(previous + _pack(row), digest_size=SIZE).digest()
