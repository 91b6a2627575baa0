"""Which of many patterns have a path in common, without comparing each with every other.

Patterns are united by twos, the unions by twos again, and so on. What does not meet a union meets none of
those in it, so that of thousands that are apart, each is compared with a dozen unions or two.
"""

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

from fleet_ctk.api import Pattern, overlap


class Owned(NamedTuple):
    """A pattern, the number of whose it is, and its place in what a user sent; none if nobody sent it now."""

    owner: int
    pattern: Pattern
    place: str | None = None


class _Union:
    """Some patterns that follow on one another in a list, as one."""

    def __init__(self, files: Sequence[Owned], start: int, end: int) -> None:
        self._files = files
        self.start, self.end = start, end
        self.owners = 0
        for each in files[start:end]:
            self.owners |= 1 << each.owner

    @cached_property
    def pattern(self) -> Pattern:
        """What covers whatever any of them covers."""
        files = self._files[self.start : self.end]
        lines = tuple(line for each in files for line in each.pattern.lines)
        return Pattern("", files[0].pattern.case_sensitive, lines)

    @cached_property
    def halves(self) -> tuple["_Union", "_Union"]:
        """The same in two."""
        middle = (self.start + self.end) // 2
        return _Union(self._files, self.start, middle), _Union(self._files, middle, self.end)


def overlaps(files: Sequence[Owned], rivals: Sequence[int]) -> Iterator[tuple[Owned, Owned]]:
    """Pairs of patterns with a path in common, in the order of the second of them.

    `rivals` are for each owner the set of those whose patterns it must not meet, as bits of an integer; it is
    enough that one of two owners is the other's rival.
    """
    everything = _Union(files, 0, len(files))
    for number, each in enumerate(files):
        waiting = [everything]
        while waiting:
            union = waiting.pop()
            if union.start >= number or not union.owners & rivals[each.owner]:
                continue
            if not overlap(each.pattern, union.pattern):
                continue
            if union.end - union.start == 1:
                yield files[union.start], each
            else:
                waiting += reversed(union.halves)
