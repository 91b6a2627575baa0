"""The data: made whole or not at all, known by their mark, and removed whole or not at all.

Making them takes seconds, in which anything may be killed. So they grow in a draft beside their place, with
the password set and the database made before anybody can log in, and are renamed into it when they are
finished: what lies in its place is complete, and what lies in the draft is worth nothing. Removing them goes
the same way back.
"""

import contextlib
import os
import shutil
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from fleet_core.api import Report, ServiceFailed
from fleet_postgres_local.accounts import Account
from fleet_postgres_local.faults import DATA_FOREIGN, DATA_TAKEN, INITDB_FAILED, NOT_READY, fault_in
from fleet_postgres_local.places import ROOTS_DATA
from fleet_postgres_local.programs import Programs, run
from fleet_postgres_local.service import Service

MARK: Final = "fleet-service.json"
"""A file of ours among the data: whose they are."""

SAID: Final = 20
"""Lines of a program's last words that are told."""


class Mark(msgspec.Struct, frozen=True):
    """Whose data these are. `folder` is that of the service."""

    service: str
    folder: str


class Cluster(NamedTuple):
    """The data of a service."""

    service: Service

    @property
    def _data(self) -> Path:
        return self.service.places.data

    def exists(self) -> bool:
        """Whether there are finished data, and they are this service's.

        Raises:
            ServiceFailed: what lies in their place is somebody else's.
        """
        foreign = self._foreign()
        if foreign:
            raise foreign
        return self._mark() is not None

    def is_ours(self) -> bool:
        """Whether there are finished data; somebody else's do not count."""
        return self._mark() is not None and not self._foreign()

    def _foreign(self) -> ServiceFailed | None:
        mark = self._mark()
        if mark is not None:
            taken = self._is_of_another(mark)
            return self.service.error(DATA_TAKEN, owner=mark.folder) if taken else None
        data = self._data
        empty = not os.path.lexists(data) or (data.is_dir() and next(data.iterdir(), None) is None)
        return None if empty else self.service.error(DATA_FOREIGN)

    def version(self) -> str:
        """The major version of PostgreSQL that made them."""
        return (self._data / "PG_VERSION").read_text().strip()

    def _mark(self) -> Mark | None:
        try:
            return msgspec.json.decode((self._data / MARK).read_bytes(), type=Mark)
        except (FileNotFoundError, NotADirectoryError, msgspec.DecodeError):
            return None

    def _is_of_another(self, mark: Mark) -> bool:
        # Data within the service's folder are moved and copied with it. Elsewhere two may lay claim to them;
        # but a project that was moved leaves nothing where it was.
        folder, before = self.service.places.folder, Path(mark.folder)
        if self._data.parent == folder or before == folder:
            return False
        return before.is_dir() and not (folder.exists() and before.samefile(folder))

    def claim(self, account: Account) -> None:
        """Put the service's name on its data, when that of its former place is on them."""
        if self._mark() != self._own_mark():
            (self._data / MARK).unlink()
            self._write_mark(self._data, account)

    def _own_mark(self) -> Mark:
        return Mark(self.service.name, str(self.service.places.folder))

    def _write_mark(self, data: Path, account: Account) -> None:
        # The folder is the account's, who could have put a link there.
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with os.fdopen(os.open(data / MARK, flags, 0o600), "wb") as file:
            if not account.is_ours:
                os.fchown(file.fileno(), account.uid, account.gid)
            file.write(msgspec.json.encode(self._own_mark()) + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def make(self, programs: Programs, account: Account, password: str, hold: int, report: Report) -> None:
        """Make them, with the user and the database in them.

        Raises:
            ServiceFailed: a program failed; nothing is kept.
        """
        self.clear()
        draft = self.service.places.draft
        grown, secret = draft / "data", draft / "password"
        _make_folder(draft, account)
        grown.mkdir(mode=0o700)
        account.give(grown)
        report("making the database")
        secret.touch(mode=0o600)
        secret.write_text(password + "\n")
        account.give(secret)
        try:
            self._run(_initdb(programs, self.service, grown, secret), "", account, hold)
        finally:
            secret.unlink(missing_ok=True)
        if self.service.settings.database != "postgres":
            self._run(_alone(programs, grown), _create(self.service), account, hold)
        self._write_mark(grown, account)
        self._put_in_place(grown)

    def _run(self, command: list[str], typed: str, account: Account, hold: int) -> None:
        service = self.service
        seconds = service.settings.start_timeout
        try:
            status, said = run(
                command, options=account.popen_options(), typed=typed, hold=hold, timeout=seconds
            )
        except TimeoutError:
            raise service.error(NOT_READY, waited=Path(command[0]).name, seconds=f"{seconds:g}") from None
        if status != 0:
            self.clear()
            raise service.error(fault_in(said, INITDB_FAILED), said=last_lines(said), account=account.name)

    def _put_in_place(self, grown: Path) -> None:
        places = self.service.places
        _sync(grown)
        if places.link != places.data and self.service.settings.data is None:
            places.link.unlink(missing_ok=True)
            places.link.symlink_to(places.data)
            _sync(places.folder)
        grown.replace(places.data)
        for path in (places.data.parent, places.draft):
            _sync(path)
        self.clear()

    def is_unfinished(self) -> bool:
        """Whether something of an interrupted start or removal is left."""
        return os.path.lexists(self.service.places.draft)

    def clear(self) -> None:
        """Remove what an interrupted start or removal left."""
        draft = self.service.places.draft
        if self.is_unfinished():
            shutil.rmtree(draft)
            if draft.parent == ROOTS_DATA.resolve():
                with contextlib.suppress(OSError):
                    draft.parent.rmdir()  # the last one leaves nothing

    def remove(self) -> None:
        """Remove the data, and all that is left of unfinished ones; somebody else's are left alone."""
        places = self.service.places
        self.clear()
        if self.is_ours():
            places.draft.mkdir(mode=0o700)
            places.data.replace(places.draft / "data")
            _sync(places.data.parent)
        self.clear()


def _initdb(programs: Programs, service: Service, data: Path, secret: Path) -> list[str]:
    return [
        programs.path("initdb"),
        f"--pgdata={data}",
        f"--username={service.settings.user}",
        f"--pwfile={secret}",
        "--auth=scram-sha-256",
        "--data-checksums",
        # The same order of texts on every machine, which no new system library changes under an index.
        "--locale=C",
        "--encoding=UTF8",
    ]


def _alone(programs: Programs, data: Path) -> list[str]:
    return [programs.path("postgres"), "--single", "-D", str(data), "-c", "exit_on_error=on", "postgres"]


def _create(service: Service) -> str:
    settings = service.settings
    return f'CREATE DATABASE "{settings.database}" OWNER "{settings.user}"\n'


def last_lines(text: str) -> str:
    """The last words of a program."""
    return "\n".join(text.strip().splitlines()[-SAID:])


def _make_folder(folder: Path, account: Account) -> None:
    """Make a folder, and those above it, that the account may pass through."""
    while True:
        try:
            folder.mkdir()
            break
        except FileNotFoundError:
            with contextlib.suppress(FileExistsError):  # others make it too, and remove it
                _make_folder(folder.parent, account)
    folder.chmod(0o700 if account.is_ours else 0o711)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
