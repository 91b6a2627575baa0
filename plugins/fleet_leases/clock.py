"""The steady clock that leases go by: no setting of a wall clock moves it, and no client has a say.

Within one run of the machine it goes with the ticks of that run. From one run to the next it goes on by what
the wall clock says has passed since it was last told, and never back. Where the store has a server with a
clock of its own, that clock is the one, and a lease outlasts its set-backs.
"""

from typing import Final

import msgspec

from fleet_core.api import Decision, Fleet, Instant, Match, Projection, Recorded
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
    """How far ahead of the ticks of a run of the machine the clock is, what it showed when it was last told,
    and what the wall clock showed then.
    """

    boot: str
    offset: int
    steady: int
    wall: int


def key(event: Recorded) -> str | None:
    """The one clock's, if the event tells of a run of the machine."""
    known = event.known
    return _KEY if isinstance(known, _READ) and known.at.boot is not None else None


def evolve(state: SteadyClock | None, event: Recorded) -> SteadyClock | None:
    """The clock after an event. A run's first says how far ahead it is; nothing lets it go back."""
    known = event.known
    if not isinstance(known, _READ) or known.at.boot is None:
        return state
    told = SteadyClock(known.at.boot, known.at.steady - known.at.ticks, known.at.steady, known.at.wall)
    if state is None:
        return told
    latest = max(told, state, key=lambda each: each.steady)
    offset = max(told.offset, state.offset) if told.boot == state.boot else told.offset
    return SteadyClock(told.boot, offset, latest.steady, latest.wall)


_READ: Final = (LeaseGranted, LeaseRenewed, LeaseReleased, LeaseExpired, LeaseFreed)

STEADY_CLOCK: Final = Projection(
    name="steady_clock",
    state=SteadyClock,
    types=tuple(event_type.type_name for event_type in _READ),
    key=key,
    evolve=evolve,
)
"""The one clock."""


def read_clock(fleet: Fleet, at_least: int | None = None) -> Mark:
    """The steady clock's time now. `at_least` is what `Fleet.view` takes."""
    instant = fleet.instant()
    if instant.boot is None:
        return Mark(instant.wall)
    return _read(instant, fleet.view(STEADY_CLOCK, at_least=at_least).get(_KEY))


def now(decision: Decision) -> Mark:
    """The steady clock's time, as a decision reads it: once, however often it asks."""
    return decision.once(_read_once)


def _read_once(decision: Decision) -> Mark:
    instant = decision.fleet.instant()
    if instant.boot is None:
        return Mark(instant.wall)
    known = decision.view(STEADY_CLOCK).get(_KEY)
    if not _goes_on(instant, known):
        # Two that start a run at once would not agree: one of them shall read again.
        decision.depend_on(Match(types=STEADY_CLOCK.types))
    return _read(instant, known)


def _goes_on(instant: Instant, known: SteadyClock | None) -> bool:
    return known is not None and known.boot == instant.boot


def _read(instant: Instant, known: SteadyClock | None) -> Mark:
    if known is None:
        steady = instant.wall
    elif known.boot == instant.boot:
        steady = known.offset + instant.ticks
    else:
        steady = known.steady + max(0, instant.wall - known.wall)
    return Mark(steady, instant.boot, instant.ticks, instant.wall)
