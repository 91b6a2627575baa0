"""What must come before what: the ways through needs, the circles among them, and the waves of a plan.

Everything is numbered, and `needs[n]` are the numbers that number n needs. Sets of numbers are integers with
a bit for each, so that a plan of hundreds is gone through in milliseconds.
"""

from collections import deque
from collections.abc import Collection, Sequence

Needs = Sequence[Collection[int]]
"""For each number those it needs; never itself."""


def reached(needs: Needs) -> list[int]:
    """For each number the set of those it needs, directly or by way of others (Warshall, 1962)."""
    found = [sum(1 << each for each in set(direct)) for direct in needs]
    for middle in range(len(found)):
        beyond = found[middle]
        for start, reach in enumerate(found):
            if reach >> middle & 1:
                found[start] = reach | beyond
    return found


def ordered(reach: Sequence[int], one: int, other: int) -> bool:
    """Whether one of two always comes before the other; in a circle neither does."""
    return bool(reach[one] >> other & 1) != bool(reach[other] >> one & 1)


def circles(needs: Needs, reach: Sequence[int]) -> list[list[int]]:
    """For each group of numbers that need one another a shortest circle, from the lowest number on. Each
    needs the next, and the last the first.
    """
    found: list[list[int]] = []
    told = 0
    for start, beyond in enumerate(reach):
        if beyond >> start & 1 and not told >> start & 1:
            told |= sum(1 << other for other in _bits(beyond) if reach[other] >> start & 1)
            found.append(_way_back(needs, start))
    return found


def _way_back(needs: Needs, start: int) -> list[int]:
    """The shortest way from a number to itself; there is one."""
    before: dict[int, int] = {}
    waiting = deque([start])
    while start not in before:
        current = waiting.popleft()
        for following in needs[current]:
            if following not in before:
                before[following] = current
                waiting.append(following)
    way = [before[start]]
    while way[-1] != start:
        way.append(before[way[-1]])
    return way[::-1]


def waves(needs: Needs) -> list[list[int]]:
    """What can be done at the same time: each number stands in the first wave after all that it needs.

    Numbers on a circle, and those that need them, stand in none.
    """
    left = dict(enumerate(needs))
    found: list[list[int]] = []
    while wave := [each for each, direct in left.items() if not any(one in left for one in direct)]:
        found.append(wave)
        for each in wave:
            del left[each]
    return found


def _bits(numbers: int) -> list[int]:
    return [each for each in range(numbers.bit_length()) if numbers >> each & 1]
