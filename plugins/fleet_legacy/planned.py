"""An event that a row of the file becomes, and the ids of those that had none there."""

import hashlib
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from fleet_core.api import NewEvent, Stream, id_text
from fleet_legacy.findings import Steps
from fleet_legacy.values import as_ascii_json

KINDS: Final = ("mailboxes", "events", "cursors", "locks", "releases")
"""What is migrated, in the order of a report."""

ORIGINAL: Final = "legacy"
"""The metadata key of a row as it stood in the file, in JSON text, where the event doesn't give it back."""


class Planned(NamedTuple):
    """An event to record, its stream, and the row it comes from."""

    kind: str
    steps: Steps
    stream: Stream
    event: NewEvent


def derived_id(*parts: str) -> str:
    """The id of an event that has none in the file: a UUIDv8 (RFC 9562 §5.8), the same for the same parts."""
    content = as_ascii_json(["fleet legacy", *parts]).encode()
    digest = bytearray(hashlib.blake2b(content, digest_size=16).digest())
    digest[6] = digest[6] & 0x0F | 0x80
    digest[8] = digest[8] & 0x3F | 0x80
    return id_text(bytes(digest))


def with_original(metadata: Mapping[str, Any] | None, row: Any) -> dict[str, Any]:
    """Metadata with the row as it stood in the file."""
    return {**(metadata or {}), ORIGINAL: as_ascii_json(row)}
