"""What somebody who waits does for leases meanwhile, for kinds of waiting (`fleet.waits`)."""

from typing import Final

from fleet_core.api import AtMost, Decision, Fleet
from fleet_leases.clock import read_clock
from fleet_leases.granting import remaining_ms
from fleet_leases.holding import HeldWrite, Holding, carry_out_held, keep_alive
from fleet_leases.settling import settle
from fleet_leases.state import LEASES

_ANY: Final = AtMost(2**63 - 1)

_SIGNS: Final = 4
"""Signs of life in the time of a session."""


class Attend(HeldWrite, frozen=True, kw_only=True):
    """Somebody waits."""


def attend(fleet: Fleet, token: int | None) -> float | None:
    """Record what is due, for it may be what is waited for, and that whoever waits under a token is alive.

    Returns the seconds after which to do so again; None if time alone changes nothing.

    Raises:
        Fenced, NotFound: the session is over, or never was.
    """
    settle(fleet)
    pauses: list[float] = []
    if token is not None:
        pauses.append(_sign_of_life(fleet, token))
    at = read_clock(fleet)
    for lease in fleet.view(LEASES).select({"due_at": _ANY}).items:
        pauses.append((remaining_ms(lease, at) or 0) / 1000)
    return min(pauses, default=None)


def _sign_of_life(fleet: Fleet, token: int) -> float:
    found: list[int | None] = []

    def decide(decision: Decision, holding: Holding) -> None:
        found.append(holding.session.ttl_ms)
        keep_alive(decision, holding.session)

    carry_out_held(fleet, Attend(token=token), decide)
    return (found[-1] or 0) / 1000 / _SIGNS
