"""Ids as the database keeps them: one column of bytes for UUIDs and for text."""

from typing import Any, Final

from fleet_core.api import Damaged, StoredId

_UUID: Final = 16


def packed(id: StoredId) -> bytes:
    """An id as bytes: 16 for a UUID, never 16 for text, which ends in one NUL or two. Ids hold no NUL."""
    if isinstance(id, bytes):
        return id
    text = id.encode() + b"\0"
    return text + b"\0" if len(text) == _UUID else text


def unpacked(id: bytes) -> StoredId:
    """The inverse of `packed`.

    Raises:
        Damaged: nothing that `packed` gives looks like this.
    """
    if len(id) == _UUID:
        return id
    try:
        return id.rstrip(b"\0").decode()
    except UnicodeDecodeError:
        raise Damaged(
            f"the database holds an id that is none: {id.hex()}",
            remedy="run 'fleet store verify' to see what is hurt, and restore a backup",
        ) from None


def unpacked_row(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """A row of the database in the layout of `fleet_core.api.Row`; most hold nothing but UUIDs."""
    id, cause, root = row[1], row[10], row[11]
    if len(id) == _UUID and (cause is None or len(cause) == _UUID) and (root is None or len(root) == _UUID):
        return row
    cause = None if cause is None else unpacked(cause)
    root = None if root is None else unpacked(root)
    return (row[0], unpacked(id), *row[2:10], cause, root, *row[12:])
