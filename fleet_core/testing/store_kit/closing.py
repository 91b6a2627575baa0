"""Closing: final, safe to repeat, and said to whoever comes after."""

from collections.abc import Callable

import pytest

from fleet_core.errors import Unavailable
from fleet_core.stores import Batch, EventStore
from fleet_core.testing.store_kit.base import KIT, note

CALLS: list[Callable[[EventStore], object]] = [
    lambda store: store.append(Batch(KIT, [note()])),
    lambda store: list(store.read()),
    lambda store: store.head(),
    lambda store: store.wait(0, 0.01),
    lambda store: store.wait(-1, 0),
]


class ClosingKit:
    """`close` ends it."""

    def test_it_may_be_closed_twice(self, store: EventStore) -> None:
        store.append(Batch(KIT, [note()]))
        store.close()
        store.close()

    def test_it_may_be_closed_without_having_been_used(self, store: EventStore) -> None:
        store.close()

    def test_after_that_every_call_says_that_it_is_closed(self, store: EventStore) -> None:
        store.append(Batch(KIT, [note()]))
        store.close()
        for call in CALLS:
            with pytest.raises(Unavailable):
                call(store)
