"""What the disk refuses, told as a fault of the service."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from fleet_podman.faults import DISK_FULL, FOLDER_UNUSABLE
from fleet_podman.service import Service


@contextmanager
def disk_faults(service: Service) -> Iterator[None]:
    """Tell what the disk refuses as a fault of the service.

    Raises:
        ServiceFailed: the disk is full, or the folder can't be written.
    """
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        fault = DISK_FULL if full else FOLDER_UNUSABLE
        raise service.error(fault, said=str(error), folder=str(service.folder)) from None
