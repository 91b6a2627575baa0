"""Reserving again what was reserved before, as far as others have not taken it meanwhile."""

from collections.abc import Sequence

from fleet_core.api import Decision
from fleet_ctk.requests import CtkReserve
from fleet_ctk.reserving import in_the_way_of, reserve
from fleet_leases.api import Holding


def reserve_again(
    decision: Decision, holding: Holding, patterns: Sequence[str], *, shared: bool
) -> list[str]:
    """Have those of these patterns reserved that are free; returns them. The rest is left to its holders.

    Raises:
        Invalid: one of them is no pattern of the project.
    """
    free = free_of(decision, holding, patterns, shared=shared)
    if free:
        reserve(decision, holding, CtkReserve(paths=tuple(free), shared=shared, reason="recovered"))
    return free


def free_of(decision: Decision, holding: Holding, patterns: Sequence[str], *, shared: bool) -> list[str]:
    """Those of these patterns that could be reserved now; the decision depends on it."""
    if not patterns:
        return []
    request = CtkReserve(paths=tuple(patterns), shared=shared)
    taken = {obstacle.asked.typed for obstacle in in_the_way_of(decision, holding, request)}
    return [pattern for pattern in patterns if pattern not in taken]
