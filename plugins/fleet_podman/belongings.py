"""All that there is of a service on this machine, and how each part is removed."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

from fleet_podman.memory import Memory
from fleet_podman.ownership import is_own
from fleet_podman.password import Password
from fleet_podman.podman import Podman
from fleet_podman.service import Service
from fleet_podman.stopping import remove_volume, take_away


class Belonging(NamedTuple):
    """One thing."""

    words: str
    remove: Callable[[], None]


def belongings_of(service: Service, podman: Podman, memory: Memory, password: Password) -> list[Belonging]:
    """Everything that is the service's, in the order in which it can be removed."""
    return [*_in_podman(service, podman), *_in_the_folder(memory, password)]


def _in_podman(service: Service, podman: Podman) -> Iterator[Belonging]:
    for name in _containers(service, podman):
        yield Belonging(f"container {name}", partial(take_away, service, podman, name))
    volume = podman.volume()
    if volume and is_own(service, volume.labels):
        yield Belonging(
            f"volume {volume.name}, which holds the data", partial(remove_volume, service, podman)
        )
    secret = podman.secret()
    if secret and is_own(service, secret.labels):
        yield Belonging(f"secret {secret.name}, which holds the password", podman.remove_secret)


def _containers(service: Service, podman: Podman) -> list[str]:
    """The container, and others of this service that use the volume, made when the settings were others."""
    named = podman.container()
    own = [named.name] if named and is_own(service, named.labels) else []
    return own + [
        seat.name for seat in podman.at_the_volume() if is_own(service, seat.labels) and seat.name not in own
    ]


def _in_the_folder(memory: Memory, password: Password) -> Iterator[Belonging]:
    file = password.file
    if file.path.exists():
        yield Belonging(f"password file {file.path}", file.remove)
    if memory.path.exists():
        yield Belonging(f"what is remembered of it, in {memory.path}", memory.remove)
