"""Threads that race: exactly one wins, nothing is lost, and no reader skips."""

import sys
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from fleet_core.codecs import EventCodec
from fleet_core.errors import ConditionFailed, FleetError, VersionConflict
from fleet_core.stores import ALL, Appended, Batch, Condition, EventStore, Expected, Query, Stream
from fleet_core.testing.store_kit.base import (
    KIT,
    OTHER,
    OpenStore,
    UnevenClock,
    in_stream,
    in_thread,
    note,
    notes,
    race,
    said,
)

RACERS = 8


def _winners(results: list[Appended | FleetError]) -> list[Appended]:
    return [result for result in results if isinstance(result, Appended)]


def _refusals(results: list[Appended | FleetError]) -> set[type]:
    return {type(result) for result in results if not isinstance(result, Appended)}


class _Writers:
    """Threads that append pairs of events until each has done its share."""

    def __init__(self, store: EventStore) -> None:
        self._store = store
        self._ended: list[int] = []
        self._results = [in_thread(partial(self._write, writer)) for writer in range(4)]

    def _write(self, writer: int) -> None:
        try:
            for number in range(15):
                pair = [note(f"{writer}-{number}", tags=("even",) * (number % 2 == 0)) for _ in range(2)]
                self._store.append(Batch(Stream("kit", str(writer)), pair))
        finally:
            self._ended.append(writer)

    def are_done(self) -> bool:
        """Whether all have come to their end."""
        return len(self._ended) == len(self._results)

    def finish(self) -> None:
        """Wait for them; what went wrong in one goes wrong here."""
        for result in self._results:
            result()


def _tail(store: EventStore, query: Query, is_over: Callable[[], bool]) -> list[int]:
    """Follow the log as a consumer does, by the last position seen, until the writers are done."""
    seen: list[int] = []
    last = 0
    while True:
        over = is_over()
        for event in store.read(query, after=last):
            seen.append(event.position)
            last = event.position
        if over:
            return seen


class ThreadsKit:
    """The clock that these stores read takes uneven time, so that what can be overtaken is."""

    @pytest.fixture
    def raced(self, open_store: OpenStore, codec: EventCodec) -> Iterator[EventStore]:
        """The store, with a clock that stretches every append, and threads that change places often."""
        interval = sys.getswitchinterval()
        sys.setswitchinterval(1e-5)
        store = open_store(codec, UnevenClock())
        yield store
        store.close()
        sys.setswitchinterval(interval)

    def test_of_racers_for_a_version_exactly_one_wins(self, raced: EventStore) -> None:
        for version in range(8):
            results = race(*(partial(raced.append, Batch(KIT, [note()], version)) for _ in range(RACERS)))
            assert len(_winners(results)) == 1
            assert _refusals(results) == {VersionConflict}
        assert [event.version for event in in_stream(raced, KIT)] == list(range(1, 9))

    def test_of_racers_for_a_new_stream_exactly_one_wins(self, raced: EventStore) -> None:
        for number in range(8):
            batch = Batch(Stream("kit", str(number)), [note()], Expected.NO_STREAM)
            results = race(*(partial(raced.append, batch) for _ in range(RACERS)))
            assert len(_winners(results)) == 1
        assert len(said(raced)) == 8

    def test_of_racers_under_a_condition_exactly_one_wins(self, raced: EventStore) -> None:
        for number in range(8):
            claim = note(type="claimed", tags=(f"seat:{number}",))
            free = Condition(Query.of(types=("claimed",), tags=(f"seat:{number}",)))
            claims = [Batch(Stream("kit", f"{number}-{racer}"), [claim], 0) for racer in range(RACERS)]
            results = race(*(partial(raced.append, batch, condition=free) for batch in claims))
            assert len(_winners(results)) == 1
            assert _refusals(results) == {ConditionFailed}
        assert len(said(raced)) == 8

    def test_an_append_without_a_condition_is_seen_by_one_that_races_it(self, raced: EventStore) -> None:
        for number in range(8):
            boundary = raced.head()
            free = partial(raced.append, Batch(KIT, [note(f"free {number}")]))
            bound = partial(
                raced.append, Batch(OTHER, [note(f"bound {number}")]), condition=Condition(ALL, boundary)
            )
            race(free, bound)
            assert said(raced, after=boundary)[-1] == f"free {number}"

    def test_racers_for_any_version_lose_nothing(self, raced: EventStore) -> None:
        def write(writer: int) -> list[tuple[int, int, str]]:
            answers = [
                (raced.append(Batch(KIT, [note(f"{writer}-{number}")])), number) for number in range(10)
            ]
            return [(a.positions[0], a.versions[0], f"{writer}-{number}") for a, number in answers]

        results = race(*(partial(write, writer) for writer in range(RACERS)))
        claimed = sorted(row for result in results for row in _rows(result))
        assert claimed == [(event.position, event.version, event.plain) for event in in_stream(raced, KIT)]
        assert [version for _, version, _ in claimed] == list(range(1, 10 * RACERS + 1))

    def test_a_counter_that_retries_on_conflict_loses_no_step(self, raced: EventStore) -> None:
        def count() -> None:
            for _ in range(5):
                while not _step(raced):
                    pass

        race(*(count for _ in range(4)))
        assert said(raced) == list(range(1, 21))

    def test_racing_retries_record_once_and_are_answered_alike(self, raced: EventStore) -> None:
        for number in range(5):
            batch = Batch(
                KIT, [note(number, id=f"id-{number}"), note(number, id=f"id-{number}-b")], number * 2
            )
            results = race(*(partial(raced.append, batch) for _ in range(RACERS)))
            assert len(_winners(results)) == RACERS
            assert sum(not winner.replayed for winner in _winners(results)) == 1
            assert len({tuple(winner.positions) for winner in _winners(results)}) == 1
        assert len(said(raced)) == 10

    def test_appends_over_two_streams_in_opposite_orders_all_get_through(self, raced: EventStore) -> None:
        def write(first: Stream, second: Stream) -> None:
            for _ in range(5):
                raced.append(Batch(first, [note()]), Batch(second, [note()]))

        race(*(partial(write, *pair) for pair in [(KIT, OTHER), (OTHER, KIT)] * 3))
        assert len(in_stream(raced, KIT)) == len(in_stream(raced, OTHER)) == 30

    def test_one_racer_s_refusal_refuses_nobody_else(self, raced: EventStore) -> None:
        good = [partial(raced.append, Batch(Stream("good", str(n)), notes(2), 0)) for n in range(RACERS)]
        bad = [partial(raced.append, Batch(Stream("bad", str(n)), notes(2), 5)) for n in range(RACERS)]
        results = race(*(runner for pair in zip(good, bad, strict=True) for runner in pair))
        assert len(_winners(results)) == RACERS
        assert len(said(raced)) == 2 * RACERS

    def test_no_reader_skips(self, raced: EventStore) -> None:
        writers = _Writers(raced)
        everything = in_thread(lambda: _tail(raced, ALL, writers.are_done))
        tagged = in_thread(lambda: _tail(raced, Query.of(tags=("even",)), writers.are_done))
        writers.finish()
        assert everything() == [event.position for event in raced.read()]
        assert tagged() == [event.position for event in raced.read(Query.of(tags=("even",)))]

    def test_no_reader_sees_half_of_an_append(self, raced: EventStore) -> None:
        writers = _Writers(raced)
        while not writers.are_done():
            found = said(raced)
            assert len(found) % 2 == 0
            assert found[::2] == found[1::2]
        writers.finish()

    def test_a_writer_reads_its_own_event_at_once(self, raced: EventStore) -> None:
        def append_and_look(writer: int) -> list[bool]:
            return [_is_seen(raced, raced.append(Batch(KIT, [note(writer)])).last) for _ in range(8)]

        results = race(*(partial(append_and_look, writer) for writer in range(RACERS)))
        assert results == [[True] * 8] * RACERS

    def test_the_head_is_never_ahead_of_what_can_be_read(self, raced: EventStore) -> None:
        writers = _Writers(raced)
        heads = [0]
        while not writers.are_done():
            heads.append(raced.head())
            newest = max((event.position for event in raced.read(backwards=True, limit=1)), default=0)
            assert newest >= heads[-1]
        writers.finish()
        assert heads == sorted(heads)


def _rows(result: list[tuple[int, int, str]] | FleetError) -> list[tuple[int, int, str]]:
    assert isinstance(result, list)
    return result


def _step(store: EventStore) -> bool:
    last = next(store.read(Query.of(streams=(KIT,)), backwards=True, limit=1), None)
    version, count = (0, 0) if last is None else (last.version, last.plain)
    try:
        store.append(Batch(KIT, [note(count + 1)], version))
    except VersionConflict:
        return False
    return True


def _is_seen(store: EventStore, position: int) -> bool:
    seen = [event.position for event in store.read(after=position - 1, before=position + 1)]
    return seen == [position] and store.head() >= position
