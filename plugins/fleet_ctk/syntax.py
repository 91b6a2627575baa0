"""What is written in a pattern: its marks one by one, and the plain sequences that its braces stand for.

    *       any number of characters of a name, none too
    ?       one character of a name
    [a-z]   one character of these; [!a-z] or [^a-z] one of all others; never a slash
    **      as a whole segment, any number of segments
    {a,b}   a or b; may be nested, hold slashes, and leave an alternative empty
    \\*      the mark itself; so for each of  * ? [ ] { } , \\ ! ^ -

Braces are written out before anything else is looked at, as shells do it.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from fleet_core.api import Invalid
from fleet_ctk.charsets import LETTERS, Charset, caseless, common, complement, single, trimmed, union

MAX_LENGTH: Final = 1000
"""How many characters a pattern may have."""

MAX_DEPTH: Final = 8
"""How deep braces may be nested."""

MAX_WRITTEN_OUT: Final = 4000
"""How many characters all the sequences that a pattern's braces stand for may have together."""

SPECIAL: Final = frozenset("*?[]{},\\!^-")
"""What a backslash can take the meaning of."""


class Mark(NamedTuple):
    """One mark of a pattern.

    `kind` is one of: `char` (stands for itself), `/`, `*`, `?`, `[` (a whole class), `{`, `,` (between
    alternatives) and `}`.
    """

    kind: str
    text: str
    offset: int
    chars: Charset = ()
    """What a `char`, `?` or class matches."""


class Fault(Exception):
    """What is wrong with a pattern's text, where, and what to do about it."""

    def __init__(self, message: str, offset: int, remedy: str) -> None:
        super().__init__(message)
        self.message, self.offset, self.remedy = message, offset, remedy

    def of(self, pattern: str, path: str) -> Invalid:
        """The error as users meet it; `path` is the pattern's place in what they sent."""
        return Invalid(
            f"pattern {shortened(pattern)!r}: {self.message} (character {self.offset + 1})",
            path=path,
            remedy=self.remedy,
            pattern=pattern,
            character=self.offset + 1,
        )


def shortened(text: str) -> str:
    """A text as it fits into a message."""
    return text if len(text) <= 100 else f"{text[:97]}..."


def escape(path: str) -> str:
    """The pattern that means this path and nothing else, whatever characters are in it."""
    return "".join(f"\\{char}" if char in "*?[]{}\\" else char for char in path)


def marks(text: str, *, case_sensitive: bool = True) -> list[Mark]:
    """A pattern's marks.

    Raises:
        Fault: a bracket is not closed, a backslash stands before nothing special, and the like.
    """
    if len(text) > MAX_LENGTH:
        raise Fault(
            f"longer than {MAX_LENGTH} characters",
            MAX_LENGTH,
            "reserve a folder, or several shorter patterns",
        )
    found: list[Mark] = []
    open_braces: list[int] = []
    offset = 0
    while offset < len(text):
        mark = _mark(text, offset, bool(open_braces), case_sensitive)
        if mark.kind == "{":
            open_braces.append(offset)
        elif mark.kind == "}":
            open_braces.pop()
        if len(open_braces) > MAX_DEPTH:
            raise Fault(f"braces nested deeper than {MAX_DEPTH}", offset, "reserve several simpler patterns")
        found.append(mark)
        offset += len(mark.text)
    if open_braces:
        raise Fault(
            "a brace that is not closed", open_braces[-1], "close it with }, or write \\{ for the mark"
        )
    return found


def segments(found: Sequence[Mark]) -> list[list[Mark]]:
    """The marks between slashes; a slash within braces parts nothing."""
    parts: list[list[Mark]] = [[]]
    depth = 0
    for mark in found:
        depth += (mark.kind == "{") - (mark.kind == "}")
        if mark.kind == "/" and not depth:
            parts.append([])
        else:
            parts[-1].append(mark)
    return parts


def plain(part: Sequence[Mark]) -> str | None:
    """The name that marks spell, if there is nothing but plain characters among them."""
    if any(mark.kind != "char" for mark in part):
        return None
    return "".join(chr(mark.chars[0][0]) for mark in part)


def written_out(found: Sequence[Mark]) -> list[tuple[Mark, ...]]:
    """Every sequence without braces that the marks stand for, each once, in the order of writing.

    Raises:
        Fault: they would be too many; nothing has been written out then.
    """
    sequence = _Reader(found).sequence()
    # Empty alternatives have no size, and yet can be too many.
    if sequence.size + sequence.count > MAX_WRITTEN_OUT:
        raise Fault(
            "its braces stand for too many patterns to be compared",
            next(mark.offset for mark in found if mark.kind == "{"),
            "use fewer alternatives, or reserve several patterns",
        )
    return list({tuple(mark[:2] for mark in each): each for each in sequence.expanded()}.values())


def _mark(text: str, offset: int, in_braces: bool, case_sensitive: bool) -> Mark:
    char = text[offset]
    if char == "\\":
        return _escaped(text, offset)
    if char == "[":
        return _class(text, offset, case_sensitive)
    if char == "?":
        return Mark(char, char, offset, LETTERS)
    if char in "*/{" or (char == "," and in_braces):
        return Mark(char, char, offset)
    if char == "}":
        if not in_braces:
            raise Fault("a closing brace that nothing opened", offset, "write \\} for the mark itself")
        return Mark(char, char, offset)
    return Mark("char", char, offset, _letter(char, offset))


def _escaped(text: str, offset: int) -> Mark:
    char = text[offset + 1 : offset + 2]
    if not char or char not in SPECIAL:
        raise Fault(
            f"a backslash before {char!r}" if char else "a backslash at the end",
            offset,
            "write paths with /; a backslash only takes the meaning of * ? [ ] { } , \\ and goes before them",
        )
    return Mark("char", f"\\{char}", offset, single(char))


def _letter(char: str, offset: int) -> Charset:
    held = _held(char)
    if not held:
        raise Fault(f"the character {char!r}, which no path may hold", offset, "write the path without it")
    return held


@lru_cache(maxsize=1024)
def _held(char: str) -> Charset:
    return common(single(char), LETTERS)


def _class(text: str, offset: int, case_sensitive: bool) -> Mark:
    """A class: its first `]` stands for itself, as does a `-` at either end."""
    inside = offset + 1
    negated = text[inside : inside + 1] in ("!", "^")
    inside += negated
    intervals: list[tuple[int, int]] = []
    while not intervals or text[inside : inside + 1] != "]":
        low, inside = _member(text, inside, offset)
        high = low
        if text[inside : inside + 1] == "-" and text[inside + 1 : inside + 2] not in ("]", ""):
            high, inside = _member(text, inside + 1, offset)
        if low > high:
            raise Fault("a range that runs backwards", offset, f"write [{chr(high)}-{chr(low)}]")
        intervals.append((low, high))
    chars = union(intervals) if case_sensitive else caseless(union(intervals))
    held = trimmed(complement(chars) if negated else common(chars, LETTERS), case_sensitive)
    if not held:
        raise Fault("a class that matches no character", offset, "give it at least one that names can hold")
    return Mark("[", text[offset : inside + 1], offset, held)


def _member(text: str, at: int, start: int) -> tuple[int, int]:
    """A character of a class that begins at `start`, and the place behind it."""
    char = text[at : at + 1]
    if not char:
        raise Fault(
            "a bracket that is not closed", start, "close it with ], or write \\[ for the mark itself"
        )
    if char == "\\":
        return ord(_escaped(text, at).text[1]), at + 2
    if char == "/":
        raise Fault("a slash in a class, which never matches one", at, "use braces: {a,/}")
    if char == "[" and text[at + 1 : at + 2] in (":", ".", "="):
        raise Fault(
            "a named class, which is not supported", at, "write its characters: [a-z]; [ itself is \\["
        )
    return ord(char), at + 1


class _Sequence:
    """What follows on one another in a pattern: marks, and choices between further sequences."""

    def __init__(self, parts: Sequence["Mark | Sequence[_Sequence]"]) -> None:
        self.parts = parts
        self.count, self.size = 1, 0
        for part in parts:
            count, size = (1, 1) if isinstance(part, Mark) else _measured(part)
            self.count, self.size = self.count * count, self.size * count + size * self.count

    def expanded(self) -> Iterator[tuple[Mark, ...]]:
        """Every way through the choices."""
        heads: list[tuple[Mark, ...]] = [()]
        for part in self.parts:
            if isinstance(part, Mark):
                heads = [(*head, part) for head in heads]
            else:
                tails = [tail for each in part for tail in each.expanded()]
                heads = [head + tail for head in heads for tail in tails]
        return iter(heads)


def _measured(choice: Sequence[_Sequence]) -> tuple[int, int]:
    """How many sequences a choice stands for, and how many marks they have together."""
    return sum(each.count for each in choice), sum(each.size for each in choice)


class _Reader:
    """Reads marks once, from the left; that braces are closed has been seen to."""

    def __init__(self, found: Sequence[Mark]) -> None:
        self.found = found
        self.next = 0

    def sequence(self) -> _Sequence:
        parts: list[Mark | Sequence[_Sequence]] = []
        while self.next < len(self.found) and self.found[self.next].kind not in ",}":
            mark = self.found[self.next]
            self.next += 1
            parts.append(self.choice(mark) if mark.kind == "{" else mark)
        return _Sequence(parts)

    def choice(self, opened: Mark) -> Sequence[_Sequence]:
        alternatives = [self.sequence()]
        while self.found[self.next].kind == ",":
            self.next += 1
            alternatives.append(self.sequence())
        self.next += 1
        if len(alternatives) == 1:
            raise Fault(
                "braces without a comma",
                opened.offset,
                "separate alternatives by commas; for the marks themselves write \\{ and \\}",
            )
        return alternatives
