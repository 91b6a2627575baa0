"""The ability `Searching`: a search finds what looking at every state would find, whatever people type."""

import random
from collections.abc import Callable
from itertools import islice, product
from typing import Any

import msgspec
import pytest

from fleet_core.errors import FleetError, Usage, VersionConflict
from fleet_core.events import NewEvent, Recorded
from fleet_core.projections import AtMost, FoldedView, Page, Projection, catch_up, fold, rebuild
from fleet_core.stores import Batch, EventStore, Searching, Stream, Views
from fleet_core.testing.abilities import needs, proves_lack_of
from fleet_core.testing.store_kit.base import KIT, note


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """A state with text that is searched and text that is not."""

    name: str
    subject: str
    body: str | None
    sender: str
    pages: int | None


def _letter(state: Letter | None, event: Recorded) -> Letter | None:
    if event.type == "burnt":
        return None
    said: dict[str, Any] = event.plain
    return Letter(name=event.stream_id, **said)


LETTERS: Projection[Letter] = Projection(
    name="kit_letters",
    state=Letter,
    types=("written", "burnt"),
    key=lambda event: event.stream_id,
    evolve=_letter,
    text=("subject", "body"),
)
PLAIN_LETTERS = msgspec.structs.replace(LETTERS, text=())
SENT_LETTERS = msgspec.structs.replace(LETTERS, text=("sender",))


def _phrases(*lines: str) -> list[str]:
    return [phrase for line in lines for phrase in line.split("  ")]


SYNTAX = _phrases(
    "lamp'  \"lamp  \"lamp\"  'lamp' '  lamp*  *lamp  -lamp  +lamp  ^lamp  !lamp  lamp:*  lamp AND  NOT lamp",
    "lamp OR nothing  lamp -oil  oil -lamp  lamp !oil  NEAR(lamp oil)  NEAR lamp  lamp & oil  lamp | nothing",
    "subject:lamp  subject : lamp  {subject} : lamp  (lamp  lamp)  lamp <-> oil  lamp --  lamp;",
    "lamp\\  %lamp%  lamp_oil  lamp\0oil",
    "\ue000lamp  lamp \U0001f6a8  $1 lamp  ? lamp  :a lamp  %s lamp  lamp/oil  http://lamp.oil  <b>lamp</b>",
    "lamp@oil.example  -5  3.14  1e5  v1.2.3",
)
"""What means something to one database or another, and to people nothing."""

WORDLESS = ["", " ", "*", '"', '""', "'", "\U0001f6a8", "--", "%_", "\0", "¿?", "(", "& | !", ":*"]

TEXTS = _phrases(
    "Lamp oil  the LAMP post  oil  Clamp  nothing  lamps, oils & co.  AND OR NOT NEAR  -5 or 3.14  v1.2.3",
    "Grüße aus Österreich  STRASSE  Straße  İstanbul  ΣΊΣΥΦΟΣ  e\u0301te\u0301  \u00e9t\u00e9  лампа",
    "ｌａｍｐ  日本語の文章  東京 ランプ  \u0939\u093f\u0928\u094d  src/lamp_post.py  http://lamp.oil/x?y=1e5",
    "\U0001f6a8 lamp \U0001f6a8  it's 'quoted'  a \"quoted\" lamp  null\0byte",
)

ASKED = _phrases(
    "lamp  LAMP  la  amp  lamp oil  oil lamp  lamp lamp  grüsse  GRÜSSE  gr  strasse  straße  istanbul  i",
    "σίσυφος  été  ÉTÉ  ete  日本  本語  文  ランプ  ﾗﾝﾌﾟ  ЛАМПА  post py  main  x y  1e5  5  14  v1",
    "2  it s  quoted  null  byte  and  or not  हि  unheard",
)


def _written(subject: str, body: str | None = None, sender: str = "eve", pages: int | None = 1) -> NewEvent:
    return note({"subject": subject, "body": body, "sender": sender, "pages": pages}, "written")


def _write(store: EventStore, name: str, *texts: str | None, **fields: Any) -> None:
    store.append(Batch(Stream("letter", name), [_written(*texts, **fields)]))  # type: ignore[arg-type]


def _burn(store: EventStore, name: str) -> None:
    store.append(Batch(Stream("letter", name), [note({}, "burnt")]))


def _define(store: EventStore, projection: Projection[Any] = LETTERS) -> None:
    """Have a read table of this definition, whatever it was before."""
    assert isinstance(store, Views), 'say lacks = {"views": "why"} when it keeps no read tables'
    for _ in store.define([projection]):
        rebuild(store, store, projection)


def _search(store: EventStore, words: str, where: dict[str, Any] | None = None, **bounds: Any) -> Page[Any]:
    assert isinstance(store, Searching), 'say lacks = {"searching": "why"} when nothing is found by words'
    assert isinstance(store, Views)
    if not store.inline:
        catch_up(store, store, LETTERS)
    return store.search("kit_letters", words, where or {}, **bounds)


def _names(store: EventStore, words: str, where: dict[str, Any] | None = None) -> list[str]:
    return [letter.name for letter in _search(store, words, where).items]


def _folded(store: EventStore, projection: Projection[Any] = LETTERS) -> FoldedView[Any]:
    return FoldedView(projection, fold(projection, store.read()))


def _live(store: EventStore, rng: random.Random, appends: int) -> None:
    """A random history: letters written, written anew and burnt."""
    for _ in range(appends):
        name = f"letter {rng.randint(1, 12)}"
        if rng.random() < 0.2:
            _burn(store, name)
        else:
            text = [rng.choice([*TEXTS, ""]) for _ in range(2)]
            _write(store, name, *text, sender=rng.choice(["eve", "lamp"]), pages=rng.choice([None, 1, 2, 3]))


class SearchingKit:
    """The reference is `FoldedView.search`."""

    @pytest.fixture
    def letters(self, store: EventStore) -> EventStore:
        """A store with a read table and a history."""
        _define(store)
        _live(store, random.Random(3), 60)
        return store

    @needs("views", "searching")
    def test_what_is_found_holds_every_word(self, store: EventStore) -> None:
        _define(store)
        _write(store, "a", "a lamp", "some oil")
        _write(store, "b", "lamp post")
        _write(store, "c", "oil of lamp")
        assert _names(store, "lamp oil") == ["a", "c"]
        assert _names(store, "lamp oil unheard") == []

    @needs("views", "searching")
    def test_a_word_is_found_in_whatever_case(self, store: EventStore) -> None:
        _define(store)
        _write(store, "a", "The LAMP of Österreich")
        for words in ("lamp", "LAMP", "Lamp", "österreich", "ÖSTERREICH", "O\u0308sterreich"):
            assert _names(store, words) == ["a"], words

    @needs("views", "searching")
    def test_a_word_is_found_by_its_beginning_and_by_nothing_else_of_it(self, store: EventStore) -> None:
        _define(store)
        _write(store, "a", "migration 12345")
        for words in ("migration", "migr", "m", "123"):
            assert _names(store, words) == ["a"], words
        for words in ("igration", "ration", "migrations", "345"):
            assert _names(store, words) == [], words

    @needs("views", "searching")
    def test_words_are_those_of_the_text_fields_and_no_others(self, store: EventStore) -> None:
        _define(store)
        _write(store, "a", "lamp", None, sender="eve")
        _write(store, "eve", "oil", "lamp", sender="bob")
        assert _names(store, "lamp") == ["a", "eve"]
        assert _names(store, "eve") == []

    @needs("views", "searching")
    def test_words_do_not_grow_together_where_fields_meet(self, store: EventStore) -> None:
        _define(store)
        _write(store, "a", "lamp", "post")
        assert _names(store, "lamppost") == []
        assert _names(store, "lamp post") == ["a"]

    @needs("views", "searching")
    def test_a_changed_text_is_found_by_its_new_words_and_not_by_its_old(self, store: EventStore) -> None:
        _define(store)
        _write(store, "a", "lamp", "stays")
        _write(store, "b", "lamp")
        _write(store, "a", "oil", "stays")
        assert _names(store, "lamp") == ["b"]
        assert _names(store, "oil stays") == ["a"]

    @needs("views", "searching")
    def test_a_state_whose_text_stays_is_found_as_it_is_now(self, store: EventStore) -> None:
        _define(store)
        _write(store, "a", "lamp", pages=1)
        _write(store, "a", "lamp", pages=2)
        assert [letter.pages for letter in _search(store, "lamp").items] == [2]

    @needs("views", "searching")
    def test_a_state_that_is_gone_is_found_no_more(self, store: EventStore) -> None:
        _define(store)
        _write(store, "a", "lamp")
        _burn(store, "a")
        assert _names(store, "lamp") == []
        _write(store, "a", "oil")
        assert _names(store, "lamp") == []
        assert _names(store, "oil") == ["a"]

    @needs("views", "searching")
    def test_a_refused_append_is_not_found(self, store: EventStore) -> None:
        _define(store)
        _write(store, "a", "lamp")
        with pytest.raises(VersionConflict):
            store.append(Batch(Stream("letter", "a"), [_written("oil")]), Batch(KIT, [note()], 9))
        assert _names(store, "oil") == []
        assert _names(store, "lamp") == ["a"]

    @needs("views", "searching")
    @pytest.mark.parametrize("seed", range(3))
    def test_a_search_finds_what_looking_at_every_state_finds(self, store: EventStore, seed: int) -> None:
        _define(store)
        rng = random.Random(seed)
        for _ in range(3):
            _live(store, rng, 25)
            folded = _folded(store)
            for words in ASKED:
                assert _search(store, words) == folded.search(words), words

    @needs("views", "searching")
    def test_what_people_type_is_words_and_no_syntax(self, letters: EventStore) -> None:
        folded = _folded(letters)
        for words in (*SYNTAX, *TEXTS):
            assert _search(letters, words) == folded.search(words), words
        assert _names(letters, '"lamp') == _names(letters, "lamp") != []

    @needs("views", "searching")
    @pytest.mark.parametrize("words", WORDLESS, ids=ascii)
    def test_a_search_for_no_word_is_refused(self, letters: EventStore, words: str) -> None:
        with pytest.raises(Usage):
            _search(letters, words)

    @needs("views", "searching")
    def test_a_search_for_too_many_words_is_refused(self, letters: EventStore) -> None:
        assert _search(letters, " ".join(f"word{number}" for number in range(100))).items == []
        with pytest.raises(Usage, match="101 words"):
            _search(letters, " ".join(f"word{number}" for number in range(101)))

    @needs("views", "searching")
    def test_long_words_and_long_texts_are_taken_in(self, store: EventStore) -> None:
        _define(store)
        deseret = [chr(0x10428 + number) for number in range(40)]  # letters of four bytes each
        many = ["".join(letters) for letters in islice(product(deseret, repeat=4), 40_000)]
        _write(store, "a", "x" * 100_000)
        _write(store, "b", " ".join(f"{number:06}" for number in range(140_000)), "lamp")
        _write(store, "c", " ".join(many))
        folded = _folded(store)
        for words in ("x" * 50_000, "000000 020000", "139999", "lamp", many[0], many[-1]):
            assert _search(store, words) == folded.search(words), words[:100]
        assert _names(store, "xxx") == ["a"]
        assert _names(store, "000000 020000") == ["b"]
        assert _names(store, many[39_000]) == ["c"]

    @needs("views", "searching")
    @pytest.mark.parametrize("backwards", [False, True], ids=["forwards", "backwards"])
    @pytest.mark.parametrize("limit", [1, 2, 100])
    def test_pages_of_a_search_are_those_of_the_folded_states(
        self, letters: EventStore, backwards: bool, limit: int
    ) -> None:
        folded = _folded(letters)
        for where in ({}, {"sender": "eve"}, {"pages": AtMost(2)}, {"sender": "lamp", "pages": None}):
            cursor: str | None = None
            while True:
                bounds: dict[str, Any] = {"after": cursor, "limit": limit, "backwards": backwards}
                page = _search(letters, "lamp", where, **bounds)
                assert page == folded.search("lamp", where, **bounds), (where, cursor)
                cursor = page.next
                if cursor is None:
                    break
        assert len(folded.search("lamp").items) > 2

    @needs("views", "searching")
    def test_a_search_is_narrowed_by_fields(self, store: EventStore) -> None:
        _define(store)
        _write(store, "a", "lamp", sender="eve", pages=3)
        _write(store, "b", "lamp", sender="bob", pages=1)
        _write(store, "c", "oil", sender="eve", pages=1)
        assert _names(store, "lamp", {"sender": "eve"}) == ["a"]
        assert _names(store, "lamp", {"pages": AtMost(2)}) == ["b"]
        with pytest.raises(Usage, match="height"):
            _search(store, "lamp", {"height": 1})

    @needs("views", "searching")
    def test_states_without_text_are_not_searched(self, store: EventStore) -> None:
        _define(store, PLAIN_LETTERS)
        with pytest.raises(Usage):
            _search(store, "lamp")

    @needs("views", "searching")
    def test_a_table_that_was_never_defined_is_not_searched(self, store: EventStore) -> None:
        assert isinstance(store, Searching)
        with pytest.raises(FleetError):
            store.search("kit_unheard", "lamp", {})

    @needs("views", "searching")
    def test_a_table_defined_late_finds_what_was_there_before(self, store: EventStore) -> None:
        _live(store, random.Random(5), 20)
        _define(store)
        assert isinstance(store, Views)
        catch_up(store, store, LETTERS)
        for words in ASKED:
            assert _search(store, words) == _folded(store).search(words), words
        _live(store, random.Random(6), 5)
        for words in ASKED:
            assert _search(store, words) == _folded(store).search(words), words

    @needs("views", "searching")
    def test_a_rebuilt_table_finds_the_same_and_is_kept_on(self, letters: EventStore) -> None:
        assert isinstance(letters, Views)
        for seed in range(2):
            rebuild(letters, letters, LETTERS)
            for words in ASKED:
                assert _search(letters, words) == _folded(letters).search(words), words
            _live(letters, random.Random(seed), 10)
        for words in ASKED:
            assert _search(letters, words) == _folded(letters).search(words), words

    @needs("views", "searching")
    def test_while_a_table_is_rebuilt_searches_find_what_they_found(self, letters: EventStore) -> None:
        assert isinstance(letters, Views)
        before = _search(letters, "lamp")
        events = list(letters.read(LETTERS.query()))

        def watched() -> Any:
            for event in events:
                assert _search(letters, "lamp") == before
                yield event

        letters.rebuild("kit_letters", watched(), letters.head())
        assert _search(letters, "lamp") == before

    @needs("views", "searching")
    @pytest.mark.parametrize("earlier", [PLAIN_LETTERS, SENT_LETTERS], ids=["none", "another"])
    def test_a_table_that_was_made_for_other_text_finds_by_the_new(
        self, store: EventStore, earlier: Projection[Any]
    ) -> None:
        _define(store, earlier)
        _live(store, random.Random(3), 30)
        _define(store)
        for words in (*ASKED, "eve"):
            assert _search(store, words) == _folded(store).search(words), words
        _live(store, random.Random(4), 10)
        assert _search(store, "lamp") == _folded(store).search("lamp")

    @needs("views", "searching")
    def test_text_may_go_and_come_again(self, letters: EventStore) -> None:
        _define(letters, PLAIN_LETTERS)
        _live(letters, random.Random(4), 10)
        _define(letters)
        for words in ASKED:
            assert _search(letters, words) == _folded(letters).search(words), words

    @needs("views", "searching", "durability")
    def test_what_was_found_is_found_after_reopening(
        self, letters: EventStore, opened: Callable[[], EventStore]
    ) -> None:
        before = _search(letters, "lamp")
        letters.close()
        again = opened()
        assert isinstance(again, Views)
        assert again.define([LETTERS]) == []
        assert _search(again, "lamp") == before
        _live(again, random.Random(4), 10)
        assert _search(again, "lamp") == _folded(again).search("lamp")

    @needs("views", "searching", "processes")
    def test_what_one_opening_writes_another_finds(
        self, letters: EventStore, opened: Callable[[], EventStore]
    ) -> None:
        other = opened()
        _define(other)
        _write(other, "new", "a lighthouse")
        assert _names(letters, "light") == ["new"]

    @proves_lack_of("searching")
    def test_it_lacks_searching_as_it_says(self, store: EventStore) -> None:
        assert not isinstance(store, Searching), "it finds states by words: take that out of `lacks`"
