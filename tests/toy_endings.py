"""What strangers do when leases end: well, badly, and very badly."""

from collections.abc import Callable
from typing import Any, Final

from fleet_core.api import EventType, Invalid, Match, NewEvent, Stream, Unavailable
from fleet_core.catalog import Catalog, Entry
from fleet_core.operations import Decision
from fleet_leases.api import Ending, Lease, end, found
from lease_programs import few


class Mourned(EventType, frozen=True):
    """Somebody was told of an end."""

    type_name = "toy_mourned"
    lease_id: str
    padding: str = ""


def mourn(decision: Decision, lease: Lease, ending: Ending) -> None:
    """Say that a lease is over, as the others should."""
    decision.record(Stream("toy", lease.lease_id), Mourned(lease.lease_id), cause=ending.event)


def mourn_and_raise(decision: Decision, lease: Lease, ending: Ending) -> None:
    """Fail half-way."""
    mourn(decision, lease, ending)
    decision.depend_on(Match())
    decision.afterwards(lambda: DONE_AFTERWARDS.append(lease.lease_id))
    raise ZeroDivisionError("by nobody")


def raise_own_error(decision: Decision, lease: Lease, ending: Ending) -> None:
    """Fail with an error of the house."""
    mourn(decision, lease, ending)
    raise Invalid("the data is wrong")


def refuse(decision: Decision, lease: Lease, ending: Ending) -> None:
    """Try to have the end refused."""
    decision.refuse(Invalid("no"), Stream("toy", lease.lease_id), Mourned(lease.lease_id))


def record_too_much(decision: Decision, lease: Lease, ending: Ending) -> None:
    """Say more than any store takes."""
    decision.record(Stream("toy", lease.lease_id), Mourned(lease.lease_id, "x" * 2_000_000))


def record_in_no_stream(decision: Decision, lease: Lease, ending: Ending) -> None:
    """Say something in a stream that can't be."""
    decision.record(Stream("toy", ""), Mourned(lease.lease_id))


def record_no_event(decision: Decision, lease: Lease, ending: Ending) -> None:
    """Say what is no event."""
    wrong: Any = NewEvent(data={1, 2}, type="toy_mourned")
    decision.record(Stream("toy", lease.lease_id), wrong)


def end_a_session_and_raise(decision: Decision, lease: Lease, ending: Ending) -> None:
    """Take somebody else with it, and fail."""
    other = found(decision, "session:bo")
    assert other is not None
    end(decision, other, "forced", by="a stranger")
    raise RuntimeError("after the fact")


def find_the_store_away(decision: Decision, lease: Lease, ending: Ending) -> None:
    """Meet a store that can't be reached, once."""
    if not AWAY_ONCE:
        AWAY_ONCE.append(lease.lease_id)
        raise Unavailable("the server went away")
    mourn(decision, lease, ending)


DONE_AFTERWARDS: Final[list[str]] = []
AWAY_ONCE: Final[list[str]] = []

BAD: Final[list[Callable[[Decision, Lease, Ending], None]]] = [
    mourn_and_raise,
    raise_own_error,
    refuse,
    record_too_much,
    record_in_no_stream,
    record_no_event,
    end_a_session_and_raise,
]


def with_endings(*functions: Callable[[Decision, Lease, Ending], None]) -> Catalog:
    """Few plugins, and a stranger for each of these functions."""
    strangers = [
        Entry("fleet.lease_endings", f.__name__, f"toy_endings:{f.__name__}", "toys", "1.0")
        for f in functions
    ]
    return Catalog([*few().entries, *strangers])
