"""Bringing a service up: its volume, its container, and a login as the proof."""

from functools import partial
from typing import Final, NamedTuple

from fleet_core.api import Report, ServiceFailed
from fleet_podman.clock import Clock, Deadline
from fleet_podman.faults import OTHER
from fleet_podman.first_start import FirstStart
from fleet_podman.image import Image
from fleet_podman.inspected import Container
from fleet_podman.machine import reached
from fleet_podman.memory import Memory
from fleet_podman.ownership import own_container
from fleet_podman.password import Password
from fleet_podman.podman import Podman
from fleet_podman.readiness import Readiness
from fleet_podman.running import Running
from fleet_podman.service import Service
from fleet_postgres.api import Login

HOST: Final = "127.0.0.1"
"""Where ports are published: nobody on another machine can knock."""


class Ready(NamedTuple):
    """What has let us in."""

    container: Container
    version: str


def login_of(service: Service, container: Container, password: str) -> Login:
    """How to log in to the database of a container.

    Raises:
        ServiceFailed: the container publishes no port.
    """
    if container.port is None:
        raise service.error(OTHER, said=f"container {container.name} publishes no port")
    settings = service.settings
    return Login(HOST, container.port, settings.database, settings.user, password)


class Start:
    """One `up` of one service."""

    def __init__(
        self,
        service: Service,
        podman: Podman,
        memory: Memory,
        password: Password,
        clock: Clock,
        report: Report,
    ) -> None:
        self._service = service
        self._podman = podman
        self._password = password
        self._memory = memory
        self._clock = clock
        self._report = report
        self._first = FirstStart(service, podman, memory, password, report)
        self._image = Image(service, podman, report)
        self._running = Running(service, podman, self._first, self._image, password, clock, report)
        self._readiness = Readiness(service, podman, clock)

    def up(self) -> Ready:
        """Have the server let us in.

        Raises:
            ServiceFailed: it does not.
        """
        own = partial(own_container, self._service, self._podman)
        reached(self._service, self._podman, self._report, own)
        deadline = self._deadline()
        found = self._first.finds_volume()
        if not found:
            self._image.have(deadline)  # first, lest a volume is left that never held anything
            self._first.make_volume()
        self._memory.want(True)
        try:
            ready = self._run(deadline)
        except ServiceFailed as failed:
            if not (found and self._first.was_interrupted(failed)):
                raise
            self._first.begin_again()
            ready = self._run(self._deadline())
        self._first.remember(ready.version)
        return ready

    def _deadline(self) -> Deadline:
        return Deadline(self._clock, self._service.settings.start_timeout)

    def _run(self, deadline: Deadline) -> Ready:
        container = self._running.have_it_run(deadline)
        login = login_of(self._service, container, self._password.known())
        return Ready(container, self._readiness.wait(login, deadline, self._report))
