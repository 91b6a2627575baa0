"""What a word is, and when a text holds it: one answer for every store, whatever its database thinks of
words.

Stores index the words that `words_in` gives, and look for those that `asked_words` gives. So an index may
take them as they are: a word is letters and digits alone.
"""

import re
from functools import cache
from typing import Final
from unicodedata import normalize

from fleet_core.errors import Usage

LONGEST_WORD: Final = 64
"""Characters of a word that count: longer ones are alike when they begin alike."""

LONGEST_TEXT: Final = 200_000
"""Characters of a state's text that count: its words fit into 1 MiB, which no index of words refuses."""

MOST_WORDS: Final = 100
"""Words asked for at once."""

_UNSPACED: Final = (
    r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    r"\U00020000-\U0003ffff"
)
"""Scripts that put no spaces between words: Thai, Lao, Burmese, Khmer, Japanese and Chinese."""


@cache
def _word() -> re.Pattern[str]:
    # Compiled when it is needed: that takes milliseconds, and most commands look for no words.
    return re.compile(rf"[^\W_{_UNSPACED}]+|(?=[^\W_])[{_UNSPACED}]")


def words_in(text: str) -> set[str]:
    """The words of a text: runs of letters and digits, in no case. Where a script puts no spaces between
    words, each character is one.

    >>> sorted(words_in("Fix src/main.py, NOW"))
    ['fix', 'main', 'now', 'py', 'src']
    """
    return {word[:LONGEST_WORD] for word in _word().findall(_folded(text)[:LONGEST_TEXT])}


def _folded(text: str) -> str:
    if text.isascii():
        return text.lower()
    # Folding undoes some of what normalizing does, so there is one before and one after.
    return normalize("NFKC", normalize("NFKC", text).casefold())


def asked_words(words: str) -> list[str]:
    """The words that somebody looks for.

    Raises:
        Usage: there are none, or too many.
    """
    asked = sorted(words_in(words))
    if not asked:
        raise Usage(f"{words!r} holds no word to look for", remedy="give letters or digits")
    if len(asked) > MOST_WORDS:
        raise Usage(
            f"{len(asked)} words are too many to look for at once",
            remedy=f"give those that matter, at most {MOST_WORDS}",
        )
    return asked


def holds(words: set[str], asked: list[str]) -> bool:
    """Whether each word asked for is one of these, or the beginning of one."""
    return all(any(word.startswith(each) for word in words) for each in asked)
