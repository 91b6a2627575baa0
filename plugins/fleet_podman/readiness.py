"""Ready means that somebody can log in: over the published port, into the database, with the password.

Neither an open port nor the server's own words will do. During its first start the server says twice that it
is ready, and for the first time to nobody outside of its container; and a half-made cluster says so, too.
"""

from collections.abc import Sequence
from typing import Final

from fleet_core.api import Fault, Report, ServiceFailed
from fleet_podman.clock import Clock, Deadline
from fleet_podman.faults import CONTAINER_MISSING, DISK_FULL, EXITED, PAUSED, recognise
from fleet_podman.image_faults import COMMAND_MISSING, IMAGE_PLATFORM
from fleet_podman.inspected import Container
from fleet_podman.podman import Podman
from fleet_podman.server_faults import (
    CLUSTER_CORRUPT,
    DATA_IN_USE,
    DATA_LAYOUT_18,
    DATA_NOT_A_CLUSTER,
    DATABASE_MISSING,
    HALF_MADE,
    HUNG,
    NO_PASSWORD,
    NOT_READY,
    PASSWORD_REJECTED,
    ROLE_MISSING,
    VERSION_MISMATCH,
)
from fleet_podman.service import Service
from fleet_postgres.api import Login, LoginRefused, server_version

PAUSE: Final = 0.1
"""Seconds between two attempts to log in."""

ATTEMPT: Final = 2.0
"""Seconds that an attempt may take."""

LOOK: Final = 0.5
"""Seconds between two looks whether the container still runs."""

LAST_LINES: Final = 20
"""How much of the log goes with an error."""

BEGUN_ANEW: Final = "all server processes terminated; reinitializing"
ROUNDS: Final = 3
"""What a server says when it recovers from a crash of one of its parts, and how often it may."""

FINAL: Final = (PASSWORD_REJECTED, DATABASE_MISSING, ROLE_MISSING, HALF_MADE)
"""What a login is told that no waiting will change."""

ENDINGS: Final = (
    DATA_LAYOUT_18,
    VERSION_MISMATCH,
    DATA_NOT_A_CLUSTER,
    DATA_IN_USE,
    DISK_FULL,
    CLUSTER_CORRUPT,
    NO_PASSWORD,
    COMMAND_MISSING,
    IMAGE_PLATFORM,
)
"""Why a server ends soon after its start; other faults in its log may be complaints to its clients."""

_WAITED: Final = {
    "refused": "the server to listen",
    "starting": "the server to recover",
    "silent": "the server to answer",
}


class Readiness:
    """Waits until a container's server lets us in."""

    def __init__(self, service: Service, podman: Podman, clock: Clock) -> None:
        self._service = service
        self._podman = podman
        self._clock = clock

    def wait(self, login: Login, deadline: Deadline, report: Report) -> str:
        """Wait for a login; gives the server's version.

        Raises:
            ServiceFailed: it can't become ready, or did not in time; the last lines of its log are with it.
        """
        told = ""
        look = Deadline(self._clock, 0)
        while True:
            try:
                return server_version(login, ATTEMPT)
            except LoginRefused as refused:
                waited, reason = self._waited(refused, login), refused.reason
            if waited != told:
                told = waited
                report(f"waiting for {waited}")
            if not look.left:
                self._must_get_on(self._running(), reason)
                look = Deadline(self._clock, LOOK)
            if not deadline.left:
                raise self._late(HUNG if reason == "silent" else NOT_READY, waited, deadline)
            self._clock.sleep(PAUSE)

    def _waited(self, refused: LoginRefused, login: Login) -> str:
        fault = recognise(str(refused))
        if fault in FINAL:
            raise self._service.error(fault, said=str(refused))
        return _WAITED.get(refused.reason, f"a login ({refused})") + f" on port {login.port}"

    def _running(self) -> Container:
        container = self._podman.container()
        if container is None:
            raise self._service.error(CONTAINER_MISSING)
        if container.state == "paused":
            raise self._service.error(PAUSED)
        if container.state != "running":
            raise self._ended(container)
        return container

    def _must_get_on(self, container: Container, reason: str) -> None:
        """A server may crash and recover for ever, as one does whose first start was interrupted early."""
        lines = self._last_words(container.started) if reason == "starting" else []
        rounds = sum(BEGUN_ANEW in line for line in lines)
        fault = first_of(ENDINGS, "\n".join(lines)) if rounds >= ROUNDS else None
        if fault:
            raise self._service.error(fault, said="\n".join(lines[-LAST_LINES:]))

    def _ended(self, container: Container) -> ServiceFailed:
        lines = self._last_words(container.started)
        fault = first_of(ENDINGS, "\n".join(lines)) or EXITED
        return self._service.error(
            fault, said="\n".join([f"exit status {container.exit_code}", *lines[-LAST_LINES:]])
        )

    def _late(self, fault: Fault, waited: str, deadline: Deadline) -> ServiceFailed:
        lines = self._last_words()[-LAST_LINES:]
        seconds = f"{deadline.seconds:g}"
        return self._service.error(fault, said="\n".join(lines), waited=waited, seconds=seconds)

    def _last_words(self, since: str = "") -> list[str]:
        try:
            return self._podman.log(since=since)
        except ServiceFailed:  # what went wrong before matters more
            return []


def first_of(faults: Sequence[Fault], text: str) -> Fault | None:
    """The first of some faults that a text tells of."""
    return next((fault for fault in faults if fault.matches(text)), None)
