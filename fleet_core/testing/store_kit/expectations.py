"""Expected versions: what a writer believes of a stream, and what happens when it is wrong."""

import pytest

from fleet_core.errors import Invalid, VersionConflict
from fleet_core.stores import Batch, EventStore, Expected
from fleet_core.testing.store_kit.base import KIT, OTHER, note, notes, said


class ExpectationsKit:
    """Modes: any, no stream, an existing stream, an exact version."""

    def test_any_version_accepts_a_stream_that_is_not_there(self, store: EventStore) -> None:
        assert store.append(Batch(KIT, [note()])).versions == [1]

    def test_any_version_accepts_a_stream_that_is_there(self, store: EventStore) -> None:
        store.append(Batch(KIT, notes(2)))
        assert store.append(Batch(KIT, [note()], Expected.ANY)).versions == [3]

    def test_no_stream_accepts_a_stream_that_is_not_there(self, store: EventStore) -> None:
        store.append(Batch(OTHER, [note()]))
        assert store.append(Batch(KIT, [note()], Expected.NO_STREAM)).versions == [1]

    def test_no_stream_refuses_a_stream_that_is_there(self, store: EventStore) -> None:
        store.append(Batch(KIT, notes(2)))
        with pytest.raises(VersionConflict) as refusal:
            store.append(Batch(KIT, [note()], Expected.NO_STREAM))
        assert refusal.value.expected == str(Expected.NO_STREAM)
        assert refusal.value.actual == 2

    def test_an_existing_stream_accepts_a_stream_that_is_there(self, store: EventStore) -> None:
        store.append(Batch(KIT, notes(2)))
        assert store.append(Batch(KIT, [note()], Expected.EXISTS)).versions == [3]

    def test_an_existing_stream_refuses_a_stream_that_is_not_there(self, store: EventStore) -> None:
        store.append(Batch(OTHER, [note()]))
        with pytest.raises(VersionConflict) as refusal:
            store.append(Batch(KIT, [note()], Expected.EXISTS))
        assert refusal.value.expected == str(Expected.EXISTS)
        assert refusal.value.actual == 0

    def test_version_0_accepts_a_stream_that_is_not_there(self, store: EventStore) -> None:
        assert store.append(Batch(KIT, notes(2), 0)).versions == [1, 2]

    def test_version_0_refuses_a_stream_that_is_there(self, store: EventStore) -> None:
        store.append(Batch(KIT, [note()]))
        with pytest.raises(VersionConflict):
            store.append(Batch(KIT, [note()], 0))

    def test_the_exact_version_is_that_of_the_last_event(self, store: EventStore) -> None:
        store.append(Batch(KIT, notes(3)))
        assert store.append(Batch(KIT, [note()], 3)).versions == [4]

    def test_every_other_version_is_refused(self, store: EventStore) -> None:
        store.append(Batch(KIT, notes(3)))
        for expected in (0, 1, 2, 4, 5, 2**62):
            with pytest.raises(VersionConflict):
                store.append(Batch(KIT, [note()], expected))

    def test_a_version_above_0_refuses_a_stream_that_is_not_there(self, store: EventStore) -> None:
        with pytest.raises(VersionConflict) as refusal:
            store.append(Batch(KIT, [note()], 1))
        assert refusal.value.actual == 0

    def test_a_conflict_names_stream_expected_and_actual(self, store: EventStore) -> None:
        store.append(Batch(KIT, notes(3)))
        with pytest.raises(VersionConflict) as refusal:
            store.append(Batch(KIT, [note()], 7))
        assert (refusal.value.expected, refusal.value.actual) == ("7", 3)
        assert refusal.value.details["stream"] == str(KIT)
        assert refusal.value.remedy

    def test_a_version_counts_the_events_of_its_own_stream_alone(self, store: EventStore) -> None:
        store.append(Batch(OTHER, notes(5)))
        store.append(Batch(KIT, notes(2)))
        assert store.append(Batch(KIT, [note()], 2)).versions == [3]

    def test_a_negative_version_is_invalid(self, store: EventStore) -> None:
        with pytest.raises(Invalid):
            store.append(Batch(KIT, [note()], -1))

    def test_who_reads_again_after_a_conflict_gets_through(self, store: EventStore) -> None:
        store.append(Batch(KIT, notes(2)))
        with pytest.raises(VersionConflict) as refusal:
            store.append(Batch(KIT, [note("late")], 1))
        store.append(Batch(KIT, [note("late")], refusal.value.actual))
        assert said(store) == [1, 2, "late"]

    def test_a_batch_without_events_checks_its_expectation(self, store: EventStore) -> None:
        with pytest.raises(VersionConflict):
            store.append(Batch(OTHER, [], 1), Batch(KIT, [note()]))
        assert store.head() == 0

    def test_a_batch_without_events_makes_no_stream(self, store: EventStore) -> None:
        store.append(Batch(OTHER, [], Expected.NO_STREAM), Batch(KIT, [note()]))
        assert store.append(Batch(OTHER, [note()], Expected.NO_STREAM)).versions == [1]
