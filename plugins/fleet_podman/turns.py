"""Processes that start or destroy one service take turns, at a lock file that lies beside its password."""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from fleet_podman.clock import Clock, Deadline
from fleet_podman.disk import disk_faults
from fleet_podman.faults import BUSY
from fleet_podman.service import Service

FILE: Final = "lock"

PAUSE: Final = 0.05
"""Seconds between two looks at the lock."""


@contextmanager
def turn(service: Service, clock: Clock, patience: float, wait: Callable[[], None]) -> Iterator[None]:
    """Have this service to oneself. The lock ends with its process, however that ends.

    `patience` is in seconds; `wait` is called once when others must be waited for.

    Raises:
        ServiceFailed: others kept it for longer than that, or the folder can't be written.
    """
    with disk_faults(service):
        descriptor = _lock(service, clock, Deadline(clock, patience), wait)
        try:
            yield
        finally:
            os.close(descriptor)


def forget(service: Service) -> None:
    """Remove the service's folder with the lock file, by the one who holds it."""
    shutil.rmtree(service.folder)
    with suppress(OSError):  # other services may have theirs beside it
        service.folder.parent.rmdir()


def _lock(service: Service, clock: Clock, deadline: Deadline, wait: Callable[[], None]) -> int:
    path = service.folder / FILE
    told = False
    while True:
        descriptor = _opened(path)
        if _taken(descriptor) and _is_still_there(descriptor, path):
            return descriptor
        os.close(descriptor)
        if not deadline.left:
            raise service.error(BUSY, folder=str(service.folder), seconds=f"{deadline.seconds:.0f}")
        if not told:
            told = True
            wait()
        clock.sleep(PAUSE)


def _opened(path: Path) -> int:
    while True:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with suppress(FileNotFoundError):  # the folder was destroyed in between
            # Podman's own processes outlive this one and must not inherit the lock.
            return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_still_there(descriptor: int, path: Path) -> bool:
    """Whether the file that was locked is the one that others will lock: `destroy` removes it."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
