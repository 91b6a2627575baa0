"""One at a time: whoever changes something of a service holds its lock file."""

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

PAUSE: Final = 0.05
"""Seconds between two looks at a lock that another process holds."""


class Busy(Exception):
    """Another process held the lock for too long."""


FOLDERS: Final = 3
"""How many folders above a lock file exist only for services: the provider's, the service's, that of all."""


@contextmanager
def turn(path: Path, patience: float, waiting: Callable[[], None]) -> Iterator[int]:
    """Hold the lock, waiting for it at most `patience` seconds; says once when it waits for others.

    Gives the lock's descriptor. A program that inherits it keeps the lock as long as it runs, even when we
    are killed meanwhile: so nobody comes in while what we started still writes.

    Raises:
        Busy: others did not make way.
    """
    deadline = time.monotonic() + patience
    told = False
    while (descriptor := _taken(path)) is None:
        if time.monotonic() >= deadline:
            raise Busy
        if not told:
            waiting()
            told = True
        time.sleep(PAUSE)
    try:
        yield descriptor
    finally:
        _leave_nothing(path)
        # Closed, not unlocked: an unlock would also end the hold of those who inherited it.
        os.close(descriptor)


def _taken(path: Path) -> int | None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Whoever leaves nothing behind removes the file, and the lock that others waited for is nobody's.
        if os.path.samestat(os.fstat(descriptor), path.stat()):
            return descriptor
    except (BlockingIOError, FileNotFoundError):
        pass
    except BaseException:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return None


def is_taken(path: Path) -> bool:
    """Whether somebody holds the lock now."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _leave_nothing(path: Path) -> None:
    """Remove the lock file, and the folders that were made for it, where nothing else is left."""
    if [each.name for each in path.parent.iterdir()] == [path.name]:
        path.unlink()
        with contextlib.suppress(OSError):
            for folder in list(path.parents)[:FOLDERS]:
                folder.rmdir()
