"""Group commit, for stores with a writer of their own: while one append is on its way to the disk or the
server, those that come meanwhile wait and share the next.

Alone, an append runs in its caller's own thread and costs nothing extra. With company, a writer thread takes
all that wait into one transaction. No timer is needed: the slowness of the way itself gathers the groups.
"""

import threading
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import Generic, NamedTuple, TypeVar

R = TypeVar("R")
"""A request, as a store defines it."""


class _Waiting(NamedTuple, Generic[R]):
    """A request in the queue, and what is to be called once it has its outcome."""

    request: R
    settled: Callable[[], None]


class GroupCommit(Generic[R]):
    """Brings requests to `commit`, one at a time or in groups. `commit` gives each its outcome and never
    raises."""

    def __init__(self, commit: Callable[[Sequence[R]], None], largest: int) -> None:
        """At most `largest` requests share one transaction."""
        self._commit = commit
        self._largest = largest
        self._door = threading.Lock()
        self._queue: SimpleQueue[_Waiting[R] | None] = SimpleQueue()
        self._crowded = False
        self._closed = False
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    def submit(self, request: R) -> None:
        """Return when the request has its outcome."""
        if not self._crowded and self._door.acquire(blocking=False):
            try:
                self._commit([request])
            finally:
                self._door.release()
            return
        # A bare lock as a latch: an Event costs ten times as much.
        latch = threading.Lock()
        latch.acquire()
        self.submit_soon(request, latch.release)
        latch.acquire()

    def submit_soon(self, request: R, settled: Callable[[], None]) -> None:
        """Return at once; the writer thread calls `settled` when the request has its outcome."""
        self._queue.put(_Waiting(request, settled))
        if self._thread is None:
            self._start()

    def _start(self) -> None:
        with self._starting:
            if self._closed:
                self._commit_all(self._gathered())
            elif self._thread is None:
                self._thread = threading.Thread(target=self._work, name="fleet-writer", daemon=True)
                self._thread.start()

    def _work(self) -> None:
        while (first := self._queue.get()) is not None:
            # Until the crowd is gone nobody goes past the queue, or those in it would starve.
            self._crowded = True
            with self._door:
                group = [first, *self._gathered()]
                self._crowded = len(group) > 1
                self._commit_all(group)

    def _gathered(self) -> list[_Waiting[R]]:
        group: list[_Waiting[R]] = []
        try:
            while len(group) < self._largest - 1:
                waiting = self._queue.get_nowait()
                if waiting is None:
                    self._queue.put(None)
                    break
                group.append(waiting)
        except Empty:
            pass
        return group

    def _commit_all(self, group: Sequence[_Waiting[R]]) -> None:
        if group:
            self._commit([waiting.request for waiting in group])
        for waiting in group:
            waiting.settled()

    def close(self) -> None:
        """Finish what waits and end the thread. Who comes later is brought to `commit` all the same,
        to be refused."""
        with self._starting:
            self._closed = True
            thread, self._thread = self._thread, None
        if thread is not None:
            self._queue.put(None)
            thread.join()
        self._commit_all(self._gathered())
