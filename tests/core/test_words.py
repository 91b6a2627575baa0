"""Words: what every store's index of them stands on."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fleet_core.errors import Usage
from fleet_core.words import asked_words, holds, words_in


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Fix the BUG, now!", {"fix", "the", "bug", "now"}),
        ("src/lamp_post.py:12", {"src", "lamp", "post", "py", "12"}),
        ("it's -3.5%", {"it", "s", "3", "5"}),
        ("Grüße", {"grüsse"}),
        ("e\u0301te\u0301", {"\u00e9t\u00e9"}),
        ("ｌａｍｐ ﬁne", {"lamp", "fine"}),
        ("日本の lamp", {"日", "本", "の", "lamp"}),
        ("ไทย", {"ไ", "ท", "ย"}),
        ("한국어 문장", {"한국어", "문장"}),
        ("\U0001f6a8 \0 \ue000 \ud800", set()),
        ("x" * 100, {"x" * 64}),
        ("", set()),
    ],
    ids=lambda value: ascii(sorted(value) if isinstance(value, set) else value)[:60],
)
def test_a_text_has_these_words(text: str, words: set[str]) -> None:
    assert words_in(text) == words


@given(st.text())
@example("ϓ\u0301")
@example("İIıi")
def test_words_are_letters_and_digits_in_no_case_and_in_one_way_of_writing(text: str) -> None:
    for word in words_in(text):
        assert word.isalnum()
        assert not (word.isascii() and word != word.lower())
        assert not set("'\"\\ \0") & set(word)


@given(st.text(), st.text())
def test_a_text_holds_each_of_its_words_and_every_beginning_of_one(text: str, more: str) -> None:
    words = words_in(f"{text} {more}")
    for word in words_in(text):
        for end in range(1, len(word) + 1):
            assert holds(words, [word[:end]])


@given(st.text(st.characters(codec="ascii")))
def test_what_is_typed_as_it_stands_in_a_text_is_found(text: str) -> None:
    asked = words_in(text.upper())
    assert holds(words_in(text), sorted(asked))


def test_each_word_must_be_held() -> None:
    assert holds({"lamp", "oil"}, ["la", "oil"])
    assert not holds({"lamp", "oil"}, ["lamp", "fire"])
    assert not holds(set(), ["lamp"])


def test_looking_for_no_word_is_refused() -> None:
    with pytest.raises(Usage, match="no word"):
        asked_words("\U0001f6a8 *")


def test_looking_for_too_many_words_is_refused() -> None:
    assert len(asked_words(" ".join(str(number) for number in range(100)))) == 100
    with pytest.raises(Usage, match="101 words"):
        asked_words(" ".join(str(number) for number in range(101)))


def test_the_words_of_the_longest_text_fit_into_an_index() -> None:
    deseret = [chr(0x10428 + number) for number in range(40)]
    text = " ".join(a + b + c + d for a in deseret for b in deseret for c in deseret for d in deseret)
    assert 500_000 < sum(len(word.encode()) for word in words_in(text)) < 2**20
