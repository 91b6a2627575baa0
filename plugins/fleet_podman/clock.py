"""The time that waiting takes: monotonic, and given from outside so that tests need not wait."""

import time
from collections.abc import Callable
from typing import Final, NamedTuple


class Clock(NamedTuple):
    """A clock that only runs forwards, in seconds, and how to let time pass."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


MONOTONIC: Final = Clock()


class Deadline:
    """A moment by which something must have happened."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock = clock
        self._began = clock.now()
        self.seconds = seconds

    def extend(self, seconds: float) -> None:
        """Allow so many seconds in all, counted from the beginning; a later deadline stays."""
        self.seconds = max(self.seconds, seconds)

    @property
    def left(self) -> float:
        """Seconds left; 0 when it has passed."""
        return max(0.0, self._began + self.seconds - self._clock.now())
