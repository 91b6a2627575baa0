"""The log: PostgreSQL's own lines, from a file that it appends to at every start."""

import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Final

PAUSE: Final = 0.1
"""Seconds between two looks for new lines."""

_STAMP: Final = len("2026-01-02 03:04:05.678")


def read_log(
    path: Path, tail: int | None, since: datetime | None, follow: bool, runs: Callable[[], bool]
) -> Iterator[str]:
    """Lines of a log, oldest first; of a file that is not there, none.

    `tail` is how many of the last ones, `since` how old they may be; with `follow` it goes on with new ones
    as long as the server runs.
    """
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return
    with file:
        yield from deque(_since(_lines(file, cut=not follow), since), maxlen=tail)
        if follow:
            yield from _since(_news(file, runs), since)


def _lines(file: BinaryIO, *, cut: bool) -> Iterator[str]:
    """The lines up to the end of the file, and what there is of the last one if it may be `cut` short."""
    while line := file.readline():
        if not cut and not line.endswith(b"\n"):
            file.seek(-len(line), os.SEEK_CUR)
            return
        yield line.rstrip(b"\r\n").decode(errors="replace")


def _news(file: BinaryIO, runs: Callable[[], bool]) -> Iterator[str]:
    while runs():
        yield from _lines(file, cut=False)
        time.sleep(PAUSE)
    # It may have written between the last look and its end.
    yield from _lines(file, cut=True)


def _since(lines: Iterator[str], since: datetime | None) -> Iterator[str]:
    if since is None:
        yield from lines
        return
    recent = False
    for line in lines:
        written = _time(line)
        if written is not None:  # one without a time goes on with what the one before it says
            recent = written >= since.astimezone(UTC)
        if recent:
            yield line


def _time(line: str) -> datetime | None:
    try:
        return datetime.strptime(line[:_STAMP], "%Y-%m-%d %H:%M:%S.%f").replace(tzinfo=UTC)
    except ValueError:
        return None


def size(path: Path) -> int:
    """Bytes of a log so far."""
    return path.stat().st_size if path.exists() else 0


def text_after(path: Path, start: int) -> str:
    """What was logged after so many bytes."""
    try:
        with path.open("rb") as file:
            file.seek(start)
            return file.read().decode(errors="replace")
    except FileNotFoundError:
        return ""
