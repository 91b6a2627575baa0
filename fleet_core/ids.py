"""Ids and names: text outside, 16 bytes inside where an id is a UUID."""

import os
import re
import struct
import threading
import weakref
from collections.abc import Callable
from typing import Final

from fleet_core.errors import Invalid
from fleet_core.times import Clock, system_clock

IdSource = Callable[[], bytes]
"""Gives the 16 bytes of a new UUID."""


StoredId = bytes | str
"""An id as stores keep it: the 16 bytes of a UUID written in its canonical form, any other id as text."""


MAX_NAME: Final = 255
"""Longest id, stream id, type name or tag, in characters."""


class Uuid7:
    """A source of UUIDv7 (RFC 9562 §5.7, method 1): sorted by time, and rising within one process even when
    the clock is not.

    Sixty-two bits are random; they are drawn in blocks because a system call per id costs more than the id.
    """

    def __init__(self, clock: Clock = system_clock, random: Callable[[int], bytes] = os.urandom) -> None:
        self._clock = clock
        self._random = random
        self._last = 0
        self._start_over()
        # A forked child must neither repeat its parent's random bits nor wait for a thread that it has not.
        # Asking for the process id each time would cost as much as the rest.
        me = weakref.ref(self)
        os.register_at_fork(after_in_child=lambda: _start_over(me()))

    def _start_over(self) -> None:
        self._lock = threading.Lock()
        self._tails: list[int] = []

    def __call__(self) -> bytes:
        with self._lock:
            # Milliseconds and twelve bits of counter in one number: it only ever rises.
            tick = self._clock() // 1000 << 12
            if tick <= self._last:
                tick = self._last + 1
            self._last = tick
            if not self._tails:
                self._tails.extend(_TAILS.unpack(self._random(_TAILS.size)))
            tail = self._tails.pop()
        return _ID.pack(tick >> 12 << 16 | 0x7000 | tick & 0xFFF, _VARIANT | tail & 0x3FFFFFFFFFFFFFFF)


def _start_over(source: Uuid7 | None) -> None:
    if source is not None:
        source._start_over()


_TAILS: Final = struct.Struct(">512Q")


_ID: Final = struct.Struct(">QQ")


_VARIANT: Final = 0x8000000000000000


_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


_CONTROL: Final = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")


def stored_id(text: str) -> StoredId:
    """An id as stores keep it; the inverse of `id_text`."""
    return bytes.fromhex(text.replace("-", "")) if _UUID.fullmatch(text) else text


def id_text(stored: StoredId) -> str:
    """An id as people and programs see it."""
    if isinstance(stored, str):
        return stored
    digits = stored.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def check_name(value: object, what: str, path: str = "$") -> str:
    """Accept an id, type or tag: 1 to 255 characters, no control characters, no lone surrogates.

    Raises:
        Invalid: anything else.
    """
    if not isinstance(value, str):
        raise Invalid(f"{what} must be text, got {type(value).__name__}", path=path)
    if not 1 <= len(value) <= MAX_NAME:
        raise Invalid(f"{what} must have 1 to {MAX_NAME} characters, got {len(value)}", path=path)
    if not value.isprintable() and _CONTROL.search(value):
        raise Invalid(f"{what} {value!r} contains control characters or lone surrogates", path=path)
    return value
