"""A disk whose power can be cut at any moment: what SQLite does to files is recorded, and played back on a
model that says what could be left of them.

The model is the usual one (https://www.sqlite.org/atomiccommit.html): what was written since a file's last
sync may have reached the disk or not, in any order, whole or in single sectors of 512 bytes; a file that was
removed may be there again until its directory is synced. A sync that has returned is believed.
"""

import random
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final, Literal, NamedTuple

import apsw
import peewee
from playhouse.apsw_ext import APSWDatabase  # type: ignore[import-untyped]

SECTOR: Final = 512
"""Bytes that a disk writes whole or not at all."""

VFS: Final = "recorder"


class Op(NamedTuple):
    """What was done to a file, and the ids of the events that were acknowledged with it."""

    kind: Literal["write", "truncate", "sync", "remove"]
    file: str
    offset: int = 0
    data: bytes = b""
    acknowledged: tuple[str, ...] = ()


class _RecordedFile(apsw.VFSFile):
    def __init__(self, path: str | apsw.URIFilename | None, flags: list[int], ops: list[Op]) -> None:
        super().__init__("", path, flags)
        self._ops = ops
        self._name = _name(path)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802  (SQLite's name)
        self._ops.append(Op("write", self._name, offset, bytes(data)))
        super().xWrite(data, offset)

    def xTruncate(self, size: int) -> None:  # noqa: N802
        self._ops.append(Op("truncate", self._name, size))
        super().xTruncate(size)

    def xSync(self, flags: int) -> None:  # noqa: N802
        self._ops.append(Op("sync", self._name))
        super().xSync(flags)


class Recorder(apsw.VFS):
    """A file system for SQLite that notes what becomes of files, and passes it on to the real one."""

    def __init__(self) -> None:
        self.ops: list[Op] = []
        super().__init__(VFS, "")

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:  # noqa: N802
        return _RecordedFile(name, flags, self.ops)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802
        assert not syncdir, "the model knows no removal that is synced at once"
        self.ops.append(Op("remove", _name(filename)))
        super().xDelete(filename, syncdir)


def _name(path: str | apsw.URIFilename | None) -> str:
    assert path is not None, "temporary files are kept in memory"
    return Path(path.filename() if isinstance(path, apsw.URIFilename) else path).name


class _RecordedDatabase(APSWDatabase):  # type: ignore[misc]
    def __init__(self, path: Path, pragmas: Mapping[str, object]) -> None:
        super().__init__(str(path), lock_type="IMMEDIATE", autoconnect=False, thread_safe=False)
        self._settled = pragmas

    def _connect(self) -> apsw.Connection:
        connection = apsw.Connection(self.database, apsw.SQLITE_OPEN_READWRITE, VFS)
        for name, value in self._settled.items():
            connection.execute(f"PRAGMA {name} = {value}")
        return connection


def connect(path: Path, pragmas: Mapping[str, object], timeout: float) -> peewee.SqliteDatabase:
    """A connection on the recorder. Small pages and a small cache make for many writes without a sync."""
    database = _RecordedDatabase(path, {"page_size": 1024, **pragmas, "cache_size": 8})
    database.connect()
    return database


Choose = Callable[[list[Op]], list[Op]]
"""Which of the writes that were not synced have reached the disk."""


class _File:
    """What the disk holds of a file for certain, and what may have reached it besides."""

    def __init__(self) -> None:
        self.kept: bytes | None = None
        self.pending: list[Op] = []
        self.former: _File | None = None

    def content(self, choose: Choose) -> bytes | None:
        """What is found after the cut; None when there is no such file."""
        survived = choose(self.pending)
        return _applied(self.kept or b"", survived) if survived or self.kept is not None else None

    def sync(self) -> None:
        self.kept = _applied(self.kept or b"", self.pending)
        self.pending = []


def _applied(before: bytes, ops: list[Op]) -> bytes:
    content = bytearray(before)
    for op in ops:
        if op.kind == "truncate":
            del content[op.offset :]
        content.extend(bytes(max(0, op.offset + len(op.data) - len(content))))
        content[op.offset : op.offset + len(op.data)] = op.data
    return bytes(content)


class Disk:
    """The files of one directory, as recorded so far."""

    def __init__(self) -> None:
        self._files: dict[str, _File] = {}

    def play(self, op: Op) -> None:
        """Do what was done to a file."""
        file = self._files.setdefault(op.file, _File())
        if op.kind == "sync":
            # SQLite syncs the directory with the first sync of a log that it has created.
            if file.kept is None and op.file.endswith(("-wal", "-journal")):
                for each in self._files.values():
                    each.former = None
            file.sync()
        elif op.kind == "remove":
            self._files[op.file] = _File()
            self._files[op.file].former = file
        else:
            file.pending.append(op)

    def images(self, chance: random.Random, variants: int) -> Iterator[dict[str, bytes]]:
        """What could be found after a cut now: nothing of what was not synced, all of it, and so many random
        parts of it, every other one with writes torn in two."""
        yield self._image(lambda ops: [], lambda: True)
        yield self._image(lambda ops: ops, lambda: False)
        for variant in range(variants):
            share = chance.choice([0.2, 0.5, 0.8])

            def choose(ops: list[Op], share: float = share, torn: bool = variant % 2 == 1) -> list[Op]:
                survived = [op for op in ops if chance.random() < share]
                return [part for op in survived for part in _torn(op, chance)] if torn else survived

            yield self._image(choose, lambda: chance.random() < 0.5)

    def _image(self, choose: Choose, is_back: Callable[[], bool]) -> dict[str, bytes]:
        found = {}
        for name, file in self._files.items():
            content = (file.former if file.former and is_back() else file).content(choose)
            if content is not None:
                found[name] = content
        return found


def _torn(op: Op, chance: random.Random) -> list[Op]:
    if op.kind != "write" or chance.random() < 0.7:
        return [op]
    sectors = []
    start = 0
    while start < len(op.data):
        end = min(len(op.data), start + SECTOR - (op.offset + start) % SECTOR)
        if chance.random() < 0.5:
            sectors.append(op._replace(offset=op.offset + start, data=op.data[start:end]))
        start = end
    return sectors
