"""Everybody that pytest-benchmark's suites measure: the installed stores, the bare driver, the peer."""

from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

from benchmarks.peer import ApplicationSubject, RecorderSubject
from benchmarks.places import Places
from benchmarks.raw import RawSubject
from benchmarks.stores import StoreSubject, installed_stores

STORES = installed_stores()
RIVALS = ["raw driver", "peer's application", "peer's recorder"]
PLACES = ["in memory", "on disk"]


class Subjects:
    """Opens subjects when they are first asked for, each preloaded alike; all are closed with the stack."""

    def __init__(self, places: Places, preload: int, stack: ExitStack) -> None:
        self._places = places
        self._preload = preload
        self._stack = stack
        self._open: dict[tuple[str, str], Any] = {}

    def open(self, name: str, place: str) -> Any:
        """The subject of that name in that place.

        Raises:
            FleetError: it can't run here; the message says why.
        """
        if (name, place) not in self._open:
            subject = self._make(name, self._directory(name, place))
            self._open[name, place] = self._stack.enter_context(closing(subject))
        return self._open[name, place]

    def _directory(self, name: str, place: str) -> Path:
        return (self._places.memory if place == "in memory" else self._places.disk) / name.replace(" ", "-")

    def _make(self, name: str, directory: Path) -> Any:
        if name == "raw driver":
            source = self._places.memory / f"source-{len(self._open)}"
            return RawSubject(source, directory, self._preload)
        if name == "peer's application":
            return ApplicationSubject(directory, self._preload)
        if name == "peer's recorder":
            return RecorderSubject(directory, self._preload)
        return StoreSubject(name, directory, self._preload)
