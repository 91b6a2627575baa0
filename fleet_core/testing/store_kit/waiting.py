"""Waiting for news: woken by a commit, not by luck."""

import threading
from collections.abc import Callable

from fleet_core.stores import Batch, EventStore
from fleet_core.testing.store_kit.base import DEADLINE, KIT, in_thread, note, notes

PATIENCE = 20 * DEADLINE
"""A time-out that no test survives: a waiter must come back long before, because it was woken."""


class WaitingKit:
    """`wait` says whether the head is beyond a position."""

    def test_it_returns_at_once_when_there_is_news_already(self, store: EventStore) -> None:
        head = store.append(Batch(KIT, notes(2))).last
        assert in_thread(lambda: store.wait(0, PATIENCE))() is True
        assert in_thread(lambda: store.wait(head - 1, PATIENCE))() is True
        assert store.wait(head - 1, 0) is True

    def test_it_says_so_when_time_is_up(self, store: EventStore) -> None:
        head = store.append(Batch(KIT, notes(2))).last
        assert store.wait(head, 0) is False
        assert store.wait(head, 0.02) is False
        assert store.wait(head + 5, 0.02) is False

    def test_an_empty_log_has_no_news(self, store: EventStore) -> None:
        assert store.wait(0, 0.02) is False

    def test_a_commit_of_another_thread_wakes_it(self, store: EventStore) -> None:
        head = store.append(Batch(KIT, [note()])).last
        woken = waiting(store, head)
        store.append(Batch(KIT, [note()]))
        assert woken() is True

    def test_every_waiter_is_woken(self, store: EventStore) -> None:
        waiters = [waiting(store, 0) for _ in range(5)]
        store.append(Batch(KIT, [note()]))
        assert [woken() for woken in waiters] == [True] * 5

    def test_what_it_announces_can_be_read(self, store: EventStore) -> None:
        def first_news() -> list[int]:
            store.wait(0, PATIENCE)
            return [event.plain for event in store.read()]

        news = in_thread(first_news)
        store.append(Batch(KIT, notes(3)))
        assert news() == [1, 2, 3]

    def test_a_reader_follows_the_log_by_waiting(self, store: EventStore) -> None:
        def follow() -> list[int]:
            seen: list[int] = []
            last = 0
            while len(seen) < 20 and store.wait(last, PATIENCE):
                for event in store.read(after=last):
                    seen.append(event.plain)
                    last = event.position
            return seen

        follower = in_thread(follow)
        for number in range(20):
            store.append(Batch(KIT, [note(number)]))
        assert follower() == list(range(20))


def waiting(store: EventStore, after: int) -> Callable[[], bool]:
    """A thread that waits, most likely already: either way it must come back with the news."""
    about_to = threading.Event()

    def wait() -> bool:
        about_to.set()
        return store.wait(after, PATIENCE)

    woken = in_thread(wait)
    about_to.wait(DEADLINE)
    threading.Event().wait(0.02)  # proves nothing, but without it few would be asleep when the news comes
    return woken
