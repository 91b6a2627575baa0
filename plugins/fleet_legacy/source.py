"""The file to migrate: read once, never written."""

import hashlib
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from fleet_core.api import FleetError, Invalid, NotFound
from fleet_legacy.values import kind_of, lenient


class Source(NamedTuple):
    """A FleetTools file as it was when it was read."""

    path: Path
    sha256: str
    content: dict[str, Any]


def read_source(path: Path) -> Source:
    """Read a file. It is opened for reading only.

    Raises:
        NotFound: there is no such file.
        FleetError: it can't be read.
        Invalid: it is not JSON, or not an object.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise NotFound(f"there is no file {path}", remedy="give the path of a squawk.json") from None
    except OSError as error:
        raise FleetError(
            f"{path} can't be read: {error.strerror}", remedy="give the path of a readable squawk.json"
        ) from None
    content = _parsed(data, path)
    if not isinstance(content, dict):
        raise Invalid(
            f"{path} holds {kind_of(content)}, not the object of a squawk.json",
            remedy="give the path of a squawk.json",
        )
    return Source(path, hashlib.sha256(data).hexdigest(), content)


def _parsed(data: bytes, path: Path) -> Any:
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _parsed_leniently(data, path)


def _parsed_leniently(data: bytes, path: Path) -> Any:
    """The same, slower: it bears half surrogate pairs, and knows the line of a fault."""
    try:
        return lenient(data.decode())
    except (ValueError, RecursionError) as error:
        raise Invalid(
            f"{path} is not JSON that can be read: {error}",
            remedy="the file is damaged; look for an earlier copy of it",
        ) from None
