"""JSON documents that commands are given in files."""

import sys
from typing import Any, Final

import msgspec

from fleet_core.codecs import decode_fault
from fleet_core.errors import FleetError, Invalid, NotFound

STANDARD_INPUT: Final = "-"

LIMIT: Final = 8 * 1024 * 1024
"""Bytes of the largest document."""


def read_object(file: str) -> dict[str, Any]:
    """The JSON object in a file; `-` is standard input.

    Raises:
        NotFound: there is no such file.
        FleetError: it can't be read.
        Invalid: it is larger than 8 MiB, is not JSON, or holds something else than an object.
    """
    content = _read(file)
    name = title(file)
    if len(content) > LIMIT:
        raise Invalid(f"{name} is larger than {LIMIT >> 20} MiB", remedy="split it into several requests")
    try:
        document = msgspec.json.decode(content)
    except (ValueError, RecursionError) as error:
        raise Invalid(
            f"{name} is not JSON: {decode_fault(error).message}", remedy="mend the document"
        ) from None
    if not isinstance(document, dict):
        raise Invalid(f"{name}: $: the document must be an object", remedy="write {...} around its fields")
    return document


def title(file: str) -> str:
    """What people call the file."""
    return "standard input" if file == STANDARD_INPUT else file


def _read(file: str) -> bytes:
    """What a file holds, or a byte more than is allowed: it may be a pipe, or have no end."""
    try:
        if file == STANDARD_INPUT:
            return sys.stdin.buffer.read(LIMIT + 1) if sys.stdin else b""
        with open(file, "rb") as opened:  # noqa: PTH123
            return opened.read(LIMIT + 1)
    except FileNotFoundError:
        raise NotFound(f"there is no file {file}", remedy="name one, or - for standard input") from None
    except OSError as error:
        raise FleetError(
            f"{title(file)} can't be read: {error.strerror}", remedy="name a file that you may read"
        ) from None
