"""What events may hold, whichever codec and store keep them.

Each rule stands for a place where a value would be lost or refused later: SQL columns hold no NUL in text
(foreign data, which no column will hold, may), UTF-8 has no lone surrogates, JSON no NaN and no keys but
text, SQL no integers beyond 64 bits, and recursion has an end.

A field is closed when its type leaves no room for any of this (text, bounded integers, times, structs of
these); its values need no look, which is what makes typed events cheap. NUL can be in any text; codecs
notice it in the bytes.
"""

from collections.abc import Callable
from functools import cache
from math import isfinite
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import inspect

from fleet_core.api import Invalid

MAX_DEPTH: Final = 100
"""Deepest nesting of lists and objects. Far below what exhausts anybody's stack."""

_BINARY: Final = frozenset({inspect.BytesType, inspect.ByteArrayType, inspect.MemoryViewType})

_NATIVE: Final = _BINARY | frozenset(
    {
        inspect.DateTimeType,
        inspect.DateType,
        inspect.TimeType,
        inspect.TimeDeltaType,
        inspect.UUIDType,
        inspect.DecimalType,
        inspect.EnumType,
        inspect.SetType,
        inspect.FrozenSetType,
        inspect.NamedTupleType,
        inspect.DataclassType,
    }
)
"""Types beyond JSON that a codec writes as JSON and reads back where a field says so."""

_CLOSED: Final = _NATIVE | {
    inspect.StrType,
    inspect.BoolType,
    inspect.NoneType,
    inspect.LiteralType,
    inspect.StructType,
    inspect.TypedDictType,
    inspect.UnionType,
    inspect.ListType,
    inspect.VarTupleType,
    inspect.TupleType,
    inspect.DictType,
    inspect.Metadata,
}


_TEXT: Final = frozenset({inspect.StrType, inspect.LiteralType, inspect.Metadata})
"""What the type of an object's keys may be made of."""


class _Fault(NamedTuple):
    what: str
    path: str


class _Openness(NamedTuple):
    """Whether values of a type need a look, and whether it may hold more than JSON has, or binary data."""

    open: bool
    native: bool
    binary: bool


class _OpenField(NamedTuple):
    """A field of a struct whose value needs a look."""

    name: str
    encoded_as: str
    native: bool


def check_open(value: Any) -> None:
    """Look at those parts of a value that its type says nothing about.

    Raises:
        Invalid: a rule is broken; `path` says where.
    """
    if not isinstance(value, msgspec.Struct):
        _raise(_fault_in(value, native=False))
    elif _open_fields(type(value)):
        _raise(_fault_in_struct(value, native=False, depth=1))


def check_whole(value: Any) -> None:
    """Look at every part of a value.

    Raises:
        Invalid: a rule is broken; `path` says where.
    """
    try:
        plain = msgspec.to_builtins(value)
    except RecursionError:
        raise Invalid(_TOO_DEEP, remedy="flatten it") from None
    except (TypeError, ValueError) as error:
        raise Invalid(f"the value can't be encoded: {error}") from None
    _raise(_fault_in(plain, native=False))


def check_nul(value: Any) -> None:
    """Look for NUL in every text of a value that can be encoded.

    Raises:
        Invalid: it is there; `path` says where.
    """
    path = _path_to_nul(msgspec.to_builtins(value))
    if path is not None:
        what = "text contains NUL, which SQL columns can't hold"
        raise Invalid(what, path=f"${path}", remedy="leave it out")


def _path_to_nul(value: Any) -> str | None:
    if isinstance(value, str):
        return "" if "\0" in value else None
    if isinstance(value, dict):
        inner = [("" if "\0" in key else _path_to_nul(item), _step(key)) for key, item in value.items()]
    elif isinstance(value, list | tuple):
        inner = [(_path_to_nul(item), f"[{index}]") for index, item in enumerate(value)]
    else:
        return None
    return next((step + path for path, step in inner if path is not None), None)


def is_closed(type: Any) -> bool:
    """Whether values of a type can break no rule once they are decoded."""
    return not _openness(type).open


def holds_binary(type: Any) -> bool:
    """Whether a type has fields of bytes, which are text in base 64 once they are encoded."""
    return _openness(type).binary


def checker(type: Any) -> Callable[[Any], None]:
    """What looks at every part of a value that was decoded as `type`, and raises as `check_whole` does."""
    native = _openness(type).native

    def check(value: Any) -> None:
        _raise(_fault_in(value, native))
        check_whole(value)

    return check


def _raise(fault: _Fault | None) -> None:
    if fault is not None:
        raise Invalid(fault.what, path=f"${fault.path}")


_TOO_DEEP: Final = f"the data is nested deeper than {MAX_DEPTH} levels"


def _fault_in(value: Any, native: bool, depth: int = 0) -> _Fault | None:
    """The first fault in a value. Types beyond JSON pass when `native`, because a field's type names them."""
    kind = type(value)
    if kind is str:
        return _fault_in_text(value)
    if value is None or kind is bool:
        return None
    if kind is int:
        return _fault_in_integer(value)
    if kind is float:
        return None if isfinite(value) else _Fault(f"{value} is not a number that JSON has", "")
    look_inside = _CONTAINERS.get(kind)
    if look_inside is None:
        if isinstance(value, msgspec.Struct):
            look_inside = _fault_in_struct
        else:
            return None if native else _Fault(f"{kind.__name__} is a type that JSON does not have", "")
    if depth == MAX_DEPTH:
        return _Fault(_TOO_DEEP, "")
    return look_inside(value, native, depth + 1)


def _fault_in_text(text: str) -> _Fault | None:
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            return _Fault("text contains half of a surrogate pair, which is no character", "")
    return None


def _fault_in_integer(number: int) -> _Fault | None:
    if -(2**63) <= number < 2**63:
        return None
    return _Fault(f"an integer of {number.bit_length()} bits does not fit into 64 with its sign", "")


def _fault_in_object(value: dict[Any, Any], native: bool, depth: int) -> _Fault | None:
    for key, item in value.items():
        if type(key) is not str:
            return _Fault(f"keys must be text, got {type(key).__name__}", "")
        fault = _fault_in_text(key) or _fault_in(item, native, depth)
        if fault is not None:
            return _Fault(fault.what, _step(key) + fault.path)
    return None


def _fault_in_array(value: list[Any] | tuple[Any, ...], native: bool, depth: int) -> _Fault | None:
    for index, item in enumerate(value):
        fault = _fault_in(item, native, depth)
        if fault is not None:
            return _Fault(fault.what, f"[{index}]{fault.path}")
    return None


def _fault_in_struct(value: msgspec.Struct, native: bool, depth: int) -> _Fault | None:
    for field in _open_fields(type(value)):
        fault = _fault_in(getattr(value, field.name), field.native, depth)
        if fault is not None:
            return _Fault(fault.what, f".{field.encoded_as}{fault.path}")
    return None


_CONTAINERS: Final[dict[type, Callable[[Any, bool, int], _Fault | None]]] = {
    dict: _fault_in_object,
    list: _fault_in_array,
    tuple: _fault_in_array,
}


def _step(key: str) -> str:
    """A key as a step of a JSONPath. A hostile key must not fill the message."""
    return f".{key}" if key.isidentifier() and len(key) <= 40 else f"[{key[:40]!a}]"


@cache
def _open_fields(struct: type[msgspec.Struct]) -> tuple[_OpenField, ...]:
    info = inspect.type_info(struct)
    judged = [(field, _judge(field.type)) for field in info.fields]  # type: ignore[attr-defined]
    return tuple(
        _OpenField(field.name, field.encode_name, each.native) for field, each in judged if each.open
    )


@cache
def _openness(type: Any) -> _Openness:
    return _judge(inspect.type_info(type))


def _judge(info: inspect.Type) -> _Openness:
    parts = _parts(info, ())
    return _Openness(
        open=not parts <= _CLOSED,
        native=not parts.isdisjoint(_NATIVE),
        binary=not parts.isdisjoint(_BINARY),
    )


def _parts(info: inspect.Type, within: tuple[inspect.Type, ...]) -> set[type[inspect.Type]]:
    """The kinds of types that a type is made of."""
    if any(info is outer for outer in within):
        # Recursive types nest without end, so that only a look at the value tells how deep.
        return {inspect.AnyType}
    if isinstance(info, inspect.IntType) and _is_bounded(info):
        return {inspect.BoolType}
    if isinstance(info, inspect.DictType) and not _parts(info.key_type, within) <= _TEXT:
        # Not every codec writes other keys, even where a type asks for them.
        return {inspect.AnyType}
    parts: set[type[inspect.Type]] = {type(info)}
    for inner in _inner(info):
        parts |= _parts(inner, (*within, info))
    return parts


def _is_bounded(info: inspect.IntType) -> bool:
    """Whether the bounds keep it within 64 bits; decoding enforces them."""
    low = info.ge if info.ge is not None else info.gt
    high = info.le if info.le is not None else info.lt
    return low is not None and high is not None and low >= -(2**63) and high < 2**63


def _inner(info: inspect.Type) -> tuple[inspect.Type, ...]:
    match info:
        case (
            inspect.StructType()
            | inspect.DataclassType()
            | inspect.TypedDictType()
            | inspect.NamedTupleType()
        ):
            return tuple(field.type for field in info.fields)
        case inspect.UnionType():
            return info.types
        case inspect.TupleType():
            return info.item_types
        case inspect.DictType():
            return (info.key_type, info.value_type)
        case inspect.CollectionType():
            return (info.item_type,)
        case inspect.Metadata():
            return (info.type,)
        case _:
            return ()
