"""Mutants that read something else than what was asked for."""

from collections.abc import Iterator
from typing import Any

from fleet_core.events import Recorded
from fleet_core.stores import ALL, Match, Query
from kit.mutants.base import Mutant


class LocksWhileReading(Mutant):
    """A reader that stops half-way stops everybody."""

    caught_by = "test_a_reader_that_stops_half_way_holds_nobody_up"

    def _matching(self, query: Query, events: Iterator[Recorded]) -> Iterator[Recorded]:
        with self._lock:
            yield from super()._matching(query, events)


class ReadsEverythingFirst(Mutant):
    caught_by = "test_memory_does_not_grow_with_the_log"

    def _matching(self, query: Query, events: Iterator[Recorded]) -> Iterator[Recorded]:
        copies = [bytes(bytearray(event.row[7])) for event in self._log]
        yield from super()._matching(query, events)
        del copies


class BackwardsIsForwards(Mutant):
    caught_by = "test_backwards_starts_at_the_newest"

    def read(self, query: Query = ALL, *, backwards: bool = False, **bounds: Any) -> Iterator[Recorded]:
        return super().read(query, **bounds)


class BackwardsReversesThePage(Mutant):
    """Takes the first so many, then turns them round."""

    caught_by = "test_a_limit_backwards_gives_the_newest"

    def read(self, query: Query = ALL, *, backwards: bool = False, **bounds: Any) -> Iterator[Recorded]:
        page = super().read(query, **bounds)
        return reversed(list(page)) if backwards else page


class AfterIsInclusive(Mutant):
    caught_by = "test_after_is_exclusive"

    def read(self, query: Query = ALL, *, after: int = 0, **bounds: Any) -> Iterator[Recorded]:
        return super().read(query, after=after - 1, **bounds)


class BeforeIsInclusive(Mutant):
    caught_by = "test_before_is_exclusive"

    def read(self, query: Query = ALL, *, before: int | None = None, **bounds: Any) -> Iterator[Recorded]:
        return super().read(query, before=None if before is None else before + 1, **bounds)


class BoundsTurnRoundBackwards(Mutant):
    """Backwards, `after` is taken for where to begin."""

    caught_by = "test_bounds_mean_the_same_backwards"

    def read(
        self,
        query: Query = ALL,
        *,
        after: int = 0,
        before: int | None = None,
        limit: int | None = None,
        backwards: bool = False,
    ) -> Iterator[Recorded]:
        if backwards and after:
            after, before = before or 0, after
        return super().read(query, after=after, before=before, limit=limit, backwards=backwards)


class IgnoresLimits(Mutant):
    caught_by = "test_a_limit_gives_the_first_so_many"

    def read(self, query: Query = ALL, *, limit: int | None = None, **bounds: Any) -> Iterator[Recorded]:
        return super().read(query, **bounds)


class ZeroMeansNoLimit(Mutant):
    """`if limit:`."""

    caught_by = "test_a_limit_gives_the_first_so_many"

    def read(self, query: Query = ALL, *, limit: int | None = None, **bounds: Any) -> Iterator[Recorded]:
        return super().read(query, limit=limit or None, **bounds)


class LimitsBeforeItFilters(Mutant):
    caught_by = "test_a_limit_counts_matching_events_only"

    def read(self, query: Query = ALL, *, limit: int | None = None, **bounds: Any) -> Iterator[Recorded]:
        return (event for event in super().read(ALL, limit=limit, **bounds) if query.accepts(event))


class ItemsAddUp(Mutant):
    """UNION ALL."""

    caught_by = "test_items_are_or_ed_and_each_event_comes_once"

    def _matching(self, query: Query, events: Iterator[Recorded]) -> Iterator[Recorded]:
        items = query.items or (Match(),)
        for event in super()._matching(ALL, events):
            yield from [event] * sum(item.accepts(event) for item in items)


class ItemsAreAndEd(Mutant):
    caught_by = "test_items_are_or_ed_and_each_event_comes_once"

    def _matching(self, query: Query, events: Iterator[Recorded]) -> Iterator[Recorded]:
        return (e for e in super()._matching(ALL, events) if all(item.accepts(e) for item in query.items))


class OneTagIsEnough(Mutant):
    caught_by = "test_a_criterion_gives_the_events_that_fulfil_it"

    def _matching(self, query: Query, events: Iterator[Recorded]) -> Iterator[Recorded]:
        return super()._matching(Query(tuple(map(_any_tag, query.items))), events)


class StreamIdsAreEnough(Mutant):
    """Looks for the id of a stream, and forgets its type."""

    caught_by = "test_a_stream_is_named_by_type_and_id_together"

    def _matching(self, query: Query, events: Iterator[Recorded]) -> Iterator[Recorded]:
        names = {stream.id for item in query.items for stream in item.streams}
        if not names:
            return super()._matching(query, events)
        return (event for event in super()._matching(ALL, events) if event.stream_id in names)


class TimesAreOfRecording(Mutant):
    """Compares the moment of recording, which is the column that is never empty."""

    caught_by = "test_a_criterion_gives_the_events_that_fulfil_it"

    def _matching(self, query: Query, events: Iterator[Recorded]) -> Iterator[Recorded]:
        for event in super()._matching(ALL, events):
            (bare,) = self._rewritten([event], occurred_at=lambda row: None)
            if query.accepts(bare):
                yield event


class _AnyTag(Match, frozen=True, kw_only=True):
    def accepts(self, event: Recorded) -> bool:
        names = (
            "streams",
            "stream_types",
            "types",
            "ids",
            "causation_id",
            "correlation_id",
            "since",
            "until",
        )
        rest = Match(**{name: getattr(self, name) for name in names})
        return rest.accepts(event) and (not self.tags or not set(self.tags).isdisjoint(event.tags))


def _any_tag(item: Match) -> Match:
    return _AnyTag(**{name: getattr(item, name) for name in item.__struct_fields__})
