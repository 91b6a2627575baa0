"""Ctrl-C while a process is being started: noted, and heeded once it has.

`sh` forks, and Python runs the hooks of others around a fork, such as those of `logging`. What is raised in
one of them is printed and lost, a KeyboardInterrupt too; and then Ctrl-C would have ended nothing.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Noted:
    """Whether Ctrl-C was pressed meanwhile."""

    def __init__(self) -> None:
        self._pressed = False

    def note(self, *signal_and_frame: object) -> None:
        """Remember it: a handler of SIGINT."""
        self._pressed = True

    def heed(self) -> None:
        """Do now what Ctrl-C does.

        Raises:
            KeyboardInterrupt: it was pressed.
        """
        if self._pressed:
            raise KeyboardInterrupt


@contextmanager
def ctrl_c_noted() -> Iterator[Noted]:
    """Note Ctrl-C instead of raising it. It is raised in the main thread alone, so there is no more to do in
    others.
    """
    noted = Noted()
    if threading.current_thread() is not threading.main_thread():
        yield noted
        return
    before = signal.signal(signal.SIGINT, noted.note)
    try:
        yield noted
    finally:
        signal.signal(signal.SIGINT, before)
