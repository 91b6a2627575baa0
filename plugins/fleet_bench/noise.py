"""How sure a median is, and what two of them can tell: yes, no, or nothing.

No distribution is assumed. The interval of a median comes from the order of the values alone: that the k-th
smallest and the k-th largest of n values have the median between them has the probability of a fair coin
showing neither side fewer than k times in n throws (David and Nagaraja, Order Statistics, 7.1).
"""

from collections.abc import Sequence
from math import comb, inf
from statistics import median
from typing import Final, Literal, NamedTuple

CONFIDENCE: Final = 0.95
"""How likely the median lies in the interval. Five values give at most 0.94, which is taken as enough."""

FEWEST: Final = 5
"""Values below which no interval is given."""

SMALLEST: Final = 0.05
"""Changes smaller than this are not called changes: two runs of the same code differ by as much."""

ALIKE: Final = 0.10
"""Two medians are called the same when even the ends of their intervals do not differ by more."""

Verdict = Literal["faster", "slower", "same", "can't tell"]


class Spread(NamedTuple):
    """A median, and the interval in which it lies; no interval when there are too few values."""

    median: float
    low: float | None
    high: float | None


def spread_of(values: Sequence[float]) -> Spread:
    """The median of some values and how sure it is."""
    ordered = sorted(values)
    if len(ordered) < FEWEST:
        return Spread(median(ordered), None, None)
    outermost = _cut(len(ordered))
    return Spread(median(ordered), ordered[outermost], ordered[-1 - outermost])


def _cut(count: int) -> int:
    """How many values may be left out at each end."""
    cut, tail = 0, 1 / 2**count
    while 1 - 2 * (tail := tail + comb(count, cut + 1) / 2**count) >= CONFIDENCE:
        cut += 1
    return cut


class Change(NamedTuple):
    """What became of a figure: the factor between two medians, and the interval in which it lies."""

    factor: float
    low: float
    high: float

    @property
    def verdict(self) -> Verdict:
        """In a word, for a figure of which more is better."""
        if self.high < 1 and self.factor <= 1 - SMALLEST:
            return "slower"
        if self.low > 1 and self.factor >= 1 + SMALLEST:
            return "faster"
        if self.low >= 1 - ALIKE and self.high <= 1 + ALIKE:
            return "same"
        return "can't tell"


def change(before: Sequence[float], after: Sequence[float]) -> Change:
    """How a figure has changed; the noise of both runs is in the interval."""
    old, new = spread_of(before), spread_of(after)
    factor = new.median / old.median
    if old.low is None or old.high is None or new.low is None or new.high is None:
        return Change(factor, 0.0, inf)
    return Change(factor, new.low / old.high, new.high / old.low)
