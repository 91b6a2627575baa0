"""Waiting for new events: told at once of those this process records, and by NOTIFY of those of others.

Wake-ups are only a courtesy: whoever waits looks at the log itself as well, more and more rarely, so that
nothing depends on one that was never sent, or that a pooler in between swallowed.
"""

import threading
import time
from collections.abc import Callable
from typing import Final

SHORTEST_PAUSE: Final = 0.005
LONGEST_PAUSE: Final = 0.2
"""Seconds between two looks at the log; in between they double, and any news makes them short again."""


class News:
    """What has been heard of the log in this process."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._heard = 0
        self._waiting = 0
        self._closed = False

    def tell(self) -> None:
        """Say that there is something new. Costs next to nothing when nobody waits."""
        self._heard += 1
        if self._waiting:
            with self._changed:
                self._changed.notify_all()

    def wait(self, look: Callable[[], int], after: int, timeout: float, listen: Callable[[], None]) -> bool:
        """Wait until the log has come beyond a position; `look` says where it is. `listen` is called once it
        is clear that there will be some waiting."""
        deadline = time.monotonic() + timeout
        pause = SHORTEST_PAUSE
        self._waiting += 1
        try:
            while True:
                heard = self._heard
                if look() > after:
                    return True
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                if pause == LONGEST_PAUSE:
                    listen()
                pause = SHORTEST_PAUSE if self._is_woken(heard, min(pause, left)) else _longer(pause)
        finally:
            self._waiting -= 1

    def _is_woken(self, heard: int, timeout: float) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._heard != heard, timeout)
        return self._heard != heard

    def close(self) -> None:
        """Wake everybody."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()


def _longer(pause: float) -> float:
    return min(pause * 2, LONGEST_PAUSE)
