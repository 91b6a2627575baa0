"""The state machines of missions and sorties, as data: what is not written here is refused."""

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

from fleet_core.api import Conflict

MissionStatus = Literal["pending", "in_progress", "completed", "cancelled"]
"""Where a mission stands."""

SortieStatus = Literal[
    "pending", "assigned", "in_progress", "blocked", "review", "completed", "cancelled", "failed"
]
"""Where a sortie stands. A failed one is open: it can be assigned anew, or cancelled."""


class Move(NamedTuple):
    """A step of a state machine: from any of these states to one of those."""

    sources: frozenset[str]
    targets: frozenset[str]


def _move(sources: str, targets: str) -> Move:
    return Move(frozenset(sources.split()), frozenset(targets.split()))


MISSION_MOVES: Final[Mapping[str, Move]] = {
    "start": _move("pending", "in_progress"),
    "complete": _move("in_progress", "completed"),
    "cancel": _move("pending in_progress", "cancelled"),
}
"""What can be done with a mission, by the operation's name."""

SORTIE_MOVES: Final[Mapping[str, Move]] = {
    "assign": _move("pending assigned in_progress blocked failed", "assigned"),
    "start": _move("pending assigned", "in_progress"),
    "progress": _move("in_progress", "in_progress"),
    "block": _move("in_progress", "blocked"),
    "unblock": _move("blocked", "in_progress pending"),
    "release": _move("in_progress blocked", "pending blocked"),
    "complete": _move("in_progress", "completed review"),
    "fail": _move("in_progress", "failed"),
    "cancel": _move("pending assigned in_progress blocked review failed", "cancelled"),
    "split": _move("pending assigned in_progress blocked failed", "cancelled"),
    "review start": _move("review", "review"),
    "review complete": _move("review", "completed assigned pending blocked"),
}
"""What can be done with a sortie, by the operation's name; `claim` is a `start`."""

RETURNS: Final[Mapping[str, str]] = {
    "assigned": "pending",
    "in_progress": "pending",
    "blocked": "blocked",
    "review": "review",
}
"""Where a sortie goes when whoever had it is gone: back to the queue, or on waiting for what it waits for."""

MISSION_OPEN: Final = MISSION_MOVES["cancel"].sources
"""The states in which a mission takes sorties."""

SORTIE_OPEN: Final = SORTIE_MOVES["cancel"].sources
"""The states in which a sortie still needs somebody."""


def check_move(kind: str, name: str, status: str, move: str) -> None:
    """Accept a legal move.

    Raises:
        Conflict: the state does not allow it; says which moves it does allow, and the next step.
    """
    moves = MISSION_MOVES if kind == "mission" else SORTIE_MOVES
    if status in moves[move].sources:
        return
    legal = sorted(each for each, (sources, _) in moves.items() if status in sources)
    raise Conflict(
        f"{kind} {name} is {status}, so '{move}' is not possible; it needs {_any_of(moves[move].sources)}",
        remedy=_next_step(kind, name, legal),
        status=status,
        legal_moves=legal,
    )


def _any_of(states: frozenset[str]) -> str:
    *others, last = sorted(states)
    return f"{', '.join(others)} or {last}" if others else last


def _next_step(kind: str, name: str, legal: list[str]) -> str:
    if not legal:
        return f"it is over; see 'fleet {kind} show {name}', or create another"
    return f"possible now: {', '.join(legal)}; see 'fleet {kind} show {name}'"
