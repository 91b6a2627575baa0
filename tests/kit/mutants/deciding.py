"""Mutants that accept what they should refuse, or refuse what they should accept."""

from collections.abc import Sequence
from typing import Any

from fleet_core.errors import ConditionFailed, FleetError
from fleet_core.events import Recorded
from fleet_core.stores import Appended, Batch, Condition, Expected, Match, Query
from kit.mutants.base import Mutant, RewritesRows


class VersionsFromZero(RewritesRows):
    caught_by = "test_versions_count_from_1_without_gaps"
    change = {"version": lambda row: row.version - 1}


class VersionsSkipOne(RewritesRows):
    caught_by = "test_the_exact_version_is_that_of_the_last_event"
    change = {"version": lambda row: row.version + (row.version > 1)}


class VersionsOfTheWholeLog(RewritesRows):
    caught_by = "test_a_version_counts_the_events_of_its_own_stream_alone"
    change = {"version": lambda row: row.position}


class ExistsMeansAny(Mutant):
    caught_by = "test_an_existing_stream_refuses_a_stream_that_is_not_there"

    def _check_versions(self, batches: Sequence[Batch]) -> None:
        super()._check_versions([batch for batch in batches if batch.expected is not Expected.EXISTS])


class NoStreamMeansAny(Mutant):
    caught_by = "test_no_stream_refuses_a_stream_that_is_there"

    def _check_versions(self, batches: Sequence[Batch]) -> None:
        super()._check_versions([batch for batch in batches if batch.expected is not Expected.NO_STREAM])


class ExactMeansAtLeast(Mutant):
    """`version >= expected`."""

    caught_by = "test_every_other_version_is_refused"

    def _check_versions(self, batches: Sequence[Batch]) -> None:
        for batch in batches:
            if not isinstance(batch.expected, int) or self._versions.get(batch.stream, 0) < batch.expected:
                super()._check_versions([batch])


class RefusesEmptyBatches(Mutant):
    caught_by = "test_a_batch_without_events_makes_no_stream"

    def append(self, *batches: Batch, condition: Condition | None = None) -> Appended:
        for batch in batches:
            if not batch.events:
                raise FleetError("a batch without events")
        return super().append(*batches, condition=condition)


class BatchesOneByOne(Mutant):
    """A transaction for each batch."""

    caught_by = "test_one_refused_batch_refuses_all"

    def append(self, *batches: Batch, condition: Condition | None = None) -> Appended:
        answers = [super(BatchesOneByOne, self).append(batch, condition=condition) for batch in batches]
        return Appended(
            [position for answer in answers for position in answer.positions],
            [version for answer in answers for version in answer.versions],
            [id for answer in answers for id in answer.stored_ids],
            any(answer.replayed for answer in answers),
        )


class ChecksVersionsBeforeTheLock(Mutant):
    """SELECT, then BEGIN."""

    caught_by = "test_of_racers_for_a_version_exactly_one_wins"

    def append(self, *batches: Batch, condition: Condition | None = None) -> Appended:
        if not self._recorded([(b.stream, self._codec.prepare(e)) for b in batches for e in b.events]):
            super()._check_versions(batches)
        return super().append(*batches, condition=condition)

    def _check_versions(self, batches: Sequence[Batch]) -> None:
        pass


class IgnoresConditions(Mutant):
    caught_by = "test_a_matching_event_refuses"

    def _check_condition(self, condition: Condition | None) -> None:
        pass


class ConditionsIncludeTheBoundary(Mutant):
    caught_by = "test_an_event_at_the_boundary_does_not_refuse"

    def _check_condition(self, condition: Condition | None) -> None:
        super()._check_condition(condition and condition._replace(after=condition.after - 1))


class ConditionsSkipTheNextEvent(Mutant):
    caught_by = "test_an_event_just_beyond_the_boundary_refuses"

    def _check_condition(self, condition: Condition | None) -> None:
        super()._check_condition(condition and condition._replace(after=condition.after + 1))


class ConditionsLookAtTypesAlone(Mutant):
    caught_by = "test_the_type_alone_does_not_refuse"

    def _check_condition(self, condition: Condition | None) -> None:
        if condition is not None:
            items = tuple(Match(types=item.types, streams=item.streams) for item in condition.query.items)
            super()._check_condition(Condition(Query(items), condition.after))


class ConditionsCountTheAppendItself(Mutant):
    """Insert, then look."""

    caught_by = "test_the_events_of_the_append_itself_do_not_count"

    def _rows(self, writes: Any) -> list[Recorded]:
        events = super()._rows(writes)
        condition = self._asked
        if condition is not None and any(condition.query.accepts(event) for event in events):
            raise ConditionFailed(events[0].position)
        return events

    def _check_condition(self, condition: Condition | None) -> None:
        super()._check_condition(condition)
        self._asked = condition


class ChecksConditionsBeforeTheLock(Mutant):
    """Two statements, two snapshots."""

    caught_by = "test_of_racers_under_a_condition_exactly_one_wins"

    def append(self, *batches: Batch, condition: Condition | None = None) -> Appended:
        if not self._recorded([(b.stream, self._codec.prepare(e)) for b in batches for e in b.events]):
            super()._check_condition(condition)
        return super().append(*batches, condition=condition)

    def _check_condition(self, condition: Condition | None) -> None:
        pass
