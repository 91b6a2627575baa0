"""The ability `Maintenance`: a store that describes and checks itself."""

import pytest

from fleet_core.errors import VersionConflict
from fleet_core.stores import Batch, EventStore, Maintenance
from fleet_core.testing.abilities import needs, proves_lack_of
from fleet_core.testing.store_kit.base import KIT, OTHER, note, notes


def _maintained(store: EventStore) -> Maintenance:
    assert isinstance(store, Maintenance), (
        'say lacks = {"maintenance": "why"} when it does not describe itself'
    )
    return store


class MaintenanceKit:
    """`info` counts, `verify` finds nothing in a sound log."""

    @needs("maintenance")
    def test_info_of_an_empty_log_counts_nothing(self, store: EventStore) -> None:
        info = _maintained(store).info()
        assert (info.events, info.streams, info.head) == (0, 0, 0)
        assert info.backend
        assert info.schema_version >= 1

    @needs("maintenance")
    def test_info_counts_events_and_streams(self, store: EventStore) -> None:
        store.append(Batch(KIT, notes(3)), Batch(OTHER, notes(2)))
        with pytest.raises(VersionConflict):
            store.append(Batch(KIT, [note()], 1))
        info = _maintained(store).info()
        assert (info.events, info.streams, info.head) == (5, 2, store.head())

    @needs("maintenance")
    def test_info_counts_bytes(self, store: EventStore) -> None:
        store.append(Batch(KIT, [note("x" * 100_000)]))
        assert _maintained(store).info().bytes >= 100_000

    @needs("maintenance")
    def test_verify_finds_nothing_in_an_empty_log(self, store: EventStore) -> None:
        verification = _maintained(store).verify()
        assert (verification.events, verification.head, verification.findings) == (0, 0, [])

    @needs("maintenance")
    def test_verify_finds_nothing_in_a_sound_log(self, store: EventStore) -> None:
        for number in range(5):
            store.append(Batch(KIT, notes(3)), Batch(OTHER, [note(tags=("a",), metadata={"n": number})]))
        store.append(
            Batch(KIT, [note(id="given", occurred_at=5, causation_id="else", correlation_id="saga")])
        )
        verification = _maintained(store).verify()
        assert (verification.events, verification.head, verification.findings) == (21, store.head(), [])

    @needs("maintenance")
    def test_verify_tells_how_far_it_has_come(self, store: EventStore) -> None:
        told: list[int] = []
        _maintained(store).verify(told.append)
        assert told == []
        store.append(Batch(KIT, notes(3)))
        _maintained(store).verify(told.append)
        assert told == sorted(set(told))
        assert told[-1] == store.head()

    @proves_lack_of("maintenance")
    def test_it_lacks_maintenance_as_it_says(self, store: EventStore) -> None:
        assert not isinstance(store, Maintenance), "it describes and checks itself: take that out of `lacks`"
