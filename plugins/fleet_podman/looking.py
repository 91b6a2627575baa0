"""What a service is now: looked at quickly, and told whatever is found."""

from contextlib import suppress
from datetime import UTC, datetime
from typing import Final, Literal, NamedTuple

from fleet_core.api import ServiceFailed, ServiceStatus, Unavailable
from fleet_podman.clock import MONOTONIC, Deadline
from fleet_podman.disk import disk_faults
from fleet_podman.faults import EXITED, FOREIGN_CONTAINER, FOREIGN_VOLUME, PAUSED, STATE_IMPROPER, recognise
from fleet_podman.first_start import FirstStart
from fleet_podman.inspected import Container
from fleet_podman.memory import Memory
from fleet_podman.ownership import own_container, own_volume
from fleet_podman.password import Password
from fleet_podman.podman import Podman
from fleet_podman.processes import servers_at
from fleet_podman.server_faults import STARTING
from fleet_podman.service import Service, is_fault
from fleet_podman.starting import login_of
from fleet_podman.stopping import server_remains
from fleet_postgres.api import LoginRefused, server_version

PATIENCE: Final = 1.9
"""Seconds that a look may take in all: a status is promised within two."""
LOGIN: Final = 0.4
LONGEST_LOGIN: Final = 1.0
"""Seconds of it that are kept for the server's answer, and that it has at most. What is left is for Podman,
which is the slower one on a busy machine."""
State = Literal["absent", "stopped", "starting", "ready", "failing", "unknown"]

UNDER_WAY: Final = ("refused", "starting")
"""Why a server that was started a moment ago lets nobody in yet."""


class Look(NamedTuple):
    """One look at one service."""

    service: Service
    podman: Podman
    memory: Memory
    password: Password
    patience: float = PATIENCE
    """Seconds that it may take."""

    def status(self) -> ServiceStatus:
        """What the service is. What is wrong with it, or keeps us from knowing, is the answer."""
        deadline = Deadline(MONOTONIC, self.patience)
        try:
            with disk_faults(self.service):
                return self._seen(own_container(self.service, self.podman, deadline.left - LOGIN), deadline)
        except Unavailable as failed:
            foreign = is_fault(failed, FOREIGN_CONTAINER, FOREIGN_VOLUME)
            return self._status("absent" if foreign else "unknown", failed)

    def ready(self, container: Container, version: str) -> ServiceStatus:
        """What a service is that has let us in just now."""
        return self._status("ready", None, container, version)

    def _seen(self, container: Container | None, deadline: Deadline) -> ServiceStatus:
        if container is None:
            return self._without_container(deadline)
        if container.state == "running":
            return self._asked(container, min(deadline.left, LONGEST_LOGIN))
        if container.state == "paused":
            return self._status("failing", self.service.error(PAUSED), container)
        if container.is_at_rest:
            return self._at_rest(container)
        return self._status("failing", self.service.error(STATE_IMPROPER), container)

    def _without_container(self, deadline: Deadline) -> ServiceStatus:
        if own_volume(self.service, self.podman, deadline.left) is None:
            return self._status("absent")
        remaining = servers_at(self.service.settings.volume)
        if remaining:
            return self._status("failing", server_remains(self.service, remaining))
        return self._status("stopped")

    def _at_rest(self, container: Container) -> ServiceStatus:
        # A server that is stopped ends with 0, unless it had to be killed: we know whether it should run.
        if container.exit_code and self.memory.read().wanted:
            return self._status("failing", self.service.error(EXITED), container)
        return self._status("stopped", None, container)

    def _asked(self, container: Container, seconds: float) -> ServiceStatus:
        try:
            login = login_of(self.service, container, self.password.known())
            version = server_version(login, seconds)
        except ServiceFailed as failed:
            return self._status("failing", failed, container)
        except LoginRefused as refused:
            return self._refused(container, refused)
        with suppress(ServiceFailed, OSError):
            FirstStart(self.service, self.podman, self.memory, self.password).remember_if_begun_here(version)
        return self.ready(container, version)

    def _refused(self, container: Container, refused: LoginRefused) -> ServiceStatus:
        fault = recognise(str(refused))
        young = refused.reason in UNDER_WAY and _age(container) < self.service.settings.start_timeout
        failed = self.service.error(STARTING if young else fault, said=str(refused))
        return self._status("starting" if young else "failing", failed, container)

    def _status(
        self,
        state: State,
        failed: Unavailable | None = None,
        container: Container | None = None,
        version: str = "",
    ) -> ServiceStatus:
        name, settings = self.service.name, self.service.settings
        facts = {"container": settings.container, "volume": settings.volume, "image": settings.image}
        return ServiceStatus(
            service=name,
            provider=self.service.provider,
            state=state,
            detail=failed.message.removeprefix(f"service {name}: ") if failed else "",
            remedy=failed.remedy if failed else "",
            url=login_of(self.service, container, "").url() if container and container.port else "",
            version=version,
            facts=facts,
        )


def _age(container: Container) -> float:
    """Seconds since the container was started."""
    try:
        started = datetime.fromisoformat(container.started)
    except ValueError:
        return 0.0
    return (datetime.now(UTC) - started).total_seconds()
