"""A password that is made once and kept in a file that only its owner reads."""

import os
import secrets
from pathlib import Path
from typing import Final, NamedTuple

from fleet_core.api import Unavailable

BYTES: Final = 24
"""Randomness of a generated password."""


class PasswordFile(NamedTuple):
    """Where a service's password is kept."""

    path: Path

    def read(self) -> str | None:
        """The password; None when there is none yet."""
        try:
            return self.path.read_text().strip() or None
        except FileNotFoundError:
            return None

    def read_or_make(self) -> str:
        """The password, generated when there is none yet; of several processes that ask at once, all get one.

        Raises:
            Unavailable: the file was made by another process that died before it wrote the password.
        """
        found = self.read()
        if found:
            return found
        return self._keep(secrets.token_urlsafe(BYTES))

    def _keep(self, password: str) -> str:
        # A file appears under its name only when it is whole: a link to a finished one, if nobody was first.
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self.path.with_name(f"{self.path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(password + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, self.path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
        kept = self.read()
        if kept is None:
            raise Unavailable(f"{self.path} is empty", remedy="remove that file and start the service again")
        return kept

    def remove(self) -> None:
        """Forget the password; nothing happens when there is none."""
        self.path.unlink(missing_ok=True)
