"""A queue between processes, so that writers take turns instead of meeting SQLite's "database is locked".

Three bytes of one lock file are locked with POSIX record locks, which end with their process. Whoever wants
to write passes byte 0, the turnstile, and keeps byte 1 while writing. The next in line holds the turnstile,
so the one who has just written must queue behind it. Byte 2 says how many processes are in the store.

SQLite's own locks still decide who writes: without this file a writer merely waits less fairly.
"""

import fcntl
import os
import time
from pathlib import Path
from typing import Final

from fleet_core.api import Unavailable
from fleet_sqlite.files import open_private

_QUEUE: Final = 0
_WRITER: Final = 1
_PRESENCE: Final = 2

_EXCLUSIVE: Final = fcntl.LOCK_EX | fcntl.LOCK_NB
_SHARED: Final = fcntl.LOCK_SH | fcntl.LOCK_NB

SHORTEST_PAUSE: Final = 0.0001
LONGEST_PAUSE: Final = 0.002
"""Seconds between two looks at a lock; in between they double."""


def doze(seconds: float) -> None:
    """Sleep about so long, and never twice the same: nobody is to march in step."""
    import random  # most find nobody in their way and are spared the import

    time.sleep(seconds * random.uniform(0.5, 1.5))


class Turnstile:
    """Where the processes that write to one file queue. Threads take turns before they come here."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = open_private(path)

    def enter(self, deadline: float) -> None:
        """Become the writer, at the latest at `deadline` (of the monotonic clock).

        Raises:
            Unavailable: others did not make way.
        """
        if not self._take(_EXCLUSIVE, _QUEUE, 2):
            self._wait(_QUEUE, deadline)
            self._wait(_WRITER, deadline)
        fcntl.lockf(self._descriptor, fcntl.LOCK_UN, 1, _QUEUE)

    def leave(self) -> None:
        """Let the next one in."""
        fcntl.lockf(self._descriptor, fcntl.LOCK_UN, 2, _QUEUE)

    def _wait(self, byte: int, deadline: float) -> None:
        pause = SHORTEST_PAUSE
        while not self._take(_EXCLUSIVE, byte, 1):
            if time.monotonic() >= deadline:
                self.leave()
                raise Unavailable(
                    f"other processes kept {self._path.stem} busy beyond the deadline",
                    remedy=f"look for a process that hangs with 'fuser {self._path}', then try again",
                    path=str(self._path),
                )
            doze(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    def _take(self, how: int, byte: int, count: int) -> bool:
        try:
            fcntl.lockf(self._descriptor, how, count, byte)
        except OSError:
            return False
        return True

    def join(self, *, alone: bool) -> bool:
        """Say that this process uses the store, `alone` or beside others. Says whether that can be."""
        return self._take(_EXCLUSIVE if alone else _SHARED, _PRESENCE, 1)

    def close(self) -> None:
        """Give the locks back."""
        os.close(self._descriptor)
