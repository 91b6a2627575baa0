"""Mutants that do not know a retry when they see one."""

from collections.abc import Sequence
from typing import Any

import msgspec

from fleet_core.errors import FleetError
from fleet_core.events import Recorded, Row
from fleet_core.stores import Appended, Batch, Condition, Expected, Stream
from kit.mutants.base import Mutant


class ForgetsIds(Mutant):
    caught_by = "test_the_same_events_again_give_the_first_answer"

    def _recorded(self, writes: Any) -> list[Recorded]:
        return []


class HidesReplays(Mutant):
    caught_by = "test_the_same_events_again_give_the_first_answer"

    def append(self, *batches: Batch, condition: Condition | None = None) -> Appended:
        answer = super().append(*batches, condition=condition)
        return Appended(answer.positions, answer.versions, answer.stored_ids)


class TrustsIdsAlone(Mutant):
    """The same id means the same event, whatever it says."""

    caught_by = "test_an_id_with_other_content_is_refused"

    def _check_same(self, stream: Stream, event: Any, before: Recorded) -> None:
        super()._check_same(stream, msgspec.structs.replace(event, **_content(before)), before)


class TrustsIdsOfAllStreams(Mutant):
    """One index over the whole log, and nobody looks where."""

    caught_by = "test_an_id_in_another_stream_is_refused"

    def _check_same(self, stream: Stream, event: Any, before: Recorded) -> None:
        super()._check_same(Stream(before.stream_type, before.stream_id), event, before)


class AcceptsHalfARetry(Mutant):
    """ON CONFLICT DO NOTHING."""

    caught_by = "test_recorded_and_new_events_in_one_append_are_refused"

    def _recorded(self, writes: Any) -> list[Recorded]:
        new = [write for write in writes if write[1].id not in self._by_id]
        return [] if new else super()._recorded(writes)

    def _rows(self, writes: Any) -> list[Recorded]:
        return super()._rows([write for write in writes if write[1].id not in self._by_id])


class AcceptsAnIdTwice(Mutant):
    caught_by = "test_an_id_given_twice_in_one_batch_is_refused"

    def _recorded(self, writes: Any) -> list[Recorded]:
        return super()._recorded(list({write[1].id: write for write in writes}.values()))


class RefusedAppendsUseIdsUp(Mutant):
    """The ids are noted before the decision."""

    caught_by = "test_a_refused_append_uses_no_id_up"

    def _check_versions(self, batches: Sequence[Batch]) -> None:
        try:
            super()._check_versions(batches)
        except FleetError:
            events = self._rows([(b.stream, self._codec.prepare(e)) for b in batches for e in b.events])
            self._by_id.update((event.row[1], event) for event in events)
            raise


class ChecksVersionsBeforeIds(Mutant):
    """A retry is refused, because the first time succeeded."""

    caught_by = "test_a_retry_is_answered_whatever_version_it_expects"

    def _recorded(self, writes: Any) -> list[Recorded]:
        self._check_versions(self._batches)
        return super()._recorded(writes)

    def append(self, *batches: Batch, condition: Condition | None = None) -> Appended:
        with self._lock:
            self._batches = batches
            return super().append(*batches, condition=condition)


class LooksIdsUpBeforeTheLock(Mutant):
    """A retry that overtakes its original is recorded as well."""

    caught_by = "test_racing_retries_record_once_and_are_answered_alike"

    def append(self, *batches: Batch, condition: Condition | None = None) -> Appended:
        known = self._recorded([(b.stream, self._codec.prepare(e)) for b in batches for e in b.events])
        if known:
            return Appended(
                [e.position for e in known], [e.version for e in known], [e.row[1] for e in known], True
            )
        return super().append(
            *(batch._replace(expected=Expected.ANY) for batch in batches), condition=condition
        )

    def _recorded(self, writes: Any) -> list[Recorded]:
        return [] if self._lock._is_owned() else super()._recorded(writes)  # type: ignore[attr-defined]


def _content(before: Recorded) -> dict[str, Any]:
    row = Row(*before.row)
    return {
        "type": row.type,
        "schema_version": row.schema_version,
        "data": row.data,
        "tags": before.tags,
        "metadata": row.metadata,
        "causation_id": row.causation_id,
        "correlation_id": row.correlation_id,
        "occurred_at": row.occurred_at,
    }
