"""PostgreSQL in Podman, as fleet runs services."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final

from fleet_core.api import Fault, NotFound, Report, ServiceStatus
from fleet_podman import turns
from fleet_podman.belongings import Belonging, belongings_of
from fleet_podman.clock import MONOTONIC, Clock
from fleet_podman.disk import disk_faults
from fleet_podman.faults import FAULTS, NOT_RUNNING, PAUSED
from fleet_podman.first_start import quiet
from fleet_podman.image_faults import COMMAND_MISSING
from fleet_podman.inspected import Container
from fleet_podman.looking import Look
from fleet_podman.memory import memory_of
from fleet_podman.ownership import own_container
from fleet_podman.password import Password
from fleet_podman.podman import PROMPT, Podman, moment
from fleet_podman.service import Service
from fleet_podman.settings import settings_of
from fleet_podman.starting import Start, login_of
from fleet_podman.stopping import stop

LONGEST_START: Final = 300.0
"""Seconds beyond its time-outs that another process's start may take, starting a machine for example."""

NO_CLIENT: Final = (126, 127)
"""What `podman exec` ends with when the container has no such program."""


def make_provider(name: str, service: str, table: Mapping[str, Any], directory: Path) -> "PodmanPostgres":
    """The provider of a service; `table` is its table of settings, without the key `provider`."""
    return PodmanPostgres(Service(service, name, directory, settings_of(service, table)))


class PodmanPostgres:
    """A PostgreSQL in a container, for one project, on this machine; see `fleet_core.services`."""

    def __init__(self, service: Service, clock: Clock = MONOTONIC) -> None:
        self._service = service
        self._clock = clock
        self._podman = Podman(service)
        self._memory = memory_of(service)
        self._password = Password(service)
        self._look = Look(service, self._podman, self._memory, self._password)

    @property
    def faults(self) -> Sequence[Fault]:
        """Every fault that it can name, for the reference."""
        return FAULTS

    def up(self, report: Report) -> ServiceStatus:
        """Have PostgreSQL run, and return when fleet has logged in to its database."""
        with self._turn(report):
            return self._up(report)

    def restart(self, report: Report) -> ServiceStatus:
        """Stop it, if it runs, and start it."""
        with self._turn(report):
            report("stopping the container")
            stop(self._service, self._podman)
            return self._up(report)

    def _up(self, report: Report) -> ServiceStatus:
        start = Start(self._service, self._podman, self._memory, self._password, self._clock, report)
        return self._look.ready(*start.up())

    def down(self) -> ServiceStatus:
        """Have nothing of it run any more, and keep its data.

        It does not wait for another process that starts it: that one will be told that the container ended.
        """
        with disk_faults(self._service):
            stop(self._service, self._podman)
            self._memory.want(False)
        return self._look._replace(patience=PROMPT).status()

    def status(self) -> ServiceStatus:
        """What it is now. What is wrong with it is the answer, never an error."""
        return self._look.status()

    def logs(
        self, *, tail: int | None = None, since: datetime | None = None, follow: bool = False
    ) -> Iterator[str]:
        """What PostgreSQL wrote, on stdout and stderr, oldest first."""
        self._container()
        begin = moment(since) if since else ""
        # Podman's own `--tail` takes the parts of which a line was written for lines of their own.
        lines = self._podman.log(since=begin) if tail is not None or not follow else []
        skipped = 0 if tail is None else max(0, len(lines) - tail)
        if follow:
            return islice(self._podman.follow(since=begin), skipped, None)
        return iter(lines[skipped:])

    def belongings(self) -> list[str]:
        """The container, the volume, the secret, and what is kept in the project's directory."""
        return [each.words for each in self._belongings()]

    def destroy(self) -> list[str]:
        """Remove all of it, the data too; says what was removed."""
        removed = []
        with self._turn():
            for each in self._belongings():
                each.remove()
                removed.append(each.words)
            turns.forget(self._service)
        return removed

    def _belongings(self) -> list[Belonging]:
        return belongings_of(self._service, self._podman, self._memory, self._password)

    def url(self) -> str:
        """Where it is, with the password. A secret."""
        container = self._container()
        self._notice_the_first_login()
        return login_of(self._service, container, self._password.known()).url(secret=True)

    def console(self, arguments: Sequence[str]) -> int:
        """Run `psql` in the container, on this terminal. Within it, nobody asks for a password."""
        container = own_container(self._service, self._podman)
        if container is None or container.state != "running":
            paused = container is not None and container.state == "paused"
            raise self._service.error(PAUSED if paused else NOT_RUNNING)
        self._notice_the_first_login()
        settings = self._service.settings
        client = ["psql", "--username", settings.user, "--dbname", settings.database, *arguments]
        status = self._podman.converse(client, terminal=sys.stdin.isatty() and sys.stdout.isatty())
        if status in NO_CLIENT:
            raise self._service.error(COMMAND_MISSING)
        return status

    def _notice_the_first_login(self) -> None:
        """Whoever gets in can keep data there, so the volume must not be taken for a half-made one later."""
        if not self._memory.read().ready:
            self.status()

    def _container(self) -> Container:
        container = own_container(self._service, self._podman)
        if container is None:
            raise NotFound(
                f"service {self._service.name} has no container",
                remedy=f"'fleet services up {self._service.name}' makes and starts it",
            )
        return container

    def _turn(self, report: Report = quiet) -> AbstractContextManager[None]:
        settings = self._service.settings
        patience = settings.start_timeout + settings.pull_timeout + LONGEST_START
        return turns.turn(
            self._service,
            self._clock,
            patience,
            lambda: report("waiting for another process that starts or removes it"),
        )
