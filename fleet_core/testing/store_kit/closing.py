"""Closing: final, safe to repeat, and said to whoever comes after."""

from collections.abc import Callable

import pytest

from fleet_core.errors import Unavailable
from fleet_core.stores import Batch, EventStore
from fleet_core.testing.store_kit.base import KIT, note

CALLS: dict[str, Callable[[EventStore], object]] = {
    "append": lambda store: store.append(Batch(KIT, [note()])),
    "read": lambda store: list(store.read()),
    "head": lambda store: store.head(),
    "wait": lambda store: store.wait(0, 0.01),
    "wait for what is there": lambda store: store.wait(-1, 0),
}


class ClosingKit:
    """`close` ends it."""

    def test_it_may_be_closed_twice(self, store: EventStore) -> None:
        store.append(Batch(KIT, [note()]))
        store.close()
        store.close()

    def test_it_may_be_closed_without_having_been_used(self, store: EventStore) -> None:
        store.close()

    @pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
    def test_after_that_every_call_says_that_it_is_closed(
        self, store: EventStore, call: Callable[[EventStore], object]
    ) -> None:
        store.append(Batch(KIT, [note()]))
        store.close()
        with pytest.raises(Unavailable):
            call(store)
