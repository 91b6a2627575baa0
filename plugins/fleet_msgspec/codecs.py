"""The two codecs. Both hold the same values, those of `rules`, and sort keys: same content, same bytes.

Where a struct's types leave no doubt its values are never walked, which keeps typed events cheap. What
msgspec would let through even there, NUL, is looked for in the bytes.
"""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from fleet_core.api import Invalid, decode_fault
from fleet_msgspec import rules

_UNENCODABLE: Final = (TypeError, ValueError, OverflowError, RecursionError)
_UNDECODABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

_to_json: Final = msgspec.json.Encoder(order="sorted").encode
_to_msgpack: Final = msgspec.msgpack.Encoder(order="sorted").encode

_BACKSLASH: Final = ord("\\")
_DIGITS_ALIKE: Final = bytes.maketrans(b"123456789", b"000000000")
_LONG_NUMBER: Final = b"0" * len(str(2**63))


def _no_doubt(data: bytes) -> bool:
    return False


def _nul_in_json(data: bytes) -> bool:
    # A search for one byte is much quicker than for six, and most data has no backslash at all.
    return _BACKSLASH in data and b"\\u0000" in data


def _doubt_in_json(data: bytes) -> bool:
    return data.count(b"{") + data.count(b"[") > rules.MAX_DEPTH or _LONG_NUMBER in data.translate(
        _DIGITS_ALIKE
    )


def _nul_in_msgpack(data: bytes) -> bool:
    # Numbers contain zero bytes too, so this is a suspicion, which the value then confirms or not.
    return 0 in data


def _doubt_in_msgpack(data: bytes) -> bool:
    # Bytes, extensions, NaN and keys of any type are no news to MessagePack, and do not show in its bytes.
    return True


class JsonCodec:
    """Canonical JSON: sorted keys, no spaces. The default; SQL tools read it as it is."""

    name = "json"

    def encode(self, value: Any, *, foreign: bool = False) -> bytes:
        """Canonical bytes of a JSON-like value or struct; NUL is kept in `foreign` data alone.

        Raises:
            Invalid: it holds something that not every store or reader can hold; `path` says where.
        """
        rules.check_open(value)
        try:
            data = _to_json(value)
        except _UNENCODABLE as error:
            raise _encode_fault(value, error) from None
        if not foreign and _nul_in_json(data):
            rules.check_nul(value)
        return data

    def decoder(self, type: Any) -> Callable[[bytes], Any]:
        """A function that decodes and validates JSON as `type`.

        Raises:
            Invalid: by that function, with the path of the fault.
        """
        decode = msgspec.json.Decoder(type).decode
        return _checked_decoder(decode, type, _no_doubt if rules.is_closed(type) else _doubt_in_json)


class MsgpackCodec:
    """Canonical MessagePack: smaller than JSON, and not readable by SQL tools.

    It holds exactly what JSON would, times as text included, so that data of a type that nobody knows any
    more reads the same whichever codec wrote it.
    """

    name = "msgpack"

    def encode(self, value: Any, *, foreign: bool = False) -> bytes:
        """Canonical bytes of a JSON-like value or struct; NUL is kept in `foreign` data alone.

        Raises:
            Invalid: it holds something that not every store or reader can hold; `path` says where.
        """
        rules.check_open(value)
        try:
            data = _to_msgpack(msgspec.to_builtins(value, order="sorted"))
        except _UNENCODABLE as error:
            raise _encode_fault(value, error) from None
        if not foreign and _nul_in_msgpack(data):
            rules.check_nul(value)
        return data

    def decoder(self, type: Any) -> Callable[[bytes], Any]:
        """A function that decodes and validates MessagePack as `type`.

        Raises:
            Invalid: by that function, with the path of the fault.
        """
        decode = _through_plain(type) if rules.holds_binary(type) else msgspec.msgpack.Decoder(type).decode
        return _checked_decoder(decode, type, _no_doubt if rules.is_closed(type) else _doubt_in_msgpack)


def _through_plain(type: Any) -> Callable[[bytes], Any]:
    """Decodes in two steps, because MessagePack expects its own binary type where a field is one of bytes."""
    decode = msgspec.msgpack.Decoder().decode
    return lambda data: msgspec.convert(decode(data), type, builtin_types=())


def _checked_decoder(
    decode: Callable[[bytes], Any], type: Any, doubt: Callable[[bytes], bool]
) -> Callable[[bytes], Any]:
    check = rules.checker(type)

    def checked(data: bytes) -> Any:
        try:
            value = decode(data)
        except _UNDECODABLE as error:
            raise _decode_fault(error) from None
        if doubt(data):
            check(value)
        return value

    return checked


def _decode_fault(error: Exception) -> Invalid:
    if isinstance(error, UnicodeDecodeError):
        return Invalid("the data holds text that is not UTF-8", remedy="encode text as UTF-8")
    return decode_fault(error)


def _encode_fault(value: Any, error: Exception) -> Invalid:
    """The rule that is broken and where, if a rule says so; otherwise what msgspec says."""
    try:
        rules.check_whole(value)
    except Invalid as fault:
        return fault
    return Invalid(f"the value can't be encoded: {error}")
