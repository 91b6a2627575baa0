"""The provider `postgres-local`: the life of one PostgreSQL that runs from programs of this machine."""

import os
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from fleet_core.api import Fault, Invalid, NotFound, Report, ServiceFailed, ServiceStatus, checked
from fleet_postgres.api import Login, PasswordFile
from fleet_postgres_local.accounts import Account
from fleet_postgres_local.cluster import Cluster
from fleet_postgres_local.condition import condition
from fleet_postgres_local.faults import BUSY, CLIENT_MISSING, FAULTS, NOT_RUNNING
from fleet_postgres_local.logs import read_log, size
from fleet_postgres_local.places import places_of
from fleet_postgres_local.ports import Port
from fleet_postgres_local.programs import Programs, client
from fleet_postgres_local.readiness import Start
from fleet_postgres_local.server import Server
from fleet_postgres_local.service import Service
from fleet_postgres_local.settings import Settings
from fleet_postgres_local.turns import Busy, turn

_FOLDER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


def make_provider(
    provider: str, service: str, settings: Mapping[str, Any], directory: Path
) -> "PostgresLocal":
    """The provider of one service.

    Raises:
        Invalid: a setting does not fit, or a folder can't be named like the service.
    """
    if not _FOLDER.fullmatch(service):
        raise Invalid(
            f"[services.{service}]: the name must be of letters, digits, '.', '-' and '_'",
            remedy="choose another name for the service in fleet.toml",
        )
    given = checked(settings, Settings, f"[services.{service}]")
    places = places_of(directory, service, given.data)
    return PostgresLocal(Service(service, provider, given, places))


class PostgresLocal:
    """Runs one PostgreSQL on 127.0.0.1. It keeps nothing in memory: files and processes say what is so."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._places = service.places
        self._cluster = Cluster(service)
        self._server = Server(service)
        self._port = Port(service)

    @property
    def faults(self) -> Sequence[Fault]:
        """Every fault that it can name."""
        return FAULTS

    def up(self, report: Report) -> ServiceStatus:
        """Have the server run, and return when it lets us in; see `ServiceProvider.up`."""
        with self._turn(report) as hold:
            return self._up(hold, report)

    def restart(self, report: Report) -> ServiceStatus:
        """Stop the server, if it runs, and start it."""
        with self._turn(report) as hold:
            report("stopping the server")
            self._stop()
            return self._up(hold, report)

    def down(self) -> ServiceStatus:
        """Have no process of the server run any more; its data stay."""
        if self.belongings():
            with self._turn(_unheard):
                self._stop()
                self._cluster.clear()
        return self.status()

    def destroy(self) -> list[str]:
        """Stop the server and remove its data, log, password and port; says what was removed."""
        removed = self.belongings()
        if removed:
            with self._turn(_unheard):
                self._stop()
                self._cluster.remove()
                places = self._places
                for path in (places.link, places.password, places.port, places.log):
                    path.unlink(missing_ok=True)
        return removed

    def status(self) -> ServiceStatus:
        """What the service is now: its server is asked, or its files tell."""
        return condition(self._service)

    def belongings(self) -> list[str]:
        """What of the service exists on this machine."""
        places = self._places
        with self._service.telling_of_the_disk():
            found = {
                f"data in {places.data}": self._cluster.is_ours(),
                f"unfinished data in {places.draft}": self._cluster.is_unfinished(),
                f"link {places.link}": places.link.is_symlink(),
                f"password in {places.password}": places.password.exists(),
                f"port in {places.port}": places.port.exists(),
                f"log {places.log}": places.log.exists(),
            }
        processes = [f"server, process {pid}" for pid in self._server.mains()]
        return [*processes, *(what for what, exists in found.items() if exists)]

    def logs(
        self, *, tail: int | None = None, since: datetime | None = None, follow: bool = False
    ) -> Iterator[str]:
        """PostgreSQL's own lines, of this start and of those before."""
        if not self.belongings():
            raise self._absent()
        return read_log(self._places.log, tail, since, follow, lambda: self._server.running() is not None)

    def url(self) -> str:
        """Where the database is, with the password. A secret."""
        with self._service.telling_of_the_disk():
            running = self._server.running()
            port = running.port if running else self._port.known()
            if port is None or not self._cluster.exists():
                raise self._absent()
            return self._service.login(port).url(secret=True)

    def console(self, arguments: Sequence[str]) -> int:
        """Run `psql` on this terminal, logged in to the database."""
        with self._service.telling_of_the_disk():
            running = self._server.running()
            if not running:
                raise self._service.error(NOT_RUNNING)
            program = client(self._service.programs(self._cluster.version()))
            if not program:
                raise self._service.error(CLIENT_MISSING)
            login = self._service.login(running.port)
            return subprocess.call([program, *arguments], env=_client_environment(login))

    def _up(self, hold: int, report: Report) -> ServiceStatus:
        exists = self._cluster.exists()
        if exists:
            self._server.refuse_stranger()
        port = self._port.known() if exists else None
        running = self._server.running()
        if running is None or running.port != port or running.phase == "stopping":
            start = self._start(exists, hold, report)
        else:
            start = Start(self._service, running.port, running.pid, size(self._places.log))
        start.wait(report)
        return self.status()

    def _start(self, exists: bool, hold: int, report: Report) -> Start:
        self._stop()
        account = self._service.account()
        programs = self._service.programs(self._cluster.version() if exists else None)
        port = self._port.free(anew=not exists)
        if exists:
            self._service.login(port)  # without its password there is no use in starting
            self._cluster.claim(account)
        else:
            self._make(programs, account, hold, report)
        log_start = size(self._places.log)
        report("starting the server")
        return Start(self._service, port, self._server.launch(programs, account, port), log_start)

    def _make(self, programs: Programs, account: Account, hold: int, report: Report) -> None:
        password = PasswordFile(self._places.password)
        known = password.read()
        try:
            self._cluster.make(programs, account, password.read_or_make(), hold, report)
        except ServiceFailed:
            if known is None and not self._cluster.is_unfinished():
                password.remove()  # it opens nothing
                self._places.port.unlink(missing_ok=True)
            raise

    def _stop(self) -> None:
        ours = self._cluster.is_ours()
        if ours:
            self._server.refuse_stranger()
        self._server.stop()
        if ours:
            self._server.forget()

    @contextmanager
    def _turn(self, report: Report) -> Iterator[int]:
        """Have the service to oneself; gives what keeps it so.

        Raises:
            ServiceFailed: others did not make way, or the disk refuses something.
        """
        patience = self._service.settings.start_timeout
        with self._service.telling_of_the_disk():
            try:
                with turn(self._places.lock, patience, lambda: report("waiting for another process")) as hold:
                    yield hold
            except Busy:
                raise self._service.error(BUSY, seconds=f"{patience:g}") from None

    def _absent(self) -> NotFound:
        return NotFound(
            f"service {self._service.name} does not exist yet",
            remedy=f"'fleet services up {self._service.name}' makes it",
            service=self._service.name,
        )


def _unheard(report: str) -> None:
    """A report that nobody waits for."""


def _client_environment(login: Login) -> dict[str, str]:
    # Nothing of what the user set for other servers, and no password where `ps` shows it.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return kept | {
        "PGHOST": login.host,
        "PGPORT": str(login.port),
        "PGDATABASE": login.database,
        "PGUSER": login.user,
        "PGPASSWORD": login.password,
    }
