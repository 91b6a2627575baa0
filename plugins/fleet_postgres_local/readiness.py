"""Waiting until a server that was started lets us in, and telling why one does not."""

import time
from typing import Final, NamedTuple

from fleet_core.api import Fault, Report
from fleet_postgres.api import Login, LoginRefused, Reason, server_version
from fleet_postgres_local.cluster import last_lines
from fleet_postgres_local.faults import (
    DATABASE_MISSING,
    DIED,
    LOGIN_REFUSED,
    NOT_READY,
    PASSWORD_REJECTED,
    fault_in,
)
from fleet_postgres_local.logs import text_after
from fleet_postgres_local.processes import process
from fleet_postgres_local.server import Server
from fleet_postgres_local.service import Service

PAUSE: Final = 0.05
"""Seconds between two looks at a server that starts."""

TRY: Final = 2.0
"""Seconds that one login may take."""

SLOW: Final = 1.0
"""Seconds after which a start is no usual one any more, but a recovery."""

FINAL: Final[dict[Reason, Fault]] = {
    "password": PASSWORD_REJECTED,
    "role": PASSWORD_REJECTED,
    "database": DATABASE_MISSING,
}
"""Reasons that waiting does not change, and what is wrong then."""

_WAITED: Final[dict[Reason, str]] = {
    "starting": "the server to start up or recover",
    "silent": "an answer of the server",
}


class Start(NamedTuple):
    """A start to wait for: of which process, on which port, and where in the log its words begin."""

    service: Service
    port: int
    pid: int
    log_start: int

    def wait(self, report: Report) -> str:
        """Wait until a login works, and give the server's version.

        Raises:
            ServiceFailed: the server ended, lets nobody in, or did not do so in time.
        """
        login = self.service.login(self.port)
        begin = time.monotonic()
        deadline = begin + self.service.settings.start_timeout
        waited = "a login"
        report(f"waiting for {waited}")
        while True:
            try:
                return self._enter(login, deadline - time.monotonic())
            except LoginRefused as refused:
                before = waited
                if refused.reason == "silent" or time.monotonic() > begin + SLOW:
                    waited = _WAITED.get(refused.reason, waited)
                self._give_up(refused, waited, deadline)
                if waited != before:
                    report(f"waiting for {waited}")
            time.sleep(PAUSE)

    def _enter(self, login: Login, left: float) -> str:
        # A server that starts says so in a file too. Asked by a login, it complains in its log each time.
        running = Server(self.service).running()
        if running and running.phase == "starting":
            raise LoginRefused("starting", "the server is starting up")
        return server_version(login, min(TRY, max(PAUSE, left)))

    def _give_up(self, refused: LoginRefused, waited: str, deadline: float) -> None:
        """Return when it makes sense to try again."""
        facts = {"port": str(self.port)}
        final = LOGIN_REFUSED if LOGIN_REFUSED.matches(str(refused)) else FINAL.get(refused.reason)
        if final:
            raise self.service.error(final, said=str(refused), **facts)
        if not process(self.pid):
            said = text_after(self.service.places.log, self.log_start)
            raise self.service.error(fault_in(said, DIED), said=last_lines(said), **facts)
        if time.monotonic() >= deadline:
            said = last_lines(text_after(self.service.places.log, 0)) or str(refused)
            seconds = f"{self.service.settings.start_timeout:g}"
            raise self.service.error(NOT_READY, said=said, waited=waited, seconds=seconds, **facts)
