"""As whom PostgreSQL runs: as the user, or, because it refuses to run as root, as another account."""

import os
import pwd
from pathlib import Path
from typing import Any, Final, NamedTuple

CANDIDATES: Final = ("postgres", "nobody")
"""Accounts that root's servers run as, the first that exists."""


class Account(NamedTuple):
    """An account of the operating system."""

    name: str
    uid: int
    gid: int

    @property
    def is_ours(self) -> bool:
        """Whether it is the one that this process runs as."""
        return self.uid == os.geteuid()

    def give(self, path: Path) -> None:
        """Make it the owner of a file or folder that we made."""
        if not self.is_ours:
            os.chown(path, self.uid, self.gid)

    def popen_options(self) -> dict[str, Any]:
        """What `subprocess` must be told to run a program as this account."""
        if self.is_ours:
            return {}
        groups = os.getgrouplist(self.name, self.gid)
        return {"user": self.uid, "group": self.gid, "extra_groups": groups}


class NoAccount(Exception):
    """There is no account of this name."""


def own_account() -> Account:
    """The account that this process runs as."""
    uid = os.geteuid()
    try:
        return _account(pwd.getpwuid(uid))
    except KeyError:  # a container may run as a number that has no name
        return Account(str(uid), uid, os.getegid())


def account_named(name: str) -> Account:
    """The account of a name.

    Raises:
        NoAccount: there is none.
    """
    try:
        return _account(pwd.getpwnam(name))
    except KeyError:
        raise NoAccount(name) from None


def servant() -> Account:
    """The account that runs what root must not.

    Raises:
        NoAccount: none of the usual ones exists.
    """
    for name in CANDIDATES:
        try:
            return account_named(name)
        except NoAccount:
            continue
    raise NoAccount(CANDIDATES[0])


def _account(entry: pwd.struct_passwd) -> Account:
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
