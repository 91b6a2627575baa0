"""The files and folders of one service."""

import hashlib
import os
from pathlib import Path
from typing import Final, NamedTuple

ROOTS_DATA: Final = Path("/var/lib/fleettools")
"""Where the data of root's services lie: another account runs the server, which root's folders shut out."""


class Places(NamedTuple):
    """Where what belongs to a service lies, whether it exists or not.

    `folder` holds what is kept of it below the project's directory; `data` is PostgreSQL's own folder.
    """

    service: str
    folder: Path
    data: Path

    @property
    def log(self) -> Path:
        """What the server wrote; not with the data, so that it also tells of starts that made none."""
        return self.folder / "server.log"

    @property
    def password(self) -> Path:
        """The password of the database's user."""
        return self.folder / "password"

    @property
    def port(self) -> Path:
        """The port that was picked."""
        return self.folder / "port"

    @property
    def lock(self) -> Path:
        """Held by whoever changes something."""
        return self.folder / "lock"

    @property
    def link(self) -> Path:
        """Where the data lie, or leads there when root's lie elsewhere: so they stay those of a project that
        is moved.
        """
        return self.folder / "data"

    @property
    def draft(self) -> Path:
        """What is not data yet, or not any more: whoever holds the lock may remove it."""
        return self.data.with_name(f"{self.data.name}.draft")

    @property
    def tag(self) -> str:
        """The name that all processes of the server carry in their titles, and no other's."""
        return f"fleet-{self.service[:32]}-{_digest(self.folder)}"

    @property
    def named(self) -> dict[str, str]:
        """The places that faults speak of."""
        return {
            "data": str(self.data),
            "log": str(self.log),
            "password_file": str(self.password),
            "port_file": str(self.port),
            "folder": str(self.folder),
        }


def places_of(directory: Path, service: str, data: str | None) -> Places:
    """Where a service's things lie. `directory` is the project's, `data` the setting."""
    # Apart from what another provider may have kept of a service of this name.
    folder = directory.resolve() / "services" / service / "local"
    link = folder / "data"
    if data is not None:
        return Places(service, folder, (directory.resolve() / data).resolve())
    if os.geteuid() == 0 and not os.path.lexists(link):
        return Places(service, folder, ROOTS_DATA.resolve() / f"{service}-{_digest(folder)}")
    return Places(service, folder, link.resolve())


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]
