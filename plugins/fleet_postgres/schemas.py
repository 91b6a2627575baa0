"""Which schema of the database holds a project's events."""

import hashlib
import os
import re
from pathlib import Path
from typing import Final

from fleet_core.api import Unavailable

NAME: Final = "postgres.schema"
"""The file, in the project's directory, that remembers the schema: a project that moves keeps its events."""

_LONGEST: Final = 40


def schema_of(directory: Path) -> str:
    """The project's schema: named after its folder once, and remembered from then on.

    Two projects whose folders have the same name get two schemas.

    Raises:
        Unavailable: the file can't be read or written.
    """
    path = directory / NAME
    try:
        if not path.exists():
            _remember(path, _derived(directory))
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise Unavailable(
            f"{path} can't be used: {error.strerror}",
            remedy=f"mend the permissions of {directory}, or set `schema` in [plugins.postgres]",
        ) from None


def _derived(directory: Path) -> str:
    place = directory.resolve()
    name = re.sub("[^a-z0-9]+", "_", place.parent.name.lower()).strip("_")[:_LONGEST]
    digest = hashlib.blake2b(os.fsencode(place), digest_size=4).hexdigest()
    return f"fleet_{name}_{digest}" if name else f"fleet_{digest}"


def _remember(path: Path, schema: str) -> None:
    # A link to a finished file, if nobody was quicker: of several processes all read the same.
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.write_text(f"{schema}\n", encoding="utf-8")
    draft.chmod(0o600)
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
