"""Where databases lie while they are measured."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

MEMORY: Final = Path("/dev/shm")
"""A file system in memory, where fsync is free: what is left is what the code costs."""

DISK: Final = Path(__file__).parent.parent / ".benchmarks"
"""On a disk, unless the whole checkout is in memory; git ignores it."""


class Places(NamedTuple):
    """An empty directory in memory, and one on the disk."""

    memory: Path
    disk: Path


@contextmanager
def empty_places(disk: Path = DISK) -> Iterator[Places]:
    """New directories that go away at the end."""
    disk.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=MEMORY) as memory, tempfile.TemporaryDirectory(dir=disk) as on_disk:
        yield Places(Path(memory), Path(on_disk))
