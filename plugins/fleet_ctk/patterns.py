"""What a reservation covers: a pattern of paths, and whether two of them have a path in common.

The rules, beside the marks themselves (see `syntax`):

- A pattern is matched against whole paths from the project's root, whose segments are not empty, `.` or `..`.
- `*`, `?` and `[]` match within one segment, and a leading dot like any other character: `src/*` covers
  `src/.env`. A path may have a newline in it, and so may what they match.
- `**` is a whole segment. At the end it stands for one or more segments (`src/**` is all that is in `src`),
  elsewhere for none or more (`**/x` covers `x`, and `a/**/b` covers `a/b`). Beside anything else in its
  segment it means what `*` means: `a**b` is `a*b`.
- Where the last segment has no wildcard, it names a file or a folder, and everything beneath is covered too:
  `src/auth` covers `src/auth/login.ts`, and `**/tests` what lies in any `tests`. With a wildcard there it
  covers exactly what it matches: `src/*` is not what lies in the folders of `src`. Nobody looks which of the
  two a name is on a disk, so that the answer is the same everywhere and for ever: `a/b` and `a/*/c` overlap.
- A slash at the end means all that is in a folder of that name: `src/*/` is `src/*/**`.
- Braces are written out first, so every alternative follows these rules by itself.
- Characters are code points of Unicode's form NFC, of paths and of patterns. Where case does not count,
  they are folded one by one first. A sequence that NFC never produces, such as `e` and an accent, counts
  as a path: two patterns that share nothing else are said to overlap.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain, pairwise
from unicodedata import normalize

from fleet_core.api import Invalid
from fleet_ctk.automata import Automaton, Line, Segment, Walk
from fleet_ctk.charsets import Charset, canonical, single
from fleet_ctk.syntax import MAX_LENGTH, Fault, Mark, marks, plain, segments, shortened, written_out
from fleet_ctk.witnesses import nearest

DEEP = Segment((), deep=True)


@dataclass(frozen=True)
class Pattern:
    """A pattern that has been read; `parse` makes them."""

    text: str
    case_sensitive: bool
    lines: tuple[Line, ...] = field(repr=False, compare=False)

    @cached_property
    def automaton(self) -> Automaton:
        """What decides about it. Built once."""
        return Automaton(self.lines)


def parse(text: str, *, case_sensitive: bool = True, path: str = "$") -> Pattern:
    """Read a pattern of project-relative paths; `path` is its place in what a user sent.

    Raises:
        Invalid: it is not a pattern, matches nothing, or is too large to be compared; says where.
    """
    if len(text) <= MAX_LENGTH:
        text = normalize("NFC", text)
    try:
        found = marks(text, case_sensitive=case_sensitive)
        lines = dict.fromkeys(_line(each, case_sensitive) for each in written_out(found))
    except Fault as fault:
        raise fault.of(text, path) from None
    return Pattern(text, case_sensitive, tuple(lines))


def overlap(one: Pattern, other: Pattern) -> bool:
    """Whether there is any path that both match.

    Decided exactly. Takes time in proportion to the states of the one times those of the other divided by
    the bits that a processor handles at once: milliseconds for the largest patterns there can be.
    """
    _check_one_rule(one, other)
    return Walk(one.automaton, other.automaton).meet()


def witness(one: Pattern, other: Pattern) -> str | None:
    """A path that both match, or None. The shortest, unless both patterns have hundreds of characters."""
    _check_one_rule(one, other)
    return nearest(one.automaton, other.automaton)


def matches(pattern: Pattern, path: str) -> bool:
    """Whether a pattern covers a path, which is relative to the project's root.

    Raises:
        Invalid: no path has this form.
    """
    if not path or {"", ".", ".."} & set(path.split("/")) or "\0" in path:
        raise Invalid(
            f"{shortened(path)!r} is not a path from the project's root",
            remedy="give it as git does: names joined by single slashes, no . or ..",
        )
    return pattern.automaton.accepts(canonical(path, pattern.case_sensitive))


def tops(pattern: Pattern) -> set[str]:
    """The entries of the project's root that it names without a wildcard, in their canonical spelling."""
    firsts = [line.segments[0] for line in pattern.lines]
    return {name for first in firsts if (name := _name(first)) is not None}


def _check_one_rule(one: Pattern, other: Pattern) -> None:
    if one.case_sensitive != other.case_sensitive:
        raise ValueError("patterns of one project follow one rule of case")


def _name(segment: Segment) -> str | None:
    codes = [chars[0][0] for chars in segment.sets if chars and chars[0][0] == chars[-1][1]]
    if segment.deep or len(codes) < len(segment.sets):
        return None
    return "".join(map(chr, codes))


def _line(sequence: Sequence[Mark], case_sensitive: bool) -> Line:
    parts = segments(sequence)
    in_folder = not parts[-1] and len(parts) > 1
    beneath = not in_folder and plain(parts[-1]) is not None
    if in_folder:
        parts.pop()
    _check_names(parts, sequence)
    found = [_segment(part, case_sensitive) for part in parts]
    _check_matchable(found, parts)
    if in_folder:
        found.append(DEEP)
    # One `**` behind another adds nothing.
    pairs = pairwise([None, *found])
    kept = [segment for before, segment in pairs if segment and not (segment.deep and before == segment)]
    return Line(tuple(kept), beneath)


def _segment(part: Sequence[Mark], case_sensitive: bool) -> Segment:
    if len(part) > 1 and all(mark.kind == "*" for mark in part):
        return DEEP
    sets: list[Charset | None] = []
    run: list[Mark] = []
    for mark in part:
        if mark.kind == "char":
            run.append(mark)
            continue
        sets += _spelled(run, case_sensitive)
        run = []
        if mark.kind != "*":
            sets.append(mark.chars)
        elif not sets or sets[-1] is not None:
            sets.append(None)
    return Segment((*sets, *_spelled(run, case_sensitive)))


def _spelled(run: Sequence[Mark], case_sensitive: bool) -> list[Charset]:
    """The sets of plain characters that follow on one another; composing may change how many there are."""
    return [single(char) for char in canonical(plain(run) or "", case_sensitive)]


def _check_names(parts: Sequence[Sequence[Mark]], sequence: Sequence[Mark]) -> None:
    """No segment may be empty: paths have none, and the pattern would silently match nothing."""
    if all(parts):
        return
    written = "".join(mark.text for mark in sequence)
    where = next(chain((mark.offset for mark in sequence if mark.kind == "/"), (0,)))
    raise Fault(
        f"{shortened(written)!r} has an empty segment" if written else "it is empty",
        where,
        "join names by single slashes, and begin with a name; '**' is the whole project",
    )


def _check_matchable(found: Sequence[Segment], parts: Sequence[Sequence[Mark]]) -> None:
    """No segment may match `.` or `..` alone, which are no names; the walk relies on it."""
    dots = {((single("."),) * count) for count in (1, 2)}
    for segment, part in zip(found, parts, strict=True):
        if segment.sets in dots:
            raise Fault(
                f"the segment {'.' * len(segment.sets)!r}, which is no name",
                part[0].offset,
                "write the path from the project's root without . and ..",
            )
