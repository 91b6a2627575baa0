"""Who can be measured, and at what: a contestant offers what it can do, and workloads look for it.

`ready` makes calls while no clock runs, `append` makes one of them; it is as durable as the place allows when
it returns. Contestants are used by several threads at once.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol, runtime_checkable

from fleet_bench.schedule import Schedule, Write
from fleet_core.api import FleetError


class Unfit(FleetError):
    """A workload is not one for this contestant. The message says why, and nobody is at fault."""


class Contestant(Protocol):
    """Whoever is measured. It begins with the streams of `initial_streams`, and `schedule` says what is
    next.
    """

    schedule: Schedule

    def close(self) -> int | None:
        """Give everything back; gives the bytes that the log took, None when it lay nowhere but in memory."""
        ...

    def events(self) -> int:
        """How many events are in the log."""
        ...


@runtime_checkable
class Appending(Protocol):
    """Writes events."""

    def ready(self, writes: Sequence[Write]) -> Sequence[Any]:
        """Calls for `append`, one for each write."""
        ...

    def append(self, call: Any) -> None:
        """One durable append."""
        ...


class Guest(Protocol):
    """What a process has opened to write to."""

    def append(self, call: Any) -> object:
        """One durable append, of a call that `ready` has made in another process."""
        ...

    def close(self) -> object:
        """Give everything back."""
        ...


Door = Callable[[], Guest]
"""Opens what is measured in another process, into which it can be pickled."""


@runtime_checkable
class Joinable(Appending, Protocol):
    """Can be written to by other processes, each of which opens it for itself; `ready` makes their calls."""

    def door(self) -> Door:
        """What another process opens it by. It raises `Unfit` when that leads to a log of its own."""
        ...


@runtime_checkable
class Claiming(Appending, Protocol):
    """Refuses an append to a stream that is not at the expected version, however many try at once."""

    def refusals(self) -> tuple[type[Exception], ...]:
        """What `append` raises then."""
        ...


@runtime_checkable
class Reading(Protocol):
    """Reads what was written."""

    def read_stream(self, stream_id: str) -> int:
        """Read one stream; says how many events there were."""
        ...

    def read_log(self) -> int:
        """Read everything in the log's order; says how many events there were."""
        ...


@runtime_checkable
class Tailing(Protocol):
    """Reads the end of the log."""

    def head(self) -> int:
        """The position of the last event."""
        ...

    def tail(self, after: int, timeout: float) -> list[int]:
        """Read what stands beyond a position, some hundred events at most; gives their positions.

        Waits `timeout` seconds for something new; then there are none.
        """
        ...


@runtime_checkable
class Following(Tailing, Claiming, Protocol):
    """Can be followed while others write. Who refuses what comes too late decides on positions itself; rows
    that were made ready in advance have theirs, and come in any order.
    """


@runtime_checkable
class Folding(Protocol):
    """Folds the log into states."""

    def fold_log(self) -> int:
        """Fold every event into states in memory; says how many events there were."""
        ...


@runtime_checkable
class Tabling(Protocol):
    """Keeps read tables."""

    def rebuild_table(self) -> int:
        """Fold every event into a read table beside the old one, and switch; says how many there were."""
        ...


class Writer(Appending, Contestant, Protocol):
    """Whoever writes what its schedule says."""


class Claimant(Claiming, Contestant, Protocol):
    """Whoever writes what its schedule says, and refuses what comes too late."""


class Follower(Following, Contestant, Protocol):
    """Whoever writes what its schedule says, and reads along."""
