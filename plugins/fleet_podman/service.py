"""One service of one project: its names, where it keeps things, and how its faults are told."""

from pathlib import Path
from typing import Final, NamedTuple

from fleet_core.api import Fault, ServiceFailed, Unavailable
from fleet_podman.settings import Settings

PROJECT: Final = "io.fleettools.project"
SERVICE: Final = "io.fleettools.service"
"""Labels on everything that is made in Podman: whose it is. Their values are the project's `.fleet` directory
and the service's name."""


class Service(NamedTuple):
    """What every room of this plugin must know."""

    name: str
    provider: str
    directory: Path
    settings: Settings

    @property
    def folder(self) -> Path:
        """Where the service keeps what outlives a process."""
        return self.directory / "services" / self.name

    @property
    def secret(self) -> str:
        """The name of the password among Podman's secrets."""
        return f"{self.settings.container}-password"

    @property
    def labels(self) -> dict[str, str]:
        """What marks a thing as this service's."""
        return {PROJECT: str(self.directory.resolve()), SERVICE: self.name}

    def error(self, fault: Fault, *, said: str = "", **facts: str) -> ServiceFailed:
        """The error of a fault of this service. `said` are somebody else's words about it."""
        return fault.error(self.name, said=said.strip(), **(self._facts() | facts))

    def _facts(self) -> dict[str, str]:
        settings = self.settings
        return {
            "image": settings.image,
            "container": settings.container,
            "volume": settings.volume,
            "port": str(settings.port),
            "user": settings.user,
            "database": settings.database,
        }


def is_fault(error: Unavailable, *faults: Fault) -> bool:
    """Whether an error names one of these faults."""
    return error.details.get("fault") in {fault.name for fault in faults}
