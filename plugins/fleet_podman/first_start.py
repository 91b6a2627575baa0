"""The first start of a database, and what is left when it was interrupted.

A server with a half-made cluster may start, say that it is ready, and never let anybody in. Its volume is
thrown away and the start begun again; but only a volume of which this project remembers that it made it, and
that nobody was ever let in.
"""

from typing import Final

from fleet_core.api import Report, ServiceFailed
from fleet_podman.faults import EXITED
from fleet_podman.inspected import Container
from fleet_podman.memory import BIRTH, Memory
from fleet_podman.ownership import own_container, own_volume
from fleet_podman.password import Password
from fleet_podman.podman import Podman
from fleet_podman.server_faults import (
    CLUSTER_CORRUPT,
    DATA_NOT_A_CLUSTER,
    DATABASE_MISSING,
    HALF_MADE,
    NO_PASSWORD,
    ROLE_MISSING,
)
from fleet_podman.service import Service, is_fault
from fleet_podman.stopping import remove_volume, take_away

SIGNS: Final = (
    HALF_MADE,
    DATABASE_MISSING,
    ROLE_MISSING,
    DATA_NOT_A_CLUSTER,
    CLUSTER_CORRUPT,
    NO_PASSWORD,
    EXITED,
)
"""How a half-made cluster shows itself."""


def quiet(phrase: str) -> None:
    """A report that nobody reads."""


class FirstStart:
    """The volume of a service, until somebody was let in, and after."""

    def __init__(
        self, service: Service, podman: Podman, memory: Memory, password: Password, report: Report = quiet
    ) -> None:
        self._service = service
        self._podman = podman
        self._memory = memory
        self._password = password
        self._report = report
        self._seen: str | None = None

    def finds_volume(self) -> bool:
        """Whether there is the volume.

        Raises:
            ServiceFailed: it is not ours, or its password is not known any more.
        """
        volume = own_volume(self._service, self._podman)
        if volume is not None:
            self._password.known()
            self._seen = volume.labels.get(BIRTH, "")
        return volume is not None

    def make_volume(self) -> None:
        """Make the volume, which is not there."""
        if self._memory.read().ready:
            self._report(f"volume {self._service.settings.volume} is gone: starting with an empty database")
        if own_container(self._service, self._podman):  # without its volume it can't be started
            self._take_the_container_away(self._service.settings.stop_timeout)
        self._report("making a volume for the data")
        self._password.known_or_made()
        known = self._memory.begin()
        self._seen = known.birth
        self._podman.make_volume({**self._service.labels, BIRTH: known.birth})

    def was_interrupted(self, failed: ServiceFailed) -> bool:
        """Whether a failed start is that of a half-made cluster without anybody's data."""
        if not is_fault(failed, *SIGNS):
            return False
        known = self._memory.read()
        return not known.ready and known.birth != "" and known.birth == self._birth()

    def begin_again(self) -> None:
        """Throw the volume away and make a new one."""
        self._report("the first start was interrupted: starting anew")
        self._take_the_container_away(0)
        remove_volume(self._service, self._podman)
        self.make_volume()

    def _take_the_container_away(self, seconds: int) -> None:
        take_away(self._service, self._podman, self._service.settings.container, seconds=seconds)

    def remember(self, version: str) -> None:
        """Remember that somebody was let in: from now on the volume is never thrown away by itself."""
        self._memory.ready(version, self._birth())

    def remember_if_begun_here(self, version: str) -> None:
        """The same, when somebody else than `up` was the first to be let in."""
        known = self._memory.read()
        if known.birth and not known.ready and known.birth == self._birth():
            self._memory.ready(version, known.birth)

    def major(self, former: Container | None) -> str:
        """The major version of the data in the volume; empty when there is none, or it is not known.

        `former` is the container that used it, if there is one: it knows when our memory is lost.
        """
        known = self._memory.read()
        if known.birth and known.birth == self._birth():
            return known.major
        if former is not None and self._service.settings.volume in former.volumes:
            return former.environment.get("PG_MAJOR", "")
        return ""

    def _birth(self) -> str:
        """Which volume it is that there is; see `memory`."""
        if self._seen is not None:
            return self._seen
        volume = own_volume(self._service, self._podman)
        return volume.labels.get(BIRTH, "") if volume else ""
