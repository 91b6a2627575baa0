"""One service of one project: what all rooms of this plugin must know of it, and how its faults are told."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from fleet_core.api import Fault, ServiceFailed
from fleet_postgres.api import Login, PasswordFile
from fleet_postgres_local.accounts import Account, NoAccount, account_named, own_account, servant
from fleet_postgres_local.faults import (
    ACCOUNT_DENIED,
    ACCOUNT_MISSING,
    ACCOUNT_ROOT,
    BIN_WRONG,
    DISK_FULL,
    FOLDER_UNUSABLE,
    PASSWORD_LOST,
    PROGRAMS_MISSING,
    VERSION_MISMATCH,
)
from fleet_postgres_local.places import Places
from fleet_postgres_local.programs import Programs, installed, programs_in
from fleet_postgres_local.settings import Settings

ADDRESS: Final = "127.0.0.1"
"""Where the server listens, and nowhere else."""


class Service(NamedTuple):
    """A service as its settings describe it, whether it exists or not."""

    name: str
    provider: str
    settings: Settings
    places: Places

    def account(self) -> Account:
        """As whom its server runs.

        Raises:
            ServiceFailed: there is no such account, or we may not use it.
        """
        wanted = self.settings.run_as
        try:
            if os.geteuid() == 0:
                account = account_named(wanted) if wanted else servant()
            else:
                account = own_account()
                if wanted and account_named(wanted) != account:
                    raise self.error(ACCOUNT_DENIED)
        except NoAccount as missing:
            raise self.error(ACCOUNT_MISSING, account=str(missing)) from None
        if account.uid == 0:
            raise self.error(ACCOUNT_ROOT)
        return account

    def programs(self, data_version: str | None) -> Programs:
        """PostgreSQL's programs, for data of a major version or, when it is None, for new ones.

        Raises:
            ServiceFailed: there are none, or none of that version.
        """
        folder = self.settings.bin
        named = programs_in(Path(folder).expanduser().absolute()) if folder else None
        if folder and not named:
            raise self.error(BIN_WRONG)
        other = None
        for programs in [named] if named else installed():
            if data_version in (None, programs.major):
                return programs
            other = other or programs
        if other is None or data_version is None:
            raise self.error(PROGRAMS_MISSING)
        facts = {"data_version": data_version, "version": other.version, "bin": str(other.folder)}
        raise self.error(VERSION_MISMATCH, **facts)

    def login(self, port: int) -> Login:
        """How one enters its database, with the password that is kept.

        Raises:
            ServiceFailed: none is kept.
        """
        password = PasswordFile(self.places.password).read()
        if password is None:
            raise self.error(PASSWORD_LOST)
        return Login(ADDRESS, port, self.settings.database, self.settings.user, password)

    def error(self, fault: Fault, *, said: str = "", **facts: str) -> ServiceFailed:
        """The error of a fault of this service. `said` are somebody else's words about it."""
        return fault.error(self.name, said=said.strip(), **(self._facts() | facts))

    @contextmanager
    def telling_of_the_disk(self) -> Iterator[None]:
        """Tell what the disk or its permissions refuse as a fault of the service.

        Raises:
            ServiceFailed: instead of an `OSError`.
        """
        try:
            yield
        except OSError as error:
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            raise self.error(DISK_FULL if full else FOLDER_UNUSABLE, said=str(error)) from None

    def _usual_account(self) -> str:
        try:
            return (servant() if os.geteuid() == 0 else own_account()).name
        except NoAccount as missing:
            return str(missing)

    def _facts(self) -> dict[str, str]:
        settings = self.settings
        return {
            **self.places.named,
            "port": str(settings.port),
            "database": settings.database,
            "user": settings.user,
            "account": settings.run_as or self._usual_account(),
            "bin": settings.bin or "PATH",
        }
