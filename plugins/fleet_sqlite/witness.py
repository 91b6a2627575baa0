"""The head witness: a small file beside the database that remembers how far the log had come.

The chain of hashes shows any change within the log, but not that its tail is missing, that the write-ahead
log was cut, or that the whole chain was computed anew. The witness does: it names a position that was
committed and its hash. It is written after the commit and not synced, so that it may lag behind the log and
never runs ahead of it. A busy writer writes it twenty times a second, and when it closes: a file that changes
with every commit would make every commit's fsync slower.
"""

import os
import struct
import time
from pathlib import Path
from typing import Final, NamedTuple
from zlib import crc32

from fleet_sqlite.database import Connection
from fleet_sqlite.files import open_private

_HEAD: Final = struct.Struct(">Q16s")
_CHECKSUM: Final = struct.Struct(">I")
_SIZE: Final = _HEAD.size + _CHECKSUM.size
_PLACES: Final = (0, 64)
_EMPTY: Final = bytes(16)
_PAUSE: Final = 0.05
"""Seconds between two writes at least."""


class Head(NamedTuple):
    """A position and the hash of the event there."""

    position: int
    hash: bytes


NOTHING: Final = Head(0, _EMPTY)
"""The head of an empty log; its hash is what the first event chains to."""


def holds(connection: Connection, head: Head) -> bool:
    """Whether the log has the event that a witness saw."""
    if head == NOTHING:
        return True
    found = connection.execute("SELECT hash FROM events WHERE position = ?", (head.position,)).fetchall()
    return bool(found and found[0][0] == head.hash)


class Witness:
    """Two checksummed slots, written in turn: a write that is cut short leaves the other."""

    def __init__(self, path: Path) -> None:
        self._descriptor = open_private(path)
        self._slot = 0
        self._untold: Head | None = None
        self._due = 0.0

    def read(self) -> Head:
        """The head that was witnessed last; `NOTHING` when there is none."""
        heads = [_unpack(os.pread(self._descriptor, _SIZE, place)) for place in _PLACES]
        self._slot = heads.index(max(heads))
        return heads[self._slot]

    def tell(self, head: Head) -> None:
        """Remember a head that is committed, now or soon."""
        now = time.monotonic()
        if now < self._due:
            self._untold = head
            return
        self._due = now + _PAUSE
        self._write(head)

    def settle(self) -> None:
        """Write what is not written yet, unless another process has come further."""
        if self._untold is not None and self._untold > self.read():
            self._write(self._untold)

    def _write(self, head: Head) -> None:
        self._untold = None
        slot = 1 - self._slot
        os.pwrite(self._descriptor, _pack(head), _PLACES[slot])
        self._slot = slot

    def close(self) -> None:
        """Give the file back; safe to call twice."""
        if self._descriptor < 0:
            return
        self.settle()
        os.close(self._descriptor)
        self._descriptor = -1


def _pack(head: Head) -> bytes:
    slot = _HEAD.pack(*head)
    return slot + _CHECKSUM.pack(crc32(slot))


def _unpack(slot: bytes) -> Head:
    if slot == _pack(head := Head(*_HEAD.unpack_from(slot.ljust(_SIZE, b"\0")))):
        return head
    return NOTHING
