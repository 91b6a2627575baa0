"""Patterns as automata, and whether two of them accept a common path: by construction, not by trial.

A pattern without braces is a line of states. From each a set of characters leads on to the next; some states
also keep what they have on any character of a name (`*`) or on any at all (`**`), and a `**` may be left
unused where a segment begins. The states of all the lines that a pattern's braces stand for are numbered
through, so that a set of states is one integer, and one step of all of them a shift and a mask
(Baeza-Yates and Gonnet, "A new approach to text searching", 1992).

To intersect two automata, we walk along the states of the one, and keep for each the set of states in
which the other can be then: one row. A third, tiny automaton runs with them, for what is a path at all:
no segment is empty, `.` or `..`. Its four conditions are the four columns of a row.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import accumulate
from operator import or_, xor
from typing import Final, NamedTuple

from fleet_ctk.charsets import DOT, LETTERS, SLASH, SLASHES, Charset, without_dot

NOTHING: Final[Charset] = ()


class Line(NamedTuple):
    """One pattern without braces, segment by segment."""

    segments: tuple["Segment", ...]
    beneath: bool
    """Whether it also covers whatever lies beneath what it matches."""


class Segment(NamedTuple):
    """A segment's sets of characters in order; None is a `*`. `deep` is a `**`, and holds none."""

    sets: tuple[Charset | None, ...]
    deep: bool = False


class Row(NamedTuple):
    """In which states an automaton can be, by what has been read of the current segment."""

    fresh: int = 0
    """Nothing yet."""
    dot: int = 0
    """`.`, which is no name so far."""
    dots: int = 0
    """`..`, which is none either."""
    named: int = 0
    """A name that is one, or the beginning of one."""


class Letters:
    """Which states leave on which characters, for whole intervals of characters at once."""

    def __init__(self, sets: Sequence[Charset]) -> None:
        leaving: dict[Charset, int] = {}
        for state, chars in enumerate(sets):
            leaving[chars] = leaving.get(chars, 0) | 1 << state
        changes = {0: 0}
        for chars, states in leaving.items():
            for low, high in chars:
                changes[low] = changes.get(low, 0) ^ states
                changes[high + 1] = changes.get(high + 1, 0) ^ states
        self._starts = sorted(changes)
        # A sparse table: its n-th line holds the union over 2**n intervals from each on.
        self._unions: list[list[int]] = [list(accumulate(map(changes.__getitem__, self._starts), xor))]
        while (width := 1 << len(self._unions)) <= len(self._starts):
            last = self._unions[-1]
            self._unions.append(list(map(or_, last, last[width // 2 :])))

    def on(self, code: int) -> int:
        """The states that a character leads on from."""
        states: int = self._unions[0][bisect_right(self._starts, code) - 1]
        return states

    def on_any(self, chars: Charset) -> int:
        """The states that some character of a set leads on from."""
        states = 0
        for low, high in chars:
            first, last = bisect_right(self._starts, low) - 1, bisect_right(self._starts, high)
            level = (last - first).bit_length() - 1
            unions = self._unions[level]
            states |= unions[first] | unions[last - (1 << level)]
        return states


class Automaton:
    """A pattern's states, as bits of integers."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self.sets: list[Charset] = []
        """What leads from each state to the next; nothing does at the end of a line, and from a `**`."""
        self.first = self.last = 0
        """Where lines begin, and where a path may end."""
        self.near = self.far = 0
        """States that stay on any letter; on any character at all, slashes too."""
        self.deep = 0
        """Those of `far` that may be left at the beginning of a segment."""
        self.heads = 0
        """States in which a segment begins."""
        self.ends = 0
        """The last state of each line."""
        for line in lines:
            self._add(line)

    @cached_property
    def letters(self) -> Letters:
        """Built on first use: an automaton that is walked along needs none."""
        return Letters(self.sets)

    @cached_property
    def start(self) -> int:
        """All states in which nothing has been read."""
        return self.opened(self.first)

    @cached_property
    def onward(self) -> int:
        """States that some letter leads on from."""
        return self.letters.on_any(LETTERS)

    @cached_property
    def inner(self) -> int:
        """States that are not the last of their line."""
        return ((1 << len(self.sets)) - 1) & ~self.ends

    def opened(self, states: int) -> int:
        """These states at the beginning of a segment, and those behind a `**` that is left unused."""
        return states | (states & self.deep) << 1

    def accepts(self, path: str) -> bool:
        """Whether it matches a path, which is canonical and has no empty segment."""
        states = self.start
        for char in path:
            code = ord(char)
            onward = (states & self.letters.on(code)) << 1
            if code == SLASH:
                states = self.opened(onward | states & self.far)
            else:
                states = onward | states & (self.near | self.far)
        return bool(states & self.last)

    def _add(self, line: Line) -> None:
        self.first |= 1 << len(self.sets)
        for segment in line.segments[:-1]:
            if segment.deep:
                self.deep |= 1 << len(self.sets)
                self._add_deep()
                self.sets.append(NOTHING)
            else:
                self._add_names(segment)
                self.sets.append(SLASHES)
        final = line.segments[-1]
        self._add_deep() if final.deep else self._add_names(final)
        self.last |= 1 << len(self.sets)
        if line.beneath:
            self.sets.append(SLASHES)
            self._add_deep()
            self.last |= 1 << len(self.sets)
        self.ends |= 1 << len(self.sets)
        self.sets.append(NOTHING)

    def _add_deep(self) -> None:
        self.heads |= 1 << len(self.sets)
        self.far |= 1 << len(self.sets)

    def _add_names(self, segment: Segment) -> None:
        self.heads |= 1 << len(self.sets)
        for chars in segment.sets:
            if chars is None:
                self.near |= 1 << len(self.sets)
            else:
                self.sets.append(chars)


class Walk:
    """The rows of one automaton along the states of another: which pairs of states some text leads to.

    Takes time in proportion to the states of the one times those of the other divided by the bits that a
    processor handles at once; what the patterns consist of makes no difference.
    """

    def __init__(self, along: Automaton, other: Automaton) -> None:
        self.along, self.other = along, other
        self._steps: dict[Charset, _Step] = {}

    def rows(self) -> Iterator[Row]:
        """One row for each state walked along, in their order."""
        along, other = self.along, self.other
        row = Row()
        for state, chars in enumerate(along.sets):
            bit = 1 << state
            if along.first & bit:
                row = Row(fresh=other.start)
            if along.far & bit:
                row = Row(fresh=self._anywhere(row.fresh))
            if (along.far | along.near) & bit:
                row = self._within_names(row)
            yield row
            row = Row(fresh=row.fresh) if along.deep & bit else self._step(chars).taken(row)

    def meet(self) -> bool:
        """Whether some path ends in an accepting state of both."""
        last = self.other.last
        return any(row.named & last for state, row in enumerate(self.rows()) if self.along.last >> state & 1)

    def _step(self, chars: Charset) -> "_Step":
        step = self._steps.get(chars)
        if step is None:
            step = self._steps[chars] = _Step(chars, self.other)
        return step

    def _anywhere(self, fresh: int) -> int:
        """Where segments begin, when the one takes whole segments of any kind.

        Every segment of a pattern matches some name, so every later segment of the line can be reached.
        """
        return _flooded(fresh, self.other.inner) & self.other.heads

    def _within_names(self, row: Row) -> Row:
        """The same row after any letters at all."""
        step = self._step(LETTERS)
        dot = row.dot | step.on_dot(row.fresh)
        dots = row.dots | step.on_dot(dot)
        named = row.named | step.on_letter(row.fresh | dot | dots) | step.on_dot(dots)
        return Row(row.fresh, dot, dots, _flooded(named, self.other.onward))


class _Step:
    """What becomes of another automaton's states on one character of a set."""

    def __init__(self, chars: Charset, other: Automaton) -> None:
        self.other = other
        rest = without_dot(chars)
        loops = other.near | other.far
        self.slash = chars == SLASHES
        self.dot = other.letters.on(DOT) if rest != chars else 0
        self.dot_loops = loops if rest != chars else 0
        self.letter = other.letters.on_any(rest)
        self.letter_loops = loops if rest else 0

    def taken(self, row: Row) -> Row:
        """The row behind the step."""
        if self.slash:
            return Row(fresh=self._on_slash(row.named))
        named = self.on_letter(row.fresh | row.dot | row.dots | row.named) | self.on_dot(row.dots | row.named)
        return Row(0, self.on_dot(row.fresh), self.on_dot(row.dot), named)

    def on_dot(self, states: int) -> int:
        return (states & self.dot) << 1 | states & self.dot_loops

    def on_letter(self, states: int) -> int:
        return (states & self.letter) << 1 | states & self.letter_loops

    def _on_slash(self, states: int) -> int:
        return self.other.opened((states & self.letter) << 1 | states & self.other.far)


def _flooded(states: int, through: int) -> int:
    """These states, and all that lead on from them through states of `through`, one to the next.

    A carry runs along the ones of `through`, from each state that is set up to the first zero.
    """
    return states | ((states & through) + through) ^ through
