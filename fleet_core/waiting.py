"""Waiting until something is there: new mail, say, or work that is ready.

What can be waited for is a kind: an entry of group `fleet.waits`, a function `(fleet, argument, token)` that
looks whether it is there now and answers with a `Look`. Kinds know nothing of waiting; it is done here, and
the store's `wait` says when looking again is worth while.
"""

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import msgspec

from fleet_core.errors import NotFound, TimedOut
from fleet_core.plugins import broken

if TYPE_CHECKING:
    from fleet_core.catalog import Entry
    from fleet_core.fleet import Fleet

GROUP: Final = "fleet.waits"
"""The entry-point group of kinds."""

SHORTEST: Final = 0.1
"""Seconds between two looks at least, lest a log into which others write without a pause keep us busy."""

LONGEST: Final = 3600.0
"""Seconds between two looks at most."""


class Look(msgspec.Struct, frozen=True):
    """What a kind sees.

    `found` is what there is: a struct, or anything JSON can say; None means to go on waiting. `again_in` says
    in how many seconds looking again is worth while even if nobody has recorded anything: because a lease
    runs out, say. It then looks with the same token, so a kind that keeps whoever waits from being taken
    for dead says here when it wants to do so next.
    """

    found: Any = None
    again_in: float | None = None


class Found(msgspec.Struct, frozen=True):
    """What the waiting came to: the kind and its argument, and what is there."""

    kind: str
    argument: str
    found: Any


def wait_for(fleet: "Fleet", wants: Sequence[str], timeout: float, *, token: int | None = None) -> Found:
    """Wait until the first of several things is there, at most `timeout` seconds; 0 looks once.

    A want is written `KIND` or `KIND:ARGUMENT`. The token is that of whoever waits; kinds make of it what
    they will.

    Raises:
        NotFound: no such kind is installed.
        PluginBroken: a kind can't be loaded, or does not answer with a `Look`.
        TimedOut: nothing of it is there, and time is up.
    """
    kinds = {want: _look_for(fleet, want, token) for want in wants}
    deadline = time.monotonic() + timeout
    while True:
        # Asked before looking: what is recorded meanwhile lies beyond it, and ends the wait at once.
        head, begun = fleet.store.head(), time.monotonic()
        pauses = [LONGEST]
        for want, look in kinds.items():
            seen = look()
            if seen.found is not None:
                kind, _, argument = want.partition(":")
                return Found(kind, argument, seen.found)
            pauses += [] if seen.again_in is None else [seen.again_in]
        left = deadline - time.monotonic()
        if left <= 0:
            raise _timed_out(wants, timeout)
        fleet.store.wait(head, min(left, *pauses))
        time.sleep(max(0, begun + SHORTEST - time.monotonic()))


def _look_for(fleet: "Fleet", want: str, token: int | None) -> Callable[[], Look]:
    kind, _, argument = want.partition(":")
    try:
        entry = fleet.plugins.find(GROUP, kind)
    except NotFound as error:
        known = ", ".join(fleet.plugins.catalog.names(GROUP))
        error.remedy = f"there are: {known}" if known else error.remedy
        raise
    return partial(_look, entry, partial(fleet.plugins.load_callable(entry), fleet, argument, token))


def _look(entry: "Entry", ask: Callable[[], Any]) -> Look:
    seen = ask()
    if not isinstance(seen, Look):
        raise broken(entry, TypeError(f"it answered with {type(seen).__name__}, not with a Look"))
    return seen


def _timed_out(wants: Sequence[str], timeout: float) -> TimedOut:
    return TimedOut(
        f"time is up: waited {timeout:g} s for {' or '.join(wants)}",
        remedy="wait again, or longer",
        waited_for=list(wants),
        seconds=timeout,
    )
