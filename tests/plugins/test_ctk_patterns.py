"""Reservation patterns: what each mark means, and that overlap is decided exactly.

`FLEET_PATTERNS=100000` compares that many pairs with all paths of generated trees, instead of 3,000.
"""

import os
import re
from itertools import combinations_with_replacement, product
from random import Random
from typing import NamedTuple
from unicodedata import normalize

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import pattern_oracle as oracle
from fleet_core.api import Invalid
from fleet_ctk.charsets import canonical
from fleet_ctk.heads import apart, head
from fleet_ctk.patterns import Pattern, matches, overlap, parse, tops, witness
from fleet_ctk.syntax import MAX_DEPTH, MAX_LENGTH, escape

PAIRS = int(os.environ.get("FLEET_PATTERNS", "3000"))


def agreed(one: str, other: str, *, case_sensitive: bool = True) -> bool:
    """Whether two patterns overlap."""
    return agreed_on(*(parse(each, case_sensitive=case_sensitive) for each in (one, other)))


def agreed_on(one: Pattern, other: Pattern) -> bool:
    """Whether two patterns overlap, asked both ways, and proved by a path if they do."""
    answer = overlap(one, other)
    assert overlap(other, one) == answer
    path = witness(one, other)
    assert (path is not None) == answer
    assert path is None or (matches(one, path) and matches(other, path))
    return answer


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("src/auth/login.ts", "src/**"),
        ("lib/a*.py", "lib/*z.py"),
        ("src/*.py", "src/settings.py"),
        ("src/auth", "src/auth/login.ts"),
        ("src", "src/**"),
        ("src/", "src"),
        ("**", ".env"),
        ("src/*", "src/.env"),
        ("**/x", "x"),
        ("**/x", "a/b/x"),
        ("a/**/b", "a/b"),
        ("**/tests", "web/tests/test_login.py"),
        ("src/*/", "src/auth/deep/er"),
        ("{src/a,lib}/*.py", "lib/?.py"),
        ("{a,b{c,d/e}}f", "bd/ef"),
        ("{*.py,docs}", "docs/index.md"),
        ("a{,.b}.txt", "a.txt"),
        ("a**b", "axb"),
        ("{*,x}*", "deep/er"),
        ("[!a-y]", "z"),
        ("[^a-y]", "z"),
        ("[]]", "]"),
        ("[!]]x", "ax"),
        ("[a-]", "-"),
        (r"[\]-a]", "^"),
        (r"\*", "*"),
        (r"\{a\,b\}", r"\{a,b\}"),
        ("a]b", "a?b"),
        ("a\nb", "a*b"),
        ("...", ".[.]?"),
        ("caf\u00e9", "cafe\u0301"),
        ("caf[e\u0301]", "caf\u00e9"),
    ],
)
def test_these_overlap(one: str, other: str) -> None:
    assert agreed(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("src/auth", "src/authors"),
        ("src/*", "src/auth/login.ts"),
        ("*", "src/**"),
        ("*.ts", "*.py"),
        ("?", "ab"),
        ("a?c", "a/c"),
        ("a*c", "a/c"),
        ("a[!b]c", "a/c"),
        ("[+-9]", "a/b"),
        ("a**b", "a/b"),
        ("a/*/b", "a/?"),
        ("src/*/", "src/login.*"),
        ("[!a]", "a"),
        ("[b-d]*", "{a,e}*"),
        (r"\*", "x"),
        (".*", "?"),
        (".?", "?."),
        ("?.", ".?"),
        ("**/.*", "a/?"),
        ("README", "readme"),
        ("[A-Z]*", "[a-z]*"),
    ],
)
def test_these_do_not_overlap(one: str, other: str) -> None:
    assert not agreed(one, other)


@pytest.mark.parametrize(
    ("one", "other", "answer"),
    [
        ("README.md", "readme.MD", True),
        ("[A-Z]1", "[a-z]1", True),
        ("[A]", "[!a]", False),
        ("[!A-Z]", "?", True),
        ("[!A-Za-z]", "q", False),
        ("[Z-a]", "z", True),
        ("[Z-a]", "_", True),
        ("[!\\^]", "[^^]", True),
        ("\u00c4rger", "\u00e4RGER", True),
        ("[\u00c0-\u00de]", "\u00e4", True),
        ("\u03a3", "\u03c2", True),
        ("stra\u00dfe", "STRASSE", False),
        ("\u1e9e", "\u00df", True),
        ("J\u030c", "\u01f0", True),
    ],
)
def test_where_case_does_not_count_letters_stand_for_their_siblings(
    one: str, other: str, answer: bool
) -> None:
    assert agreed(one, other, case_sensitive=False) == answer


@pytest.mark.parametrize(
    ("text", "character"),
    [
        ("", 1),
        ("/a", 1),
        ("a//b", 2),
        ("a/{,b}/c", 2),
        ("a/../b", 3),
        ("{.,a}/b", 2),
        ("[.]/b", 1),
        (".[.]", 1),
        ("src\\auth", 4),
        ("a\\", 2),
        ("a[b", 2),
        ("[]", 1),
        ("[z-a]", 1),
        ("[a/b]", 3),
        ("[[:alpha:]]", 2),
        ("[!\1-\U0010ffff]", 1),
        ("a{b", 2),
        ("a}", 2),
        ("{a}", 1),
        ("{1..3}", 1),
        ("a\0", 2),
        ("\udc80", 1),
        ("a" * (MAX_LENGTH + 1), MAX_LENGTH + 1),
        ("{a," * (MAX_DEPTH + 1) + "}" * (MAX_DEPTH + 1), 3 * MAX_DEPTH + 1),
        ("{a,b}" * 30, 1),
        ("x{,}" * 250, 2),
        ("{" * MAX_LENGTH, MAX_DEPTH + 1),
    ],
)
def test_what_is_no_pattern_is_refused_with_the_place_and_the_next_step(text: str, character: int) -> None:
    with pytest.raises(Invalid) as caught:
        parse(text, path="$.patterns[1]")
    assert caught.value.path == "$.patterns[1]"
    assert caught.value.details["character"] == character
    assert caught.value.remedy


def test_a_class_of_capitals_alone_is_empty_where_case_does_not_count() -> None:
    capitals = "[!\1-@[-\U0010ffff]"
    assert not agreed(capitals, "[!A-Z]")
    with pytest.raises(Invalid, match="matches no character"):
        parse(capitals, case_sensitive=False)


@pytest.mark.parametrize("path", ["", "/a", "a/", "a//b", "./a", "a/..", "a\0"])
def test_what_is_no_path_is_matched_with_nothing(path: str) -> None:
    with pytest.raises(Invalid):
        matches(parse("**"), path)


def test_patterns_under_two_rules_of_case_are_not_compared() -> None:
    with pytest.raises(ValueError, match="rule of case"):
        overlap(parse("a"), parse("a", case_sensitive=False))


def test_an_escaped_path_means_itself_alone() -> None:
    path = r"app/[id]/{a,b}/*?\.ts"
    pattern = parse(escape(path))
    assert matches(pattern, path)
    assert not overlap(pattern, parse("app/i/**"))


def test_the_names_at_the_top_are_those_without_a_wildcard() -> None:
    assert tops(parse("{src,lib/*,*.py,**/x,d[o]c,**}")) == {"src", "lib", "doc"}


class Judged(NamedTuple):
    """A generated pattern, with what the oracle says it matches."""

    text: str
    pattern: Pattern
    paths: frozenset[str]


def judged(random: Random, characters: str, case_sensitive: bool) -> Judged:
    """Some pattern that is accepted; of one that is refused, some alternative must match nothing."""
    while True:
        text = oracle.written(random)
        if not case_sensitive:
            text = re.sub("(?<!-)[ab](?!-)", lambda found: random.choice([found[0], found[0].upper()]), text)
        try:
            pattern = parse(text, case_sensitive=case_sensitive)
        except Invalid:
            useless = [each for each in oracle.alternatives(text) if not oracle.matched(each, characters)]
            assert useless, f"{text!r} was refused"
            continue
        return Judged(text, pattern, oracle.matched(text, characters, case_sensitive=case_sensitive))


def check(one: Judged, other: Judged, case_sensitive: bool) -> bool:
    """One pair: no overlap missed on any path of the tree, none claimed that the oracle denies."""
    said = f"{one.text!r} and {other.text!r}"
    shared = one.paths & other.paths
    path = witness(one.pattern, other.pattern)
    answers = {overlap(one.pattern, other.pattern), overlap(other.pattern, one.pattern), path is not None}
    assert len(answers) == 1, said
    if path is None:
        assert not shared, said
        return False
    for each in (one, other):
        assert oracle.matcher(each.text, case_sensitive=case_sensitive).fullmatch(path), said
        assert matches(each.pattern, path), said
    assert len(path) <= min(map(len, shared), default=len(path)), said
    return True


@pytest.mark.parametrize(
    ("characters", "case_sensitive", "share"),
    [("ab.", True, 3), ("aAb", False, 1)],
    ids=["exact", "caseless"],
)
def test_generated_pairs_agree_with_all_paths_of_a_tree(
    characters: str, case_sensitive: bool, share: int
) -> None:
    random = Random(share)
    pairs, answers = PAIRS * share // 4, set[bool]()
    while pairs > 0:
        crowd = [judged(random, characters, case_sensitive) for _ in range(20)]
        for one, other in product(crowd[:10], crowd[10:]):
            answers.add(check(one, other, case_sensitive))
        pairs -= 100
    assert answers == {True, False}


def test_generated_patterns_match_the_paths_that_the_oracle_says() -> None:
    random = Random(2)
    tree = sorted(oracle.matched("**", "ab."))
    for _ in range(100):
        each = judged(random, "ab.", case_sensitive=True)
        for path in random.sample(tree, 100):
            assert matches(each.pattern, path) == (path in each.paths), (each.text, path)


WORDS = st.text(
    st.sampled_from("abAB\u00c4\u00e4\u0301\u1e9e.*?[]{},!-\\/ \n\U0001f600"), min_size=1, max_size=12
)
NAMES = st.text(st.characters(exclude_characters="/"), min_size=1, max_size=4)
PATHS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)


def read(text: str, case_sensitive: bool) -> Pattern:
    try:
        return parse(text, case_sensitive=case_sensitive)
    except Invalid:
        assume(False)
        raise


@given(st.lists(WORDS, min_size=1, max_size=3).map("/".join))
def test_whatever_is_typed_is_a_pattern_or_refused(text: str) -> None:
    pattern = read(text, True)
    assert overlap(pattern, pattern)
    assert overlap(pattern, parse("**"))


@given(WORDS, PATHS, st.booleans())
def test_a_pattern_that_matches_a_path_overlaps_with_it(text: str, path: str, case_sensitive: bool) -> None:
    literal = read(escape(path), case_sensitive)
    assert matches(literal, path)
    for pattern in (read(text, case_sensitive), parse("**"), parse("?*/**")):
        if pattern.case_sensitive == case_sensitive and matches(pattern, path):
            assert overlap(pattern, literal)


@given(st.text(), st.booleans())
def test_a_canonical_spelling_is_its_own(text: str, case_sensitive: bool) -> None:
    once = canonical(text, case_sensitive)
    assert canonical(once, case_sensitive) == once
    assert canonical(normalize("NFD", text), case_sensitive) == once


LARGEST = [
    "*a" * 500,
    "*b" * 499 + "*c",
    "**/" * 333 + "a",
    "**/*/" * 199 + "x",
    "**/a/" * 199 + "y",
    "a" * MAX_LENGTH,
    "[!a]*" * 200,
    "".join(f"[{chr(0x4E00 + place)}-{chr(0x9000 + place)}]" for place in range(200)),
    "".join(chr(0x4E00 + place) for place in range(MAX_LENGTH)),
    "{*a*,*b*}" * 7 + "z",
    "{" + ",".join(["*"] * 400) + "}c",
]


def test_the_largest_patterns_are_compared_and_what_they_share_is_proved() -> None:
    """Takes moments, or ages once the number of steps grows with the product of their states."""
    patterns = [parse(text) for text in LARGEST]
    answers = {agreed_on(one, other) for one, other in combinations_with_replacement(patterns, 2)}
    assert answers == {True, False}


@pytest.mark.parametrize(
    ("text", "begins"),
    [
        ("src/auth", "src/auth/"),
        ("src/auth/", "src/auth/"),
        ("src/*", "src/"),
        ("src/auth*/x", "src/"),
        ("src/{a,b}", "src/"),
        ("src/[ab]/x", "src/"),
        ("src/\\*/x", "src/"),
        ("**/x", ""),
        ("?", ""),
        ("a,b]/c?", "a,b]/"),
        ("caf\u0065\u0301/x", "caf\u00e9/x/"),
    ],
)
def test_a_pattern_begins_with_the_folders_that_all_of_it_lies_in(text: str, begins: str) -> None:
    assert head(parse(text).text, True) == begins


@pytest.mark.parametrize("case_sensitive", [True, False])
def test_what_is_told_apart_by_folders_does_not_overlap(case_sensitive: bool) -> None:
    random = Random(7)
    told_apart = 0
    for _ in range(PAIRS // 2):
        one, other = (
            "/".join([*random.choices(["a", "b", "A", "ab"], k=random.randrange(3)), oracle.written(random)])
            for _ in range(2)
        )
        try:
            pair = [parse(each, case_sensitive=case_sensitive) for each in (one, other)]
        except Invalid:
            continue
        if apart(pair[0].text, pair[1].text, case_sensitive=case_sensitive):
            told_apart += 1
            assert not overlap(*pair), (one, other)
    assert told_apart > PAIRS // 50
