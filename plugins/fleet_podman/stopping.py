"""Stopping and removing a container, however it is: in the end nothing of it runs, and its volume is left.

Podman 4.3 says that it has removed a container whose stop was broken off, and leaves its server alive. The
next one would then be the second server on the same data, and destroy it. So nothing is removed here before
its server has ended.
"""

from contextlib import suppress
from typing import Final

from fleet_core.api import ServiceFailed
from fleet_podman.clock import MONOTONIC, Deadline
from fleet_podman.faults import SERVER_REMAINS
from fleet_podman.inspected import Container
from fleet_podman.ownership import own_container
from fleet_podman.podman import Podman
from fleet_podman.processes import is_server, servers_at
from fleet_podman.service import Service

DYING: Final = 10.0
"""Seconds that a server may take to end when it was killed: what it is in the middle of writing must end."""

PAUSE: Final = 0.05


def stop(service: Service, podman: Podman) -> None:
    """Stop the container, if there is one.

    Raises:
        ServiceFailed: it does not stop, Podman can't be asked, or the container is somebody else's.
    """
    container = own_container(service, podman)
    if container is None or _ended(service, podman, container, service.settings.stop_timeout):
        return
    podman.remove()  # Podman has lost sight of it: it could not be started again


def take_away(service: Service, podman: Podman, name: str, *, seconds: int = 0) -> None:
    """Remove a container that is known to be ours, if there is one. Its server has so long to stop by itself.

    Raises:
        ServiceFailed: its server does not end, or Podman can't be asked.
    """
    container = podman.container(name=name)
    if container is not None:
        _ended(service, podman, container, seconds)
        podman.remove(name)


def remove_volume(service: Service, podman: Podman) -> None:
    """Remove the volume, which holds the data.

    Raises:
        ServiceFailed: a server works on it.
    """
    refuse_servers_at_the_volume(service)
    podman.remove_volume()


def refuse_servers_at_the_volume(service: Service) -> None:
    """The last word before another server may work on the volume, or it is removed: that of the processes.

    Raises:
        ServiceFailed: a server works on it, whether or not Podman knows.
    """
    if remaining := servers_at(service.settings.volume):
        raise server_remains(service, remaining)


def server_remains(service: Service, processes: list[int]) -> ServiceFailed:
    """The error that processes work on the volume of which Podman does not know."""
    return service.error(SERVER_REMAINS, processes=" ".join(map(str, processes)))


def _ended(service: Service, podman: Podman, container: Container, seconds: int) -> bool:
    """Have nothing of a container run; says whether Podman knows that, too."""
    name = container.name
    if container.is_at_rest:
        return True
    with suppress(ServiceFailed):  # whatever keeps it from stopping, it is killed then
        if container.state == "paused":
            podman.unpause(name)
        podman.stop(seconds, name)
    if _is_at_rest(podman, name):
        return True
    with suppress(ServiceFailed):  # whatever that says, we look
        podman.kill(name)
    deadline = Deadline(MONOTONIC, DYING)
    while not (at_rest := _is_at_rest(podman, name)) and is_server(container.pid):
        if not deadline.left:
            raise server_remains(service, [container.pid])
        MONOTONIC.sleep(PAUSE)
    return at_rest


def _is_at_rest(podman: Podman, name: str) -> bool:
    container = podman.container(name=name)
    return container is None or container.is_at_rest
