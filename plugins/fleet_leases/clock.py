"""The steady clock that leases go by: no setting of a wall clock moves it, and no client has a say.

Within one run of the machine it goes with the ticks of that run, and starts where the wall clock stood when
the first lease of the run was written. Across runs it goes on with the wall clock, but never back. Where the
store has a server with a clock of its own, that clock is the one, and a lease outlasts its set-backs.
"""

from typing import Final

import msgspec

from fleet_core.api import Fleet, Projection, Recorded, View
from fleet_leases.events import (
    LeaseExpired,
    LeaseFreed,
    LeaseGranted,
    LeaseReleased,
    LeaseRenewed,
    Mark,
)

_KEY: Final = "steady"


class SteadyClock(msgspec.Struct, frozen=True):
    """How far ahead of the ticks of a run of the machine the clock is, and when it was last read."""

    boot: str
    offset: int
    read_at: int


def key(event: Recorded) -> str | None:
    """The one clock's, if the event tells of a run of the machine."""
    known = event.known
    return _KEY if isinstance(known, _READ) and known.at.boot is not None else None


def evolve(state: SteadyClock | None, event: Recorded) -> SteadyClock | None:
    """The clock after an event. Of two processes that start a run together, the one ahead is right."""
    known = event.known
    if not isinstance(known, _READ) or known.at.boot is None:
        return state
    at, offset = known.at, known.at.steady - known.at.ticks
    if state is None or at.boot != state.boot:
        return SteadyClock(known.at.boot, offset, max(at.steady, state.read_at if state else 0))
    return SteadyClock(state.boot, max(offset, state.offset), max(at.steady, state.read_at))


_READ: Final = (LeaseGranted, LeaseRenewed, LeaseReleased, LeaseExpired, LeaseFreed)

STEADY_CLOCK: Final = Projection(
    name="steady_clock",
    state=SteadyClock,
    types=tuple(event_type.type_name for event_type in _READ),
    key=key,
    evolve=evolve,
)
"""The one clock."""


def read_clock(fleet: Fleet, view: View[SteadyClock] | None = None) -> Mark:
    """The steady clock's time now. `view` is what a decision sees of it."""
    now = fleet.instant()
    if now.boot is None:
        return Mark(now.wall)
    known = (view or fleet.view(STEADY_CLOCK)).get(_KEY)
    if known is not None and known.boot == now.boot:
        return Mark(known.offset + now.ticks, now.boot, now.ticks)
    return Mark(_start(fleet, known, now.wall), now.boot, now.ticks)


def _start(fleet: Fleet, known: SteadyClock | None, wall: int) -> int:
    """Where the clock starts in a new run: with the wall's, and at no time that was told of before."""
    last = next(fleet.store.read(backwards=True, limit=1), None)
    return max(wall, last.recorded_us if last else 0, known.read_at if known else 0)
