"""The ability `processes`: several openings at once, in this process and in others, and all see one log."""

import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import wait

import pytest

from fleet_core.errors import FleetError, IdReused, VersionConflict
from fleet_core.stores import Batch, EventStore, Expected
from fleet_core.testing.abilities import needs, proves_lack_of
from fleet_core.testing.store_kit import workers as work
from fleet_core.testing.store_kit.base import DEADLINE, KIT, OTHER, OpenStore, in_stream, note, notes, said
from fleet_core.testing.store_kit.waiting import waiting
from fleet_core.testing.store_kit.workers import Workers


class ProcessesKit:
    """Real processes, started afresh."""

    @pytest.fixture(scope="class")
    @classmethod
    def workers(cls) -> Iterator[Workers]:
        """Processes that race each other, the same for all these tests because starting them takes long."""
        workers = Workers()
        yield workers
        workers.close()

    @needs("processes")
    def test_what_one_opening_appends_the_other_reads_at_once(self, opened: Callable[[], EventStore]) -> None:
        one, two = opened(), opened()
        for number in range(5):
            position = one.append(Batch(KIT, [note(number)])).last
            assert said(two, after=position - 1) == [number]
            assert two.head() == position

    @needs("processes")
    def test_versions_and_ids_hold_across_openings(self, opened: Callable[[], EventStore]) -> None:
        one, two = opened(), opened()
        first = one.append(Batch(KIT, [note(id="a"), note(id="b")]))
        with pytest.raises(VersionConflict):
            two.append(Batch(KIT, [note()], Expected.NO_STREAM))
        with pytest.raises(IdReused):
            two.append(Batch(OTHER, [note(id="a")]))
        assert two.append(Batch(KIT, [note(id="a"), note(id="b")])).positions == first.positions
        assert two.append(Batch(KIT, [note()], 2)).versions == [3]
        assert one.append(Batch(KIT, [note()], 3)).versions == [4]

    @needs("processes")
    def test_a_commit_of_another_opening_wakes_who_waits(self, opened: Callable[[], EventStore]) -> None:
        one, two = opened(), opened()
        woken = waiting(two, 0)
        one.append(Batch(KIT, [note()]))
        assert woken() is True

    @needs("processes")
    def test_closing_one_opening_leaves_the_other_open(self, opened: Callable[[], EventStore]) -> None:
        one, two = opened(), opened()
        one.append(Batch(KIT, notes(2)))
        one.close()
        assert two.append(Batch(KIT, [note(3)], 2)).versions == [3]
        assert said(two) == [1, 2, 3]

    @needs("processes")
    def test_processes_see_each_other_s_events(
        self, store: EventStore, workers: Workers, open_store: OpenStore
    ) -> None:
        workers.run(work.append_one, open_store)
        found = said(store)
        assert sorted(found) == [0, 1, 2]
        assert workers.run(work.look, open_store) == [found] * work.PROCESSES

    @needs("processes")
    def test_processes_may_make_the_store_together(self, workers: Workers, open_store: OpenStore) -> None:
        answers = workers.run(work.append_one, open_store)
        assert sorted(answer.versions[0] for answer in answers) == [1, 2, 3]

    @needs("processes")
    def test_of_processes_racing_for_a_version_exactly_one_wins(
        self, store: EventStore, workers: Workers, open_store: OpenStore
    ) -> None:
        results = workers.run(work.race_for_versions, open_store)
        assert [sum(won) for won in zip(*results, strict=True)] == [1] * 8
        assert [event.version for event in in_stream(store, KIT)] == list(range(1, 9))

    @needs("processes")
    def test_of_processes_racing_under_a_condition_exactly_one_wins(
        self, store: EventStore, workers: Workers, open_store: OpenStore
    ) -> None:
        results = workers.run(work.race_under_conditions, open_store)
        assert [sum(won) for won in zip(*results, strict=True)] == [1] * 8
        assert len(said(store)) == 8

    @needs("processes")
    def test_processes_that_append_to_one_stream_lose_nothing(
        self, store: EventStore, workers: Workers, open_store: OpenStore
    ) -> None:
        claimed = sorted(row for rows in workers.run(work.append_many, open_store) for row in rows)
        assert claimed == [(event.position, event.version, event.plain) for event in in_stream(store, KIT)]
        assert [version for _, version, _ in claimed] == list(range(1, len(claimed) + 1))

    @needs("processes")
    def test_processes_that_send_the_same_events_record_them_once(
        self, store: EventStore, workers: Workers, open_store: OpenStore
    ) -> None:
        results = workers.run(work.append_the_same, open_store)
        for answers in zip(*results, strict=True):
            assert len({position for position, _ in answers}) == 1
            assert [replayed for _, replayed in answers].count(False) == 1
        assert len(said(store)) == 8

    @needs("processes")
    def test_no_reader_skips_what_other_processes_append(
        self, store: EventStore, workers: Workers, open_store: OpenStore
    ) -> None:
        futures = workers.start(work.append_many, open_store)
        seen: list[int] = []
        while True:
            over = all(future.done() for future in futures)
            seen += [event.position for event in store.read(after=seen[-1] if seen else 0)]
            if over:
                break
            wait(futures, 0.001)
        assert [future.result() for future in futures]
        assert seen == [event.position for event in store.read()]

    @needs("processes")
    def test_no_reader_sees_half_of_another_process_s_append(
        self, store: EventStore, workers: Workers, open_store: OpenStore
    ) -> None:
        futures = workers.start(work.append_many, open_store)
        while not all(future.done() for future in futures):
            found = said(store)
            assert found[::2] == found[1::2]
            wait(futures, 0.001)
        assert [future.result() for future in futures]

    @needs("processes")
    def test_a_commit_of_another_process_wakes_who_waits(
        self, store: EventStore, open_store: OpenStore
    ) -> None:
        woken = waiting(store, 0)
        _in_process(open_store)
        assert woken() is True
        assert said(store) == ["from elsewhere"]

    @proves_lack_of("processes")
    def test_it_lacks_processes_as_it_says(self, store: EventStore, open_store: OpenStore) -> None:
        _in_process(open_store)
        try:
            found = said(store)
        except FleetError:
            found = []
        assert found != ["from elsewhere"], (
            "another process's events are seen: take `processes` out of `lacks`"
        )


def _in_process(open_store: OpenStore) -> None:
    process = multiprocessing.get_context("spawn").Process(target=work.append_and_leave, args=(open_store,))
    process.start()
    process.join(DEADLINE)
    assert process.exitcode == 0, f"the other process ended with {process.exitcode}"
