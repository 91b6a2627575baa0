"""Bringing a service up: its volume, its container, and a login as the proof."""

from typing import Final, NamedTuple

from fleet_core.api import Report, ServiceFailed
from fleet_podman.clock import Clock, Deadline
from fleet_podman.faults import OTHER
from fleet_podman.first_start import FirstStart
from fleet_podman.inspected import Container
from fleet_podman.machine import reached
from fleet_podman.memory import Memory
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
        self._running = Running(service, podman, self._first, password, clock, report)
        self._readiness = Readiness(service, podman, clock)

    def up(self) -> Ready:
        """Have the server let us in.

        Raises:
            ServiceFailed: it does not.
        """
        reached(self._service, self._podman, self._report, self._podman.container)
        made = self._first.have_volume()
        self._memory.want(True)
        try:
            ready = self._run()
        except ServiceFailed as failed:
            if made or not self._first.was_interrupted(failed):
                raise
            self._first.begin_again()
            ready = self._run()
        self._first.remember(ready.version)
        return ready

    def _run(self) -> Ready:
        deadline = Deadline(self._clock, self._service.settings.start_timeout)
        container = self._running.have_it_run(deadline)
        login = login_of(self._service, container, self._password.known())
        return Ready(container, self._readiness.wait(login, deadline, self._report))
