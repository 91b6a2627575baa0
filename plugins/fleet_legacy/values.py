"""Values of the file: JSON within text, times, numbers; and what a store can't hold of them.

A store refuses half surrogate pairs and integers beyond 64 bits, which JavaScript writes without a thought.
They are replaced by what comes nearest, and whoever keeps such a value keeps its text beside it.
"""

import json
import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec

from fleet_core.api import as_microseconds

DEEPEST: Final = 100
"""Levels of lists and objects that a codec carries."""

_TOO_DEEP: Final = "it is nested too deeply"

_decode: Final = msgspec.json.Decoder().decode
_encode: Final = msgspec.json.Encoder().encode
_SUSPICIOUS: Final = re.compile(r"\d{19}")
_UNHOLDABLE: Final = re.compile("[\ud800-\udfff]")
_CANONICAL_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


class Decoded(NamedTuple):
    """A value that was written as JSON, and whether writing it again gives the same text."""

    value: Any
    same: bool


def decode(text: str) -> Decoded:
    """The value of a JSON text, in a form that a store can hold.

    Raises:
        ValueError: it is not JSON, or no store could hold anything like it.
    """
    try:
        decoded = _decoded(text)
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    # How deep a decoder itself goes differs from one Python to the next.
    if text.count("[") + text.count("{") > DEEPEST and _is_deep(decoded.value):
        raise ValueError(_TOO_DEEP)
    return decoded


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(DEEPEST):
        level = [inner for outer in level for inner in _inner(outer)]
    return any(isinstance(each, dict | list) for each in level)


def _inner(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _decoded(text: str) -> Decoded:
    try:
        value = _decode(text)
        if _SUSPICIOUS.search(text) is None:
            return Decoded(value, _encode(value) == text.encode())
    except (msgspec.DecodeError, UnicodeEncodeError):
        value = lenient(text)
    held = holdable(value)
    return Decoded(held, held == value and _encode(held) == text.encode())


def lenient(text: str) -> Any:
    """A JSON value with whatever JavaScript can write, half surrogate pairs included.

    Raises:
        ValueError: it is not JSON.
    """
    return json.loads(text, parse_constant=_refuse_constant)


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"JSON has no {name}")


def holdable(value: Any) -> Any:
    """A value as a store can hold it, alike in all but the parts that no store holds.

    Raises:
        ValueError: it holds a number that is beyond all bounds.
    """
    if isinstance(value, str):
        return _holdable_text(value)
    if isinstance(value, dict):
        return {_holdable_text(key): holdable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [holdable(item) for item in value]
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return _as_double(value)
    if isinstance(value, float) and value in (float("inf"), float("-inf")):
        raise ValueError("a number is out of range")
    return value


def _as_double(number: int) -> float:
    """What JavaScript, which wrote the number, meant by it."""
    try:
        return float(number)
    except OverflowError:
        raise ValueError("a number is out of range") from None


def _holdable_text(text: str) -> str:
    return _UNHOLDABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def as_ascii_json(value: Any) -> str:
    """A JSON text of anything at all, exact, and in characters that every store holds."""
    return json.dumps(value, separators=(",", ":"))


def parse_time(text: str) -> int:
    """A time of the file in microseconds since 1970.

    Raises:
        ValueError: it is no RFC 3339 time with a zone.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{shortened(text)} is not a time such as 2026-01-02T08:00:04.123Z") from None
    if moment.tzinfo is None:
        raise ValueError(f"{shortened(text)} names no time zone")
    return as_microseconds(moment)


def is_usual_time(text: str) -> bool:
    """Whether a time is written as JavaScript does, so that its moment alone gives the text back."""
    return _CANONICAL_TIME.fullmatch(text) is not None


def kind_of(value: Any) -> str:
    """What a JSON value is, in words."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, str):
        return "text"
    if isinstance(value, dict):
        return "an object"
    return "an array" if isinstance(value, list) else "a number"


def shortened(text: str) -> str:
    """Text as a message quotes it."""
    return repr(text if len(text) <= 40 else f"{text[:39]}…")
