"""The path that shows two patterns overlap: searched backwards among the pairs of states that a walk found.

Every pair in the rows can be reached from the start, so that a search backwards never runs into a dead end.
"""

from collections.abc import Iterator
from heapq import heappop, heappush
from typing import Final, NamedTuple, TypeAlias

from fleet_ctk.automata import Automaton, Row, Walk
from fleet_ctk.charsets import LETTERS, SLASHES, Charset, common, readable, single, without_dot

EXHAUSTIVE: Final = 10_000
"""Up to so many pairs of states the shortest path is found; among more, one that is found at once."""

DOTS: Final = single(".")
NAMELESS: Final = without_dot(LETTERS)
FRESH, DOT, TWO_DOTS, NAMED = range(4)
"""The columns of a row."""

ENTERED: Final[tuple[tuple[tuple[int, Charset], ...], ...]] = (
    ((NAMED, SLASHES),),
    ((FRESH, DOTS),),
    ((DOT, DOTS),),
    (
        (FRESH, NAMELESS),
        (DOT, NAMELESS),
        (TWO_DOTS, NAMELESS),
        (TWO_DOTS, DOTS),
        (NAMED, NAMELESS),
        (NAMED, DOTS),
    ),
)
"""From which columns, and on which characters, each column is entered."""


class Pair(NamedTuple):
    """A state of each of two automata, and the column of the row."""

    one: int
    other: int
    column: int


Edge: TypeAlias = tuple[Pair, str]
"""A pair that comes before another, and the character between; none, where a `**` is left unused."""


def nearest(one: Automaton, other: Automaton) -> str | None:
    """A path that both accept, or None."""
    search = _Search(one, other)
    exhaustive = len(one.sets) * len(other.sets) <= EXHAUSTIVE
    queue = [(0, 0, pair, "") for pair in search.accepting()]
    seen: set[Pair] = set()
    while queue:
        _, _, pair, tail = heappop(queue)
        if search.is_start(pair):
            return tail
        if pair in seen:
            continue
        seen.add(pair)
        for before, char in search.before(pair):
            text = char + tail
            rank = len(text) if exhaustive else before.one + before.other
            heappush(queue, (rank, before.column, before, text))
    return None


class _Search:
    """The pairs of states of two automata that some text leads to, seen from their ends."""

    def __init__(self, one: Automaton, other: Automaton) -> None:
        self.one, self.other = one, other
        self.rows: list[Row] = list(Walk(one, other).rows())

    def accepting(self) -> Iterator[Pair]:
        for state, row in enumerate(self.rows):
            if self.one.last >> state & 1:
                yield from (Pair(state, bit, NAMED) for bit in _bits(row.named & self.other.last))

    def is_start(self, pair: Pair) -> bool:
        begun = self.one.first >> pair.one & self.other.first >> pair.other & 1
        return pair.column == FRESH and bool(begun)

    def before(self, pair: Pair) -> Iterator[Edge]:
        """The pairs that a character, or none, leads to this one from."""
        for column, chars in ENTERED[pair.column]:
            for one, by_one in _sources(self.one, pair.one, chars):
                for other, by_other in _sources(self.other, pair.other, by_one):
                    if self.rows[one][column] >> other & 1:
                        yield Pair(one, other, column), readable(by_other)
        if pair.column == FRESH:
            yield from self._skipped(pair)

    def _skipped(self, pair: Pair) -> Iterator[Edge]:
        one, other, column = pair
        if one and self.one.deep >> one - 1 & self.rows[one - 1].fresh >> other & 1:
            yield Pair(one - 1, other, column), ""
        if other and self.other.deep >> other - 1 & self.rows[one].fresh >> other - 1 & 1:
            yield Pair(one, other - 1, column), ""


def _sources(automaton: Automaton, state: int, chars: Charset) -> Iterator[tuple[int, Charset]]:
    """The states that some of the characters lead to a state from, with which of them do."""
    if state and (onward := common(automaton.sets[state - 1], chars)):
        yield state - 1, onward
    if automaton.far >> state & 1 or (automaton.near >> state & 1 and chars != SLASHES):
        yield state, chars


def _bits(states: int) -> Iterator[int]:
    while states:
        yield (states & -states).bit_length() - 1
        states &= states - 1
