"""Hypothesis strategies for event types, made from what msgspec knows of their fields.

`st.from_type` ignores the bounds of `msgspec.Meta`; these keep them, so that every example is a valid event.
"""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
from hypothesis import strategies as st
from msgspec import inspect

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
INTEGERS = st.integers(-(2**63), 2**63 - 1)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)

VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | INTEGERS | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
"""JSON-like values, all of which may be recorded."""

OBJECTS = st.dictionaries(TEXT, VALUES, max_size=3)
"""JSON-like objects."""

MOMENTS = st.datetimes(
    datetime(1900, 1, 1),
    datetime(2200, 1, 1),
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30)), timezone(timedelta(hours=-8))]),
)


def events(event_type: type[msgspec.Struct]) -> st.SearchStrategy[Any]:
    """Valid instances of a struct, optional fields present or not."""
    return _valid(inspect.type_info(event_type))


def _valid(info: inspect.Type) -> st.SearchStrategy[Any]:
    match info:
        case inspect.StructType():
            return _structs(info)
        case inspect.Metadata(extra_json_schema={"format": "uuid"}):
            return st.uuids(version=4).map(str) | st.uuids(version=1).map(lambda uuid: str(uuid).upper())
        case inspect.Metadata():
            return _valid(info.type)
        case inspect.UnionType():
            return st.one_of([_valid(each) for each in info.types])
        case inspect.VarTupleType():
            return st.lists(_valid(info.item_type), max_size=3).map(tuple)
        case inspect.DictType():
            return st.dictionaries(_valid(info.key_type), _valid(info.value_type), max_size=3)
        case inspect.LiteralType():
            return st.sampled_from(info.values)
    return _scalars(info)


def _scalars(info: inspect.Type) -> st.SearchStrategy[Any]:
    match info:
        case inspect.AnyType():
            return VALUES
        case inspect.StrType():
            return TEXT
        case inspect.BoolType():
            return st.booleans()
        case inspect.NoneType():
            return st.none()
        case inspect.DateTimeType(tz=True):
            return MOMENTS
        case inspect.FloatType():
            return NUMBERS if info.gt is None else st.floats(info.gt, exclude_min=True, allow_infinity=False)
        case inspect.IntType():
            least = info.ge if info.gt is None else info.gt + 1
            return st.integers(
                -(2**63) if least is None else least, 2**63 - 1 if info.le is None else info.le
            )
    raise AssertionError(f"no strategy for {info}")


def _structs(info: inspect.StructType) -> st.SearchStrategy[Any]:
    required = {field.name: _valid(field.type) for field in info.fields if field.required}
    optional = {field.name: _valid(field.type) for field in info.fields if not field.required}
    return st.fixed_dictionaries(required, optional=optional).map(lambda fields: info.cls(**fields))
