"""What patterns match, said a second time and otherwise: as regular expressions, tried on every short path.

It knows the marks that `written` makes, in a few characters, and shares nothing with what it judges.
"""

import re
from collections.abc import Iterator
from functools import cache
from itertools import product
from random import Random

LONGEST = 7
"""How many characters the longest path has that is tried."""

NAMES = ["a", "b", ".", "ab", "ba", "..", "a.b", ".a"]
WILD = [
    "*",
    "?",
    "[ab]",
    "[!a]",
    "[^.]",
    "[a-b]",
    "[!.-]",
    "[.b]",
    "**",
    "[.]",
    "a*",
    "*b",
    "?*",
    "*.b",
    "{,a}*",
]


def written(random: Random) -> str:
    """Some pattern, of up to three segments."""
    segments = [_segment(random) for _ in range(random.choice([1, 1, 2, 2, 2, 3, 3]))]
    return "/".join(segments) + random.choice(["", "", "", "", "/", "/**"])


def _segment(random: Random) -> str:
    if random.random() < 0.2:
        return "**"
    return "".join(_atom(random, 2) for _ in range(random.choice([1, 1, 1, 2, 2, 3])))


def _atom(random: Random, depth: int) -> str:
    kind = random.random()
    if kind < 0.12 and depth:
        inner = (
            "".join(_inner(random, depth - 1) for _ in range(random.choice([0, 1, 1, 2]))) for _ in range(2)
        )
        return "{" + ",".join(inner) + "}"
    return random.choice(WILD) if kind < 0.5 else random.choice(NAMES)


def _inner(random: Random, depth: int) -> str:
    return random.choice(["/", "**/", "/**"]) if random.random() < 0.2 else _atom(random, depth)


def alternatives(pattern: str) -> list[str]:
    """The patterns that the braces stand for, the innermost ones first replaced by each of their choices."""
    innermost = re.search(r"\{([^{}]*)\}", pattern)
    if not innermost:
        return [pattern]
    before, after = pattern[: innermost.start()], pattern[innermost.end() :]
    chosen = (before + choice + after for choice in innermost[1].split(","))
    return list(dict.fromkeys(each for one in chosen for each in alternatives(one)))


def expression(pattern: str) -> str:
    """The regular expression of a pattern without braces."""
    names = pattern.split("/")
    if not pattern:
        return "(?!)"
    if names[-1] == "":
        names[-1] = "**"
    elif not re.search(r"[*?\[]", names[-1]):
        names[-1] += "\0"
    parts = [_expression(name, last=place == len(names) - 1) for place, name in enumerate(names)]
    return "".join(parts)


def _expression(name: str, *, last: bool) -> str:
    deep = len(name) > 1 and not name.strip("*")
    if deep:
        return r"[^/\n]+(?:/[^/\n]+)*" if last else r"(?:[^/\n]+/)*"
    atoms = re.findall(r"\[[!^]?[^\]]+\]|.", name, re.DOTALL)
    return "".join(map(_atom_expression, atoms)) + ("" if last else "/")


def _atom_expression(atom: str) -> str:
    fixed = {"*": r"[^/\n]*", "?": r"[^/\n]", "\0": r"(?:/[^/\n]+)*"}
    if atom in fixed:
        return fixed[atom]
    if len(atom) == 1:
        return re.escape(atom)
    inside = atom[1:-1]
    return rf"[^/\n{inside[1:]}]" if inside[0] in "!^" else f"[{inside}]"


def matcher(pattern: str, *, case_sensitive: bool = True) -> re.Pattern[str]:
    """Finds whole lines that a pattern matches."""
    either = "|".join(expression(each) for each in alternatives(pattern))
    return re.compile(f"^(?:{either})$", re.MULTILINE | (0 if case_sensitive else re.IGNORECASE))


def matched(pattern: str, characters: str, *, case_sensitive: bool = True) -> frozenset[str]:
    """All short paths of these characters that a pattern matches."""
    found = matcher(pattern, case_sensitive=case_sensitive).finditer(_tree(characters))
    return frozenset(each[0] for each in found)


@cache
def _tree(characters: str) -> str:
    return "\n".join(_paths(characters))


def _paths(characters: str) -> Iterator[str]:
    for length in range(1, LONGEST + 1):
        for path in map("".join, product(characters + "/", repeat=length)):
            if not {"", ".", ".."} & set(path.split("/")):
                yield path
