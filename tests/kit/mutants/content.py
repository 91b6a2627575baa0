"""Mutants that record something else than they were given."""

import time
import unicodedata
from collections.abc import Callable, Hashable
from typing import Any

from fleet_core.codecs import EventCodec
from fleet_core.stores import Stream
from fleet_core.testing.codecs import JsonCodec
from kit.mutants.base import Mutant, RewritesRows


class LosesMetadata(RewritesRows):
    caught_by = "test_metadata_comes_back_as_it_was"
    change = {"metadata": lambda row: None}


class LosesTags(RewritesRows):
    caught_by = "test_tags_are_sorted_and_each_stands_once"
    change = {"tags": lambda row: None}


class LosesSchemaVersions(RewritesRows):
    caught_by = "test_the_schema_version_is_kept"
    change = {"schema_version": lambda row: 1}


class OverwritesOccurrence(RewritesRows):
    caught_by = "test_the_given_time_of_occurrence_is_kept"
    change = {"occurred_at": lambda row: row.recorded_at}


class ReadsTheWallClock(RewritesRows):
    caught_by = "test_the_store_s_clock_says_when_it_was_recorded"
    change = {"recorded_at": lambda row: time.time_ns() // 1000}


class LosesFractionsOfTime(RewritesRows):
    caught_by = "test_the_store_s_clock_says_when_it_was_recorded"
    change = {"recorded_at": lambda row: row.recorded_at // 1_000_000 * 1_000_000}


class InheritsNoCorrelation(RewritesRows):
    caught_by = "test_a_caused_event_inherits_the_correlation"
    change = {"correlation_id": lambda row: None}


class InheritsFromTheLogOnly(Mutant):
    """Does not see that the cause is in the same append."""

    caught_by = "test_it_is_inherited_within_one_append_too"

    def _correlation(self, event: Any, roots: Any) -> Any:
        return super()._correlation(event, {})


class LowersIds(RewritesRows):
    caught_by = "test_an_odd_name_is_kept_and_found_as_it_is"
    change = {"id": lambda row: row.id.lower() if isinstance(row.id, str) else row.id}


class CutsLongNames(RewritesRows):
    """VARCHAR(64)."""

    caught_by = "test_an_odd_name_is_kept_and_found_as_it_is"
    change = {"stream_id": lambda row: row.stream_id[:64]}


class IgnoresTheSizeLimit(Mutant):
    """Encodes for itself."""

    caught_by = "test_larger_data_is_refused_with_its_place"

    def __init__(self, codec: EventCodec, clock: Any) -> None:
        super().__init__(EventCodec(JsonCodec(), codec.types.values(), max_bytes=2**40), clock)


class _Folded(dict[Any, int]):
    """Versions by what a database takes for the same name."""

    def __init__(self, fold: Callable[[Stream], Hashable]) -> None:
        super().__init__()
        self._fold = fold

    def get(self, stream: Stream, default: int) -> int:  # type: ignore[override]
        return super().get(self._fold(stream), default)

    def __setitem__(self, stream: Stream, version: int) -> None:
        super().__setitem__(self._fold(stream), version)


class ConfusesStreams(Mutant):
    """Names that are not the same fall into one stream."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._versions = _Folded(self.fold)

    def fold(self, stream: Stream) -> Hashable:
        raise NotImplementedError


class IgnoresCase(ConfusesStreams):
    """COLLATE NOCASE."""

    caught_by = "test_names_that_look_alike_are_two_streams"

    def fold(self, stream: Stream) -> Hashable:
        return (stream.type.casefold(), stream.id.casefold())


class NormalisesUnicode(ConfusesStreams):
    caught_by = "test_names_that_look_alike_are_two_streams"

    def fold(self, stream: Stream) -> Hashable:
        return unicodedata.normalize("NFC", stream.type + "\0" + stream.id)


class TrimsSpaces(ConfusesStreams):
    """CHAR(n)."""

    caught_by = "test_names_that_look_alike_are_two_streams"

    def fold(self, stream: Stream) -> Hashable:
        return (stream.type.strip(), stream.id.strip())


class JoinsWithASlash(ConfusesStreams):
    caught_by = "test_a_slash_does_not_join_type_and_id"

    def fold(self, stream: Stream) -> Hashable:
        return str(stream)


class ForgetsStreamTypes(ConfusesStreams):
    caught_by = "test_the_same_id_under_two_stream_types_is_two_streams"

    def fold(self, stream: Stream) -> Hashable:
        return stream.id
