"""Mutants that select and search in read tables."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

from msgspec.structs import replace

from fleet_core.errors import FleetError, Usage
from fleet_core.events import Recorded
from fleet_core.projections import AtMost, FoldedView, Page, Projection, words_of
from fleet_core.words import asked_words, words_in
from kit.mutants.base import Mutant


def bounds_changed(where: Mapping[str, Any], change: Callable[[AtMost], Any]) -> dict[str, Any]:
    return {field: change(value) if isinstance(value, AtMost) else value for field, value in where.items()}


class BoundsAreBeyond(Mutant):
    """At most, but not the bound itself."""

    caught_by = "test_a_bound_takes_in_the_value_itself"

    def select(self, name: str, where: Mapping[str, Any], **bounds: Any) -> Any:
        return super().select(name, bounds_changed(where, lambda most: AtMost(most.value - 1)), **bounds)


class BoundsTakeInNothing(Mutant):
    """Nothing is less than anything: where there is no value, there is one that is small enough."""

    caught_by = "test_a_bound_takes_in_no_state_without_a_value"

    def select(self, name: str, where: Mapping[str, Any], **bounds: Any) -> Any:
        page = super().select(name, where, **bounds)
        nothing = super().select(name, bounds_changed(where, lambda most: None), **bounds)
        return Page(page.items + [state for state in nothing.items if state not in page.items], page.next)


class BoundsAreForgotten(Mutant):
    caught_by = "test_a_bound_leaves_out_what_is_beyond_it"

    def select(self, name: str, where: Mapping[str, Any], **bounds: Any) -> Any:
        equal = {field: value for field, value in where.items() if not isinstance(value, AtMost)}
        return super().select(name, equal, **bounds)


class BoundsAreCutToPages(Mutant):
    """Takes a page, and looks at the bound then."""

    caught_by = "test_pages_within_a_bound_are_those_of_the_folded_states"

    def select(self, name: str, where: Mapping[str, Any], **bounds: Any) -> Any:
        equal = {field: value for field, value in where.items() if not isinstance(value, AtMost)}
        page, within = super().select(name, equal, **bounds), super().select(name, where)
        return Page([state for state in page.items if state in within.items], page.next)


class BoundsAreDecimal(Mutant):
    """Compares numbers as SQL does where one of them is decimal."""

    caught_by = "test_a_bound_is_exact_beyond_what_decimals_tell_apart"

    def select(self, name: str, where: Mapping[str, Any], **bounds: Any) -> Any:
        near = bounds_changed(where, lambda most: AtMost(math.nextafter(float(most.value), math.inf)))
        return super().select(name, near, **bounds)


class BoundsCompareText(Mutant):
    caught_by = "test_a_bound_on_a_field_without_numbers_is_refused"

    def select(self, name: str, where: Mapping[str, Any], **bounds: Any) -> Any:
        try:
            return super().select(name, where, **bounds)
        except Usage:
            return Page([])


class OrdersText(Mutant):
    """As a column of text would: 10 before 9."""

    caught_by = "test_the_first_are_those_with_the_least_numbers"

    def first(self, name: str, where: Mapping[str, Any], *, by: str, limit: int) -> list[Any]:
        return sorted(
            super().first(name, where, by=by, limit=10**9), key=lambda each: str(getattr(each, by))
        )[:limit]


class CutsBeforeItOrders(Mutant):
    """Orders a page."""

    caught_by = "test_the_first_are_those_with_the_least_numbers"

    def first(self, name: str, where: Mapping[str, Any], *, by: str, limit: int) -> list[Any]:
        page = super().select(name, where, limit=limit).items
        return [each for each in super().first(name, where, by=by, limit=10**9) if each in page]


class TurnsEqualsRound(Mutant):
    caught_by = "test_of_equal_numbers_that_of_the_lesser_key_is_first"

    def first(self, name: str, where: Mapping[str, Any], *, by: str, limit: int) -> list[Any]:
        found = super().first(name, where, by=by, limit=10**9)
        found.reverse()
        return sorted(found, key=lambda each: getattr(each, by))[:limit]


class NothingComesFirst(Mutant):
    """NULL is the least of all."""

    caught_by = "test_what_has_no_number_is_never_among_the_first"

    def first(self, name: str, where: Mapping[str, Any], *, by: str, limit: int) -> list[Any]:
        found = super().first(name, where, by=by, limit=limit)
        nothing = [each for each in super().select(name, where).items if getattr(each, by) is None]
        return [*nothing, *found][:limit]


class OrdersEverything(Mutant):
    """Chooses the least, and looks at what was asked for then."""

    caught_by = "test_the_first_are_chosen_from_what_was_asked_for"

    def first(self, name: str, where: Mapping[str, Any], *, by: str, limit: int) -> list[Any]:
        wanted = super().select(name, where).items
        return [each for each in super().first(name, {}, by=by, limit=limit) if each in wanted]


class OrdersAnything(Mutant):
    caught_by = "test_the_first_by_a_field_without_numbers_are_refused"

    def first(self, name: str, where: Mapping[str, Any], *, by: str, limit: int) -> list[Any]:
        try:
            return super().first(name, where, by=by, limit=limit)
        except Usage:
            return []


class Searches(Mutant):
    """A store with an index of its own, which is right: the words of each state, by table and key."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.index: dict[str, dict[str, set[str]]] = {}

    def define(self, projections: Sequence[Projection[Any]]) -> list[str]:
        asked = super().define(projections)
        for projection in projections:
            self._index_again(projection.name)
        return asked

    def _advance(self, events: Sequence[Recorded], before: int) -> None:
        super()._advance(events, before)
        for name in self._tables:
            self._index_again(name)

    def apply(self, name: str, events: Sequence[Recorded], position: int) -> None:
        super().apply(name, events, position)
        self._index_again(name)

    def rebuild(self, name: str, events: Iterator[Recorded], position: int) -> None:
        super().rebuild(name, events, position)
        self.index[name] = {}
        self._index_again(name)

    def _index_again(self, name: str) -> None:
        table = self._tables[name]
        self.index[name] = {key: words_of(table.projection, state) for key, state in table.states.items()}

    def search(self, name: str, words: str, where: Mapping[str, Any], **bounds: Any) -> Any:
        table = self._table(name)
        FoldedView(table.projection, {}).search(words)
        index, asked = self.index.get(name, {}), self._asked(words)
        found = {
            key: state for key, state in table.states.items() if self._holds(index.get(key, set()), asked)
        }
        return FoldedView(table.projection, found).select(where, **bounds)

    def _asked(self, words: str) -> list[str]:
        return asked_words(words)

    def _holds(self, words: set[str], asked: list[str]) -> bool:
        return all(any(word.startswith(each) for word in words) for each in asked)


class FindsAnyWord(Searches):
    caught_by = "test_what_is_found_holds_every_word"

    def _holds(self, words: set[str], asked: list[str]) -> bool:
        return any(super(FindsAnyWord, self)._holds(words, [each]) for each in asked)


class FindsWholeWordsOnly(Searches):
    caught_by = "test_a_word_is_found_by_its_beginning_and_by_nothing_else_of_it"

    def _holds(self, words: set[str], asked: list[str]) -> bool:
        return words >= set(asked)


class FindsWithinWords(Searches):
    """LIKE '%word%'."""

    caught_by = "test_a_word_is_found_by_its_beginning_and_by_nothing_else_of_it"

    def _holds(self, words: set[str], asked: list[str]) -> bool:
        return all(any(each in word for word in words) for each in asked)


class MindsTheCaseOfOtherLetters(Searches):
    """Knows upper and lower case of ASCII only."""

    caught_by = "test_a_word_is_found_in_whatever_case"

    def _asked(self, words: str) -> list[str]:
        ascii_only = "".join(letter.lower() if letter.isascii() else letter for letter in words)
        return [word for word in ascii_only.split() if words_in(word)]


class IndexMissesUpdates(Searches):
    """A row that is replaced is put without a word to the index."""

    caught_by = "test_a_changed_text_is_found_by_its_new_words_and_not_by_its_old"

    def _index_again(self, name: str) -> None:
        before = self.index.get(name, {})
        super()._index_again(name)
        self.index[name] |= {key: words for key, words in before.items() if key in self.index[name]}


class IndexKeepsOldWords(Searches):
    """Adds the new words of a row, and leaves the old."""

    caught_by = "test_a_changed_text_is_found_by_its_new_words_and_not_by_its_old"

    def _index_again(self, name: str) -> None:
        before = self.index.get(name, {})
        super()._index_again(name)
        self.index[name] = {key: words | before.get(key, set()) for key, words in self.index[name].items()}


class IndexKeepsTheDead(Searches):
    """Who comes back under a key is found by the words of who was there."""

    caught_by = "test_a_state_that_is_gone_is_found_no_more"

    def _index_again(self, name: str) -> None:
        before = self.index.get(name, {})
        super()._index_again(name)
        alive = self.index[name]
        returned = {key: words for key, words in before.items() if key not in alive or "?" in words}
        self.index[name] = {
            **{key: words | returned.get(key, set()) for key, words in alive.items()},
            **{key: words | {"?"} for key, words in returned.items() if key not in alive},
        }


class IndexIsLostInARebuild(Searches):
    """The index is of the table that was dropped."""

    caught_by = "test_a_rebuilt_table_finds_the_same_and_is_kept_on"

    def rebuild(self, name: str, events: Iterator[Recorded], position: int) -> None:
        Mutant.rebuild(self, name, events, position)
        self.index[name] = {}


class IndexIsRebuiltInPlace(Searches):
    caught_by = "test_while_a_table_is_rebuilt_searches_find_what_they_found"

    def rebuild(self, name: str, events: Iterator[Recorded], position: int) -> None:
        self.index[name] = {}
        super().rebuild(name, events, position)


class IndexIsNotCaughtUp(Searches):
    caught_by = "test_a_table_defined_late_finds_what_was_there_before"

    def apply(self, name: str, events: Sequence[Recorded], position: int) -> None:
        Mutant.apply(self, name, events, position)


class IndexKeepsOldFields(Searches):
    """The index is of the fields that were searched when the table was made."""

    caught_by = "test_a_table_that_was_made_for_other_text_finds_by_the_new"

    def define(self, projections: Sequence[Projection[Any]]) -> list[str]:
        kept = {name: table.projection.text for name, table in self._tables.items()}
        asked = super().define(projections)
        for name, text in kept.items():
            table = self._tables[name]
            table.projection = replace(table.projection, text=text)
            self._index_again(name)
        return asked


class IndexIsOfAllFields(Searches):
    caught_by = "test_words_are_those_of_the_text_fields_and_no_others"

    def _index_again(self, name: str) -> None:
        projection = self._tables[name].projection
        states = self._tables[name].states.items()
        everything = replace(projection, text=projection.fields())
        self.index[name] = {key: words_of(everything, state) for key, state in states}


class IndexIsOfOneText(Searches):
    """Puts the fields together without anything between them."""

    caught_by = "test_words_do_not_grow_together_where_fields_meet"

    def _index_again(self, name: str) -> None:
        text = self._tables[name].projection.text
        states = self._tables[name].states.items()
        self.index[name] = {
            key: words_in("".join(getattr(state, field) or "" for field in text)) for key, state in states
        }


class IndexIsOfRefusedAppends(Searches):
    """The index is changed before the decision, and stays so."""

    caught_by = "test_a_refused_append_is_not_found"
    _stale: ClassVar[set[str]] = set()

    def append(self, *batches: Any, condition: Any = None) -> Any:
        try:
            return super().append(*batches, condition=condition)
        except FleetError:
            for batch in batches:
                for words in self.index.values():
                    words[batch.stream.id] = set().union(*(words_in(str(each.data)) for each in batch.events))
            raise


class BreaksAtAQuote(Searches):
    """Puts what people type between quotes."""

    caught_by = "test_what_people_type_is_words_and_no_syntax"

    def search(self, name: str, words: str, where: Mapping[str, Any], **bounds: Any) -> Any:
        if words.count('"') % 2:
            raise FleetError("unterminated string")
        return super().search(name, words, where, **bounds)


class ObeysWhatPeopleType(Searches):
    """OR is an operator, a minus excludes."""

    caught_by = "test_what_people_type_is_words_and_no_syntax"

    def search(self, name: str, words: str, where: Mapping[str, Any], **bounds: Any) -> Any:
        wanted = " ".join(each for each in words.split() if not each.startswith(("-", "!")))
        return super().search(name, wanted if words_in(wanted) else words, where, **bounds)


class FindsNothingByNothing(Searches):
    caught_by = "test_a_search_for_no_word_is_refused"

    def search(self, name: str, words: str, where: Mapping[str, Any], **bounds: Any) -> Any:
        return super().search(name, words, where, **bounds) if words_in(words) else Page([])


class CutsLongTexts(Searches):
    """The index takes in so many words of a state, and says nothing of the others."""

    caught_by = "test_long_words_and_long_texts_are_taken_in"

    def _index_again(self, name: str) -> None:
        super()._index_again(name)
        self.index[name] = {key: set(sorted(words)[:10_000]) for key, words in self.index[name].items()}


class SearchesEndEarly(Searches):
    caught_by = "test_pages_of_a_search_are_those_of_the_folded_states"

    def search(self, name: str, words: str, where: Mapping[str, Any], **bounds: Any) -> Any:
        return Page(super().search(name, words, where, **bounds).items, None)


class SearchesForgetFields(Searches):
    caught_by = "test_a_search_is_narrowed_by_fields"

    def search(self, name: str, words: str, where: Mapping[str, Any], **bounds: Any) -> Any:
        return super().search(name, words, {}, **bounds)


class SearchesWithoutText(Searches):
    """Finds nothing where nothing is searched, instead of saying so."""

    caught_by = "test_states_without_text_are_not_searched"

    def search(self, name: str, words: str, where: Mapping[str, Any], **bounds: Any) -> Any:
        if not self._table(name).projection.text:
            return Page([])
        return super().search(name, words, where, **bounds)
