"""Stopping the container, however it is: in the end nothing of it runs, and the volume is as it was."""

from contextlib import suppress

from fleet_core.api import ServiceFailed
from fleet_podman.ownership import own_container
from fleet_podman.podman import Podman
from fleet_podman.service import Service


def stop(service: Service, podman: Podman) -> None:
    """Stop the container, if there is one.

    Raises:
        ServiceFailed: Podman can't be asked, or the container is somebody else's.
    """
    container = own_container(service, podman)
    if container is None or container.is_at_rest:
        return
    with suppress(ServiceFailed):  # whatever keeps it from stopping, it is removed then
        if container.state == "paused":
            podman.unpause()
        podman.stop(service.settings.stop_timeout)
    left = own_container(service, podman)
    if left is not None and not left.is_at_rest:
        podman.remove()
