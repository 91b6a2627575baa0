"""Mutants of the optional abilities, and of the truth about them."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from typing import Any, ClassVar

from fleet_core.errors import Conflict
from fleet_core.events import Recorded, Row
from fleet_core.projections import Projection, fold
from fleet_core.stores import Appended, Batch, Condition, Progress, Verification
from kit.mutants.base import MEMORY, Mutant


class FoldsRefusedAppends(Mutant):
    """The read tables are brought up to date before the decision."""

    caught_by = "test_a_refused_append_leaves_the_tables_alone"

    def _check_versions(self, batches: Sequence[Batch]) -> None:
        events = self._rows([(b.stream, self._codec.prepare(e)) for b in batches for e in b.events])
        for table in self._tables.values():
            fold(table.projection, events, table.states)
        super()._check_versions(batches)

    def _advance(self, events: Sequence[Recorded], before: int) -> None:
        for table in self._tables.values():
            table.position = events[-1].position if events else before


class TablesSkipGaps(Mutant):
    """A table that was defined late says that it is current."""

    caught_by = "test_a_table_defined_late_says_so_and_catches_up"

    def _advance(self, events: Sequence[Recorded], before: int) -> None:
        for table in self._tables.values():
            table.take(events, before + len(events))


class TablesKeepTheDead(Mutant):
    caught_by = "test_a_state_that_evolves_to_none_is_gone"

    def _advance(self, events: Sequence[Recorded], before: int) -> None:
        for table in self._tables.values():
            dead = dict(table.states)
            if table.position == before:
                table.take(events, before + len(events))
                table.states = {**dead, **table.states}


class TablesKeepOldVersions(Mutant):
    caught_by = "test_a_changed_version_asks_for_a_rebuild"

    def define(self, projections: Sequence[Projection[Any]]) -> list[str]:
        super().define(projections)
        return []


class RebuildsInPlace(Mutant):
    caught_by = "test_while_a_table_is_rebuilt_readers_see_the_old_one"

    def rebuild(self, name: str, events: Iterator[Recorded], position: int) -> None:
        self._table(name).states.clear()
        super().rebuild(name, events, position)


class TablesApplyTwice(Mutant):
    caught_by = "test_events_taken_in_already_are_not_taken_in_again"

    def apply(self, name: str, events: Sequence[Recorded], position: int) -> None:
        self._table(name).take(events, position)


class PagesEndEarly(Mutant):
    """The cursor is lost when a page is full."""

    caught_by = "test_pages_are_those_of_the_folded_states"

    def select(self, *arguments: Any, **bounds: Any) -> Any:
        page = super().select(*arguments, **bounds)
        return type(page)(page.items, None)


class CountsRefusedEvents(Mutant):
    caught_by = "test_info_counts_events_and_streams"
    _asked_for = 0

    def append(self, *batches: Batch, condition: Condition | None = None) -> Appended:
        self._asked_for += sum(len(batch.events) for batch in batches)
        return super().append(*batches, condition=condition)

    def info(self) -> Any:
        info = super().info()
        return type(info)(
            **{name: getattr(info, name) for name in info.__struct_fields__} | {"events": self._asked_for}
        )


class VerifiesInSilence(Mutant):
    caught_by = "test_verify_tells_how_far_it_has_come"

    def verify(self, progress: Progress = print) -> Verification:
        return super().verify()


class ClaimsDurability(Mutant):
    """Says that it lacks nothing, and ends with its process."""

    caught_by = "test_a_reopened_store_says_what_it_said_before"
    lacks: ClassVar[dict[str, str]] = {}


class ForgetsRefusedPromises(Mutant):
    """Promises appends, and answers one that is refused as if nothing had been asked."""

    caught_by = "test_a_promised_append_that_is_refused_refuses_no_other"
    lacks: ClassVar[dict[str, str]] = {
        ability: why for ability, why in MEMORY.items() if ability != "pipelining"
    }

    def append_soon(self, *batches: Batch, condition: Condition | None = None) -> Future[Appended]:
        future: Future[Appended] = Future()
        try:
            future.set_result(self.append(*batches, condition=condition))
        except Conflict:
            future.set_result(Appended([], [], []))
        return future


class ClaimsProcesses(Mutant):
    caught_by = "test_what_one_opening_appends_the_other_reads_at_once"
    lacks: ClassVar[dict[str, str]] = {}


class LoadsCloseGaps(Mutant):
    """Numbers what it takes in anew."""

    caught_by = "test_gaps_stay_gaps"

    def load(self, rows: Sequence[Row]) -> None:
        first = self.head() + 1
        super().load([row._replace(position=position) for position, row in enumerate(rows, first)])


class LoadsStampTheirOwnTime(Mutant):
    caught_by = "test_a_log_taken_in_reads_as_it_did_where_it_came_from"

    def load(self, rows: Sequence[Row]) -> None:
        super().load([row._replace(recorded_at=self._clock()) for row in rows])


class LoadsWithoutLooking(Mutant):
    caught_by = "test_a_row_that_does_not_fit_refuses_all"

    def _check_loadable(self, rows: Sequence[Row]) -> None:
        pass


class LoadsOneByOne(Mutant):
    """Takes in what comes before the row that does not fit."""

    caught_by = "test_a_row_that_does_not_fit_refuses_all"

    def load(self, rows: Sequence[Row]) -> None:
        for row in rows:
            super().load([row])


class LoadsBreakSeals(Mutant):
    caught_by = "test_a_sealed_store_takes_a_log_in"

    def load(self, rows: Sequence[Row]) -> None:
        self.unseal()
        super().load(rows)


class SealsRefuseRetries(Mutant):
    """Looks at the seal before it looks whether the events are known."""

    caught_by = "test_a_sealed_store_still_answers_a_retry"

    def append(self, *batches: Batch, condition: Condition | None = None) -> Appended:
        self._check_unsealed()
        return super().append(*batches, condition=condition)


class SealsAreForgotten(Mutant):
    caught_by = "test_a_sealed_store_takes_no_append_and_says_why"

    def seal(self, reason: str) -> None:
        pass


class DeniesItsMoving(Mutant):
    caught_by = "test_it_lacks_moving_as_it_says"
    lacks = {**MEMORY, "moving": "no time"}


class DeniesItsViews(Mutant):
    """Says that it lacks what it has, to be spared the tests."""

    caught_by = "test_it_lacks_views_as_it_says"
    lacks = {**MEMORY, "views": "no time"}


class DeniesItsSearching(Mutant):
    caught_by = "test_it_lacks_searching_as_it_says"
    lacks = {**MEMORY, "searching": "no time"}


class DeniesItsOrdering(Mutant):
    caught_by = "test_it_lacks_ordering_as_it_says"
    lacks = {**MEMORY, "ordering": "no time"}


class DeniesItsMaintenance(Mutant):
    caught_by = "test_it_lacks_maintenance_as_it_says"
    lacks = {**MEMORY, "maintenance": "no time"}
