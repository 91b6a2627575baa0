"""Connections that threads borrow, so that each has one of its own while it writes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


class Pool:
    """Opens as many connections as there are threads at once, and keeps them."""

    def __init__(self, connect: Callable[[], Any]) -> None:
        self._connect = connect
        self._idle: list[Any] = []
        self._opened: list[Any] = []

    @contextmanager
    def borrowed(self) -> Iterator[Any]:
        """A connection that nobody else uses meanwhile."""
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._connect()
            self._opened.append(connection)
        yield connection
        self._idle.append(connection)

    def close(self) -> None:
        """Close them all."""
        for connection in self._opened:
            connection.close()
