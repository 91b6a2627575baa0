"""The copies of checkpoints beside the store: `checkpoints/SORTIE/ID.json`, for when the store is damaged.

A copy says in itself whether it is whole. It is written once the event is durable, to another name first, and
is on the disk with its folder when it gets its own: after a power cut it is there as a whole or not at all.
"""

import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from fleet_checkpoints.context import Context
from fleet_core.api import Project

FOLDER: Final = "checkpoints"

_UNNAMED: Final = "_"


class Copy(msgspec.Struct, frozen=True, kw_only=True):
    """A checkpoint as its file has it."""

    schema: int = 1
    checkpoint_id: str
    position: int
    context: Context


class _Sealed(msgspec.Struct, frozen=True, kw_only=True):
    """A copy, and the SHA-256 of its bytes."""

    sha256: str
    checkpoint: msgspec.Raw


def folder_of(project: Project, sortie_id: str | None) -> Path:
    """The folder of a sortie's copies. No id leads anywhere else."""
    safe = re.sub(r"[^\w.-]", "_", sortie_id or _UNNAMED).lstrip(".") or _UNNAMED
    if sortie_id is not None and safe != sortie_id:
        safe += "-" + hashlib.sha256(sortie_id.encode()).hexdigest()[:12]
    return project.directory / FOLDER / safe


def write(project: Project, copy: Copy) -> Path:
    """Write a copy."""
    folder = folder_of(project, copy.context.sortie_id)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    body = msgspec.json.encode(copy)
    sealed = _Sealed(sha256=hashlib.sha256(body).hexdigest(), checkpoint=msgspec.Raw(body))
    path = path_of(project, copy)
    draft = path.with_suffix(f".{os.getpid()}.draft")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(msgspec.json.encode(sealed))
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    _sync(folder)
    return path


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read(path: Path) -> Copy | None:
    """The copy in a file; None when it is not there, or not whole."""
    try:
        sealed = msgspec.json.decode(path.read_bytes(), type=_Sealed)
        if hashlib.sha256(sealed.checkpoint).hexdigest() != sealed.sha256:
            return None
        return msgspec.json.decode(sealed.checkpoint, type=Copy)
    except (OSError, msgspec.DecodeError):
        return None


def of_id(project: Project, checkpoint_id: str) -> Iterator[Copy]:
    """The whole copy of one checkpoint, whosever it is."""
    for path in (project.directory / FOLDER).glob("*/*.json"):
        if path.stem == checkpoint_id and (copy := read(path)) is not None:
            yield copy


def copies(project: Project, sortie_id: str | None) -> Iterator[Copy]:
    """The whole copies of a sortie's checkpoints, the newest first."""
    found = (read(path) for path in folder_of(project, sortie_id).glob("*.json"))
    return iter(sorted(filter(None, found), key=lambda copy: copy.position, reverse=True))


def size(project: Project, sortie_id: str | None, checkpoint_id: str) -> int:
    """The bytes of a copy; 0 if there is none."""
    path = folder_of(project, sortie_id) / f"{checkpoint_id}.json"
    return path.stat().st_size if path.exists() else 0


def remove(project: Project, sortie_id: str | None, checkpoint_id: str) -> None:
    """Remove a copy."""
    (folder_of(project, sortie_id) / f"{checkpoint_id}.json").unlink(missing_ok=True)


def path_of(project: Project, copy: Copy) -> Path:
    """Where a copy is."""
    return folder_of(project, copy.context.sortie_id) / f"{copy.checkpoint_id}.json"
