"""A codec that packs MessagePack with zlib."""

import zlib
from collections.abc import Callable
from typing import Any, Final

import msgspec

from fleet_core.api import Invalid, decode_fault

LARGEST: Final = 16 * 1024 * 1024
"""Most bytes that packed data may unpack to."""


class ZippedCodec:
    """Canonical MessagePack, packed."""

    name = "zipped"

    def __init__(self) -> None:
        self._encode = msgspec.msgpack.Encoder(order="sorted").encode

    def encode(self, value: Any, *, foreign: bool = False) -> bytes:
        """Packed canonical bytes of a value or struct; see `Codec.encode`."""
        try:
            return zlib.compress(self._encode(msgspec.to_builtins(value)))
        except (msgspec.MsgspecError, TypeError, ValueError, OverflowError, RecursionError) as error:
            raise decode_fault(error) from None

    def decoder(self, type: Any) -> Callable[[bytes], Any]:
        """A function that unpacks, decodes and validates; see `Codec.decoder`."""
        decode = msgspec.msgpack.Decoder(type).decode

        def unpack_and_decode(data: bytes) -> Any:
            try:
                return decode(_unpacked(data))
            except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
                raise decode_fault(error) from None

        return unpack_and_decode


def _unpacked(data: bytes) -> bytes:
    unpacker = zlib.decompressobj()
    try:
        content = unpacker.decompress(data, LARGEST)
    except zlib.error as error:
        raise Invalid(f"the data is not packed as it should be: {error}") from None
    if not unpacker.eof or unpacker.unused_data:
        raise Invalid("the packed data is cut short, too long or too large")
    return content
