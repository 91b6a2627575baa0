"""Waiting for new events: told at once of those this process records, looking now and then for those of
others."""

import threading
import time
from collections.abc import Callable
from typing import Final

SHORTEST_PAUSE: Final = 0.005
LONGEST_PAUSE: Final = 0.2
"""Seconds between two looks at the log; in between they double."""


class News:
    """How far the log has come, as far as this process knows."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._head = 0
        self._waiting = 0
        self._closed = False

    def tell(self, head: int) -> None:
        """Say that the log has come to this position. Costs next to nothing when nobody waits."""
        self._head = head
        if self._waiting:
            with self._changed:
                self._changed.notify_all()

    def wait(self, look: Callable[[], int], after: int, timeout: float) -> bool:
        """Wait until the log has come beyond a position; `look` says where it is."""
        deadline = time.monotonic() + timeout
        pause = SHORTEST_PAUSE
        self._waiting += 1
        try:
            while look() <= after:
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                with self._changed:
                    self._changed.wait_for(lambda: self._closed or self._head > after, min(pause, left))
                pause = min(pause * 2, LONGEST_PAUSE)
            return True
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Wake everybody."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
