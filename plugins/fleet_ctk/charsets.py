"""Sets of characters as intervals of code points, and the one spelling under which names are compared.

A name is compared in Unicode's form NFC; where case does not count, every character that has a lower-case
sibling of one character stands for it (Unicode's simple case folding, which file systems use too: `ß` and
`ss` stay two names).
"""

import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Final, TypeAlias

Charset: TypeAlias = tuple[tuple[int, int], ...]
"""Ascending intervals of code points, ends included, no two of which touch."""

DOT: Final = ord(".")
SLASH: Final = ord("/")
SLASHES: Final[Charset] = ((SLASH, SLASH),)

LETTERS: Final[Charset] = ((1, SLASH - 1), (SLASH + 1, 0xD7FF), (0xE000, 0x10FFFF))
"""What a name can consist of: everything but the slash, NUL, and halves of surrogate pairs."""

_LAST_CASED: Final = 0x1E921
"""No character beyond this one has another case."""

_READABLE: Final = "abcdefghijklmnopqrstuvwxyz0123456789_-"


def canonical(text: str, case_sensitive: bool) -> str:
    """The spelling under which a text is compared; applied twice it changes nothing more."""
    composed = unicodedata.normalize("NFC", text)
    if case_sensitive:
        return composed
    return unicodedata.normalize("NFC", "".join(map(_folded, composed)))


def union(intervals: Iterable[tuple[int, int]]) -> Charset:
    """The characters that lie in any of the intervals."""
    merged: list[tuple[int, int]] = []
    for low, high in sorted(intervals):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = merged[-1][0], max(high, merged[-1][1])
        else:
            merged.append((low, high))
    return tuple(merged)


def common(one: Charset, other: Charset) -> Charset:
    """The characters that lie in both."""
    shared: list[tuple[int, int]] = []
    left, right = 0, 0
    while left < len(one) and right < len(other):
        low, high = max(one[left][0], other[right][0]), min(one[left][1], other[right][1])
        if low <= high:
            shared.append((low, high))
        if one[left][1] < other[right][1]:
            left += 1
        else:
            right += 1
    return tuple(shared)


def complement(chars: Charset) -> Charset:
    """The letters that a set does not hold."""
    starts = [0, *(high + 1 for _, high in chars)]
    ends = [*(low - 1 for low, _ in chars), 0x10FFFF]
    return common(LETTERS, tuple((low, high) for low, high in zip(starts, ends, strict=True) if low <= high))


def without_dot(chars: Charset) -> Charset:
    """The same set, the dot taken out."""
    return common(chars, ((0, DOT - 1), (DOT + 1, 0x10FFFF)))


def single(character: str) -> Charset:
    """The set of one character."""
    return ((ord(character), ord(character)),)


def caseless(chars: Charset) -> Charset:
    """The same set, and the characters that stand for its members where case does not count."""
    others = (other for low, high in chars for other in _siblings(low, high))
    return union((*chars, *((other, other) for other in others)))


def trimmed(chars: Charset, case_sensitive: bool) -> Charset:
    """The intervals, shortened until characters that canonical names can hold stand at both ends.

    An upper-case letter in between may stay, since no canonical name holds one. Both ends of the intersection
    of two such sets are ends of the one or the other; so if there is one, it holds a character of names.
    """
    return chars if case_sensitive else tuple(_trimmed(chars))


def readable(chars: Charset) -> str:
    """One character of a set that is not empty; a plain letter or digit if there is one."""
    held = (char for char in _READABLE if any(low <= ord(char) <= high for low, high in chars))
    return next(held, chr(chars[0][0]))


def _trimmed(chars: Charset) -> Iterator[tuple[int, int]]:
    changing = _changing()
    for low, high in chars:
        while low <= high and low in changing:
            low += 1
        while low <= high and high in changing:
            high -= 1
        if low <= high:
            yield low, high


def _siblings(low: int, high: int) -> Iterator[int]:
    changing = _changing()
    codes = tuple(changing)
    return (changing[code] for code in codes[bisect_left(codes, low) : bisect_right(codes, high)])


@cache
def _changing() -> dict[int, int]:
    """Every character that folding changes, in ascending order, with what it becomes. Takes 20 ms, once."""
    folded = ((code, ord(_folded(chr(code)))) for code in range(_LAST_CASED + 1))
    return {code: other for code, other in folded if code != other}


@cache
def _folded(char: str) -> str:
    for other in (char.casefold(), char.lower()):
        if len(other) == 1:
            return other
    return char
