"""A password that is made once and kept in a file that only its owner reads."""

import contextlib
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
        """The password; None when there is none yet.

        Raises:
            Unavailable: there is one that can't be read.
        """
        try:
            return self.path.read_text().strip() or None
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise Unavailable(
                f"the password in {self.path} can't be read: {_why(error)}",
                remedy=f"mend it, or its permissions: it is for its owner alone ('chmod 600 {self.path}')",
            ) from None

    def read_or_make(self) -> str:
        """The password, generated when there is none yet; of several processes that ask at once, all get one.

        A password that was returned once is on the disk.

        Raises:
            Unavailable: it can't be read or kept, or somebody emptied the file.
        """
        return self.read() or self._keep(secrets.token_urlsafe(BYTES))

    def _keep(self, password: str) -> str:
        try:
            self._publish(password)
        except OSError as error:
            raise Unavailable(
                f"no password can be kept in {self.path}: {_why(error)}",
                remedy=f"mend the permissions of {self.path.parent}, or what its file system lacks",
            ) from None
        kept = self.read()
        if kept is None:
            raise Unavailable(f"{self.path} is empty", remedy="remove that file and start the service again")
        return kept

    def _publish(self, password: str) -> None:
        # A file appears under its name only when it is whole: a link to a finished one, if nobody was first.
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self.path.with_name(f"{self.path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w") as file:
                file.write(password + "\n")
                file.flush()
                os.fsync(file.fileno())
            with contextlib.suppress(FileExistsError):
                os.link(draft, self.path)
        finally:
            draft.unlink()
        # A database that was made with this password outlives a power cut: so must the name of its file.
        _sync_directory(self.path.parent)

    def remove(self) -> None:
        """Forget the password; nothing happens when there is none."""
        self.path.unlink(missing_ok=True)


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _why(error: Exception) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else "it is not text"
