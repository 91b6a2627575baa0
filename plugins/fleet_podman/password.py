"""The password of a service: from the environment, or made once and kept."""

import os
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple, TypeVar

from fleet_core.api import Unavailable
from fleet_podman.faults import FOLDER_UNUSABLE
from fleet_podman.server_faults import PASSWORD_LOST
from fleet_podman.service import Service
from fleet_postgres.api import PasswordFile

T = TypeVar("T")

VARIABLE: Final = "POSTGRES_PASSWORD"


class Password(NamedTuple):
    """Where the password comes from. Its text holds none."""

    service: Service
    environ: Mapping[str, str] = os.environ

    @property
    def file(self) -> PasswordFile:
        """Where a generated one is kept."""
        return PasswordFile(self.service.folder / "password")

    def known(self) -> str:
        """The password of a database that exists.

        Raises:
            ServiceFailed: it is not kept here any more.
        """
        found = self._given() or self._of_the_file(self.file.read)
        if not found:
            raise self.service.error(PASSWORD_LOST)
        return found

    def known_or_made(self) -> str:
        """The password for a database that is made now; one from the environment is not kept.

        Raises:
            ServiceFailed: none can be kept.
        """
        return self._given() or self._of_the_file(self.file.read_or_make)

    def _of_the_file(self, get: Callable[[], T]) -> T:
        try:
            return get()
        except Unavailable as failed:
            folder = str(self.service.folder)
            raise self.service.error(FOLDER_UNUSABLE, said=failed.message, folder=folder) from None

    def _given(self) -> str:
        return self.environ.get(VARIABLE, "").strip()

    def __repr__(self) -> str:
        return f"Password({self.service.name})"
