"""Whose a container, volume or secret is. What is not this service's is never touched."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final, TypeVar

from fleet_core.api import Fault, ServiceFailed
from fleet_podman.faults import FOREIGN_CONTAINER, FOREIGN_SECRET, FOREIGN_VOLUME
from fleet_podman.inspected import Container, Thing
from fleet_podman.podman import PROMPT, Podman
from fleet_podman.service import PROJECT, SERVICE, Service

T = TypeVar("T", Container, Thing)

_REMOVALS: Final = {
    FOREIGN_CONTAINER.name: "`podman stop {0} && podman rm {0}`",
    FOREIGN_VOLUME.name: "`podman volume rm {0}`",
    FOREIGN_SECRET.name: "`podman secret rm {0}`",
}


def is_own(service: Service, labels: Mapping[str, str]) -> bool:
    """Whether labels say that a thing is this service's."""
    return service.labels.items() <= labels.items()


def own_container(service: Service, podman: Podman, timeout: float = PROMPT) -> Container | None:
    """The service's container; None when there is none.

    Raises:
        ServiceFailed: the one of that name is somebody else's.
    """
    return _own(service, podman.container(timeout), FOREIGN_CONTAINER)


def own_volume(service: Service, podman: Podman, timeout: float = PROMPT) -> Thing | None:
    """The service's volume; None when there is none.

    Raises:
        ServiceFailed: the one of that name is somebody else's.
    """
    return _own(service, podman.volume(timeout), FOREIGN_VOLUME)


def own_secret(service: Service, podman: Podman) -> Thing | None:
    """The service's secret; None when there is none.

    Raises:
        ServiceFailed: the one of that name is somebody else's.
    """
    return _own(service, podman.secret(), FOREIGN_SECRET)


def _own(service: Service, found: T | None, fault: Fault) -> T | None:
    if found is not None and not is_own(service, found.labels):
        raise _foreign(service, found, fault)
    return found


def _foreign(service: Service, found: Container | Thing, fault: Fault) -> ServiceFailed:
    project, name = found.labels.get(PROJECT), found.labels.get(SERVICE, "?")
    owner = (
        f"service {name} of the project with {project}" if project else "somebody else: fleet did not make it"
    )
    if project and Path(project).is_dir():
        removal = f"`fleet services destroy {name}` in {Path(project).parent}"
    else:
        removal = _REMOVALS[fault.name].format(found.name)
    return service.error(fault, owner=owner, removal=removal, secret=service.secret)
