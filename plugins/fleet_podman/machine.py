"""The virtual machine that Podman runs containers in on macOS and Windows."""

from collections.abc import Callable
from typing import Final, TypeVar

from fleet_core.api import Report, ServiceFailed
from fleet_podman.faults import MACHINE_NOT_RUNNING
from fleet_podman.podman import Podman
from fleet_podman.service import Service, is_fault

STARTING: Final = 180.0
"""Seconds that a virtual machine has to start."""

T = TypeVar("T")


def reached(service: Service, podman: Podman, report: Report, ask: Callable[[], T]) -> T:
    """What Podman answers; when its machine does not run and the settings allow it, that is started first.

    Raises:
        ServiceFailed: Podman does not answer, or the machine does not start.
    """
    try:
        return ask()
    except ServiceFailed as failed:
        if not (service.settings.start_machine and is_fault(failed, MACHINE_NOT_RUNNING)):
            raise
    report("starting the virtual machine of Podman")
    podman.start_machine(STARTING)
    return ask()
