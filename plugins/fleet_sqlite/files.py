"""Creating the files of a store: private, never through a symbolic link, never on a network file system."""

import os
from pathlib import Path
from typing import Final

from fleet_core.api import Unavailable

NETWORK: Final = frozenset(
    {"9p", "afs", "beegfs", "ceph", "cifs", "coda", "gfs2", "glusterfs", "lustre", "ncpfs", "nfs", "nfs4"}
    | {"ocfs2", "orangefs", "smb3", "smbfs", "vboxsf", "virtiofs"}
    | {"fuse.ceph", "fuse.glusterfs", "fuse.rclone", "fuse.s3fs", "fuse.sshfs"}
)
"""File systems shared between machines, by their names in /proc/mounts. Their locks and shared memory can't
be relied on."""

MOUNTS: Final = Path("/proc/mounts")


def create_private(path: Path) -> None:
    """Make sure that the file exists, readable by its owner alone; SQLite then gives its side files the same
    mode.

    Raises:
        Unavailable: it is a symbolic link, or it can't be created.
    """
    try:
        if path.is_symlink():
            raise Unavailable(
                f"{path} is a symbolic link", remedy="name the file itself in the setting `path`"
            )
        if path.exists():
            return
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW, 0o600))
        _sync_directory(path.parent.parent)
    except FileExistsError:
        return
    except OSError as error:
        raise Unavailable(
            f"{path} can't be created: {error.strerror}", remedy=f"mend the permissions of {path.parent}"
        ) from None


def open_private(path: Path) -> int:
    """Open a side file for reading and writing, creating it readable by its owner alone."""
    try:
        return os.open(path, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Unavailable(
            f"{path} can't be opened: {error.strerror}", remedy=f"mend the permissions of {path.parent}"
        ) from None


def refuse_network(path: Path, mounts: Path = MOUNTS) -> None:
    """Accept a place on a local file system.

    Raises:
        Unavailable: it lies on another machine.
    """
    kind, where = file_system(path, mounts)
    if kind in NETWORK:
        raise Unavailable(
            f"{path} lies on a network file system ({kind} at {where}), where SQLite's locks don't hold: two"
            " machines"
            " could write over each other",
            remedy="set FLEET_DIR, or `path` in [plugins.sqlite], to a place on a local disk; for several"
            " machines use"
            " the store postgres",
            path=str(path),
            file_system=kind,
        )


def file_system(path: Path, mounts: Path = MOUNTS) -> tuple[str, Path]:
    """The kind of file system a path lies on and where that is mounted; an empty kind where nothing says
    so."""
    real = f"{path.resolve()}/"
    kind, where = "", "/"
    try:
        lines = mounts.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return kind, Path(where)
    for line in lines:
        _, mounted, found, *_ = line.split(" ")
        place = f"{_unescaped(mounted).rstrip('/')}/"
        # Of the mounts that hold the path the deepest counts, and of those at one place the last.
        if real.startswith(place) and len(place) >= len(where):
            kind, where = found, place
    return kind, Path(where)


def _unescaped(text: str) -> str:
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, character)
    return text


def _sync_directory(path: Path) -> None:
    # SQLite syncs the directory of its files itself, but not the one in which that directory is new.
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
