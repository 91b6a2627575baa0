"""The port on which a server listens: as set, or picked once and remembered."""

import random
import socket
from typing import Final, Literal, NamedTuple

from fleet_postgres_local.faults import PORT_IN_USE
from fleet_postgres_local.service import ADDRESS, Service

USUAL: Final = 5432
FIRST: Final = "postgres"
"""The service that has PostgreSQL's usual port unless a setting says otherwise."""

PICKED: Final = range(20000, 32000)
"""Where ports are picked: below those that systems lend to outgoing connections, which would take one that is
not listened on for a while."""


class Port(NamedTuple):
    """The port of a service."""

    service: Service

    def known(self) -> int | None:
        """The port; None when it is yet to be picked."""
        wanted = self._wanted()
        return self._remembered() if wanted == "auto" else wanted

    def free(self, *, anew: bool) -> int:
        """The port, for a server that is started now; `anew` picks one although another is remembered.

        Raises:
            ServiceFailed: somebody else listens there.
        """
        known = None if anew and self._wanted() == "auto" else self.known()
        port = known or self._pick()
        if not is_free(port):
            raise self.service.error(PORT_IN_USE, port=str(port))
        return port

    def _wanted(self) -> int | Literal["auto"]:
        return self.service.settings.port or (USUAL if self.service.name == FIRST else "auto")

    def _remembered(self) -> int | None:
        try:
            return int(self.service.places.port.read_text())
        except (FileNotFoundError, ValueError):
            return None

    def _pick(self) -> int:
        port = next(port for port in random.sample(PICKED, len(PICKED)) if is_free(port))
        path = self.service.places.port
        draft = path.with_name(f"{path.name}.draft")
        draft.write_text(f"{port}\n")
        draft.replace(path)
        return port


def is_free(port: int) -> bool:
    """Whether nobody listens on a port. One that we may not listen on ourselves counts as free."""
    with socket.socket() as probe:
        # As PostgreSQL does: connections that have ended are no hindrance.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ADDRESS, port))
            probe.listen()
        except PermissionError:
            return True
        except OSError:
            return False
    return True
