"""How appends travel: as the values of the functions `append_one` and `append`."""

import struct
from collections.abc import Sequence
from typing import Final

import msgspec

from fleet_postgres.requests import Excluded, Request, as_number
from fleet_postgres.statements import BYTEA, Value
from fleet_postgres.turns import Turn

_TURN: Final = ("boolean", "integer[]", "boolean[]", "integer")

ONE: Final = (
    *(*_TURN, "boolean", "jsonb", "text", "text", "bigint"),
    *("bigint", "bigint", "integer", "text", *["bytea"] * 8, "text[]"),
)
"""Types of what `append_one` takes."""

MANY: Final = (
    *(*_TURN, *["integer[]"] * 3, "boolean[]", "jsonb", "text[]", "text[]", "bigint[]"),
    *(*["integer[]"] * 2, "bigint[]", "bigint[]", "integer[]", "text[]", *["bytea[]"] * 8),
    *("text[]", "integer[]"),
)
"""Types of what `append` takes."""

_encode: Final = msgspec.json.Encoder().encode

_HEADER: Final = struct.Struct(">5i")
_LENGTH: Final = struct.Struct(">i").pack
_NULL: Final = _LENGTH(-1)


def one(turn: Turn, patience: int, request: Request, condition: Excluded | None) -> list[Value]:
    """An append of a single event."""
    [(stream, expected)] = request.streams.items()
    [row] = request.rows
    return [
        *_turn(turn, patience),
        _flag(request.has_given_ids or request.is_retried),
        None if condition is None else _encode(condition),
        stream[0].encode(),
        stream[1].encode(),
        b"%d" % as_number(expected),
        None if request.recorded_at is None else b"%d" % request.recorded_at,
        None if row.occurred_at is None else b"%d" % row.occurred_at,
        b"%d" % row.schema_version,
        row.type.encode(),
        row.id,
        row.data,
        row.hash,
        row.tags,
        row.metadata,
        row.causation_id,
        row.correlation_id,
        row.heir_of,
        _array(row.tag_names) if row.tag_names else None,
    ]


def many(
    turn: Turn, patience: int, requests: Sequence[Request], conditions: Sequence[Excluded | None]
) -> list[Value]:
    """Appends that share a transaction, column by column."""
    streams = [each for request in requests for each in request.streams.items()]
    rows = [row for request in requests for row in request.rows]
    tags = [
        [(tag, number) for number, row in enumerate(request.rows) for tag in row.tag_names]
        for request in requests
    ]
    return [
        *_turn(turn, patience),
        _array([len(request.streams) for request in requests]),
        _array([len(request.rows) for request in requests]),
        _array([len(each) for each in tags]),
        _array([request.has_given_ids or request.is_retried for request in requests]),
        _encode(conditions) if any(conditions) else None,
        _array([stream[0] for stream, _ in streams]),
        _array([stream[1] for stream, _ in streams]),
        _array([as_number(expected) for _, expected in streams]),
        _array([row.stream for row in rows]),
        _array([row.step for row in rows]),
        _array([request.recorded_at for request in requests]),
        _array([row.occurred_at for row in rows]),
        _array([row.schema_version for row in rows]),
        _array([row.type for row in rows]),
        _bytes([row.id for row in rows]),
        _bytes([row.data for row in rows]),
        _bytes([row.hash for row in rows]),
        _bytes([row.tags for row in rows]),
        _bytes([row.metadata for row in rows]),
        _bytes([row.causation_id for row in rows]),
        _bytes([row.correlation_id for row in rows]),
        _bytes([row.heir_of for row in rows]),
        _array([tag for each in tags for tag, _ in each]),
        _array([number for each in tags for _, number in each]),
    ]


def _turn(turn: Turn, patience: int) -> tuple[bytes, bytes, bytes, bytes]:
    return _flag(turn.alone), _array(turn.keys), _array(turn.owned), b"%d" % patience


def _flag(value: bool) -> bytes:
    return b"t" if value else b"f"


def _array(values: Sequence[str | int | None]) -> bytes:
    """Names, numbers or flags as PostgreSQL writes arrays: like JSON in braces, as names hold no control
    characters."""
    return b"{" + _encode(values)[1:-1] + b"}"


def _bytes(values: Sequence[bytes | None]) -> bytes | None:
    """An array of bytes in the server's own format; NULL when there is nothing in it.

    Dimensions, whether there are NULLs, the type of elements, their number and the first one's index; then
    each with its length before it (array_recv in PostgreSQL's arrayfuncs.c).
    """
    if all(value is None for value in values):
        return None
    parts = [_HEADER.pack(1, None in values, BYTEA, len(values), 1)]
    for value in values:
        parts += (_NULL,) if value is None else (_LENGTH(len(value)), value)
    return b"".join(parts)
