"""Inboxes: nothing is lost, hidden for good, or handed out in silence; cursors never go back."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from fleet_core.api import Conflict, Fleet, NotFound
from fleet_squawk.api import Advance, Receive, advance, receive
from fleet_squawk.inbox_operations import FEW
from fleets import TestClock, opened, unlike
from mail import cursors, finish, join, look, storm, subjects, take, write


@pytest.fixture(params=["memory", "sqlite"])
def fleet(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Fleet]:
    with opened(tmp_path, request.param) as fleet:
        yield fleet
        assert not unlike(fleet)


@pytest.fixture
def ada(fleet: Fleet) -> int:
    return join(fleet, "ada")


def test_every_answer_carries_cursor_tail_and_unread_total(fleet: Fleet, ada: int) -> None:
    storm(fleet, "ada", 5)
    head = fleet.store.head()
    for found in (look(fleet, "ada", limit=2), take(fleet, ada, limit=2)):
        assert (found.cursor, found.tail, found.unread_total) == (0, head, 5)


def test_a_limited_inbox_carries_the_cursor_to_the_rest(fleet: Fleet, ada: int) -> None:
    storm(fleet, "ada", 5)
    first = look(fleet, "ada", limit=3)
    rest = look(fleet, "ada", limit=3, after=first.next)
    assert subjects(first) + subjects(rest) == ["0", "1", "2", "3", "4"]
    assert rest.next is None


def test_a_long_mailbox_is_shown_and_handed_out_in_order_from_its_beginning(fleet: Fleet, ada: int) -> None:
    storm(fleet, "ada", FEW + 3)
    for first in ("0", "2", "4"):
        assert subjects(look(fleet, "ada", limit=1)) == [first]
        found = take(fleet, ada, limit=2)
        assert subjects(found) == [first, str(int(first) + 1)]
        finish(fleet, ada, found.messages[-1].position)


def test_an_unknown_mailbox_is_an_error_and_never_empty(fleet: Fleet, ada: int) -> None:
    with pytest.raises(NotFound, match="no mailbox 'eve'"):
        look(fleet, "eve")
    with pytest.raises(NotFound, match="no mailbox 'eve'"):
        take(fleet, ada, mailbox="eve")


def test_an_empty_mailbox_says_so_and_records_nothing(fleet: Fleet, ada: int) -> None:
    head = fleet.store.head()
    assert take(fleet, ada).unread_total == look(fleet, "ada").unread_total == 0
    assert fleet.store.head() == head


def test_looking_hands_out_nothing(fleet: Fleet, ada: int) -> None:
    storm(fleet, "ada", 2)
    head = fleet.store.head()
    look(fleet, "ada")
    assert fleet.store.head() == head
    assert [row.redelivered for row in take(fleet, ada).messages] == [False, False]


def test_what_is_not_done_with_is_handed_out_again_and_marked(fleet: Fleet, ada: int) -> None:
    storm(fleet, "ada", 3)
    take(fleet, ada, limit=2)
    again = take(fleet, ada)
    assert [(row.subject, row.redelivered) for row in again.messages] == [
        ("0", True),
        ("1", True),
        ("2", False),
    ]
    assert [row.redelivered for row in look(fleet, "ada").messages] == [True, True, True]


def test_what_is_done_with_is_not_handed_out_again(fleet: Fleet, ada: int) -> None:
    storm(fleet, "ada", 3)
    finish(fleet, ada, take(fleet, ada, limit=2).messages[-1].position)
    assert subjects(take(fleet, ada)) == ["2"]
    assert look(fleet, "ada").unread_total == 1


def test_a_cursor_does_not_go_back_and_the_refusal_says_where_it_stands(fleet: Fleet, ada: int) -> None:
    storm(fleet, "ada", 3)
    first, _, last = take(fleet, ada).messages
    finish(fleet, ada, last.position)
    with pytest.raises(Conflict, match=f"stands at {last.position}") as refusal:
        finish(fleet, ada, first.position)
    assert refusal.value.details["cursor"] == last.position


def test_a_cursor_does_not_pass_over_what_was_never_handed_out(fleet: Fleet, ada: int) -> None:
    storm(fleet, "ada", 3)
    handed = take(fleet, ada, limit=1).messages[0].position
    with pytest.raises(Conflict, match=f"up to {handed} only"):
        finish(fleet, ada, look(fleet, "ada").tail)
    finish(fleet, ada, look(fleet, "ada").tail, unseen=True)
    assert look(fleet, "ada").unread_total == 0


def test_messages_that_a_filter_hid_are_not_lost(fleet: Fleet, ada: int) -> None:
    for priority in ("low", "urgent", "normal", "high"):
        write(fleet, ada, "ada", priority, priority=priority)
    urgent = look(fleet, "ada", at_least="high")
    assert (subjects(urgent), urgent.unread_total) == (["urgent", "high"], 4)
    with pytest.raises(Conflict, match="handed out"):
        finish(fleet, ada, urgent.messages[-1].position)
    assert subjects(take(fleet, ada)) == ["low", "urgent", "normal", "high"]


def test_a_filtered_inbox_goes_on_where_it_was_cut_off(fleet: Fleet, ada: int) -> None:
    for number in range(6):
        write(fleet, ada, "ada", str(number), priority="urgent" if number % 2 else "low")
    first = look(fleet, "ada", at_least="urgent", limit=2)
    rest = look(fleet, "ada", at_least="urgent", limit=2, after=first.next)
    assert subjects(first) + subjects(rest) == ["1", "3", "5"]
    assert rest.next is None


def test_each_consumer_has_a_cursor_of_its_own(fleet: Fleet, ada: int) -> None:
    storm(fleet, "ada", 3)
    finish(fleet, ada, take(fleet, ada).tail)
    mirror = take(fleet, ada, consumer="mirror")
    assert (mirror.unread_total, [row.redelivered for row in mirror.messages]) == (3, [False] * 3)


def test_a_mailbox_is_emptied_by_its_owner_alone_but_open_to_the_eyes_of_all(fleet: Fleet, ada: int) -> None:
    bo = join(fleet, "bo")
    storm(fleet, "ada", 1)
    with pytest.raises(Conflict, match="emptied by ada alone"):
        take(fleet, bo, mailbox="ada")
    with pytest.raises(Conflict, match="emptied by ada alone"):
        finish(fleet, bo, 1, mailbox="ada", unseen=True)
    assert look(fleet, "ada").unread_total == 1


def test_the_past_of_an_inbox_can_be_shown(fleet: Fleet, ada: int) -> None:
    storm(fleet, "ada", 2)
    take(fleet, ada, limit=1)
    then = fleet.store.head()
    before = look(fleet, "ada")
    finish(fleet, ada, take(fleet, ada).tail)
    storm_later = write(fleet, ada, "ada", "later")
    assert look(fleet, "ada", as_of=str(then)) == before
    assert storm_later.message_id not in [row.message_id for row in before.messages]


def test_a_key_makes_advancing_safe(fleet: Fleet, ada: int) -> None:
    storm(fleet, "ada", 3)
    first, second, _ = take(fleet, ada).messages
    done = advance(fleet, Advance(token=ada, position=first.position, key="k"))
    finish(fleet, ada, second.position)
    again = advance(fleet, Advance(token=ada, position=first.position, key="k"))
    assert (again.state, again.replayed) == (done.state, True)
    assert look(fleet, "ada").cursor == second.position


def test_a_key_gives_the_same_page_again_without_calling_it_redelivered(fleet: Fleet, ada: int) -> None:
    storm(fleet, "ada", 3)
    first = receive(fleet, Receive(token=ada, limit=2, key="k"))
    write(fleet, ada, "ada", "later")
    again = receive(fleet, Receive(token=ada, limit=2, key="k"))
    assert (again.state, again.replayed) == (first.state, True)


# Against a list.


PRIORITIES = ("low", "normal", "high", "urgent")


class Mailroom(RuleBasedStateMachine):
    """A mailbox against a list of what was sent, and three numbers."""

    def __init__(self) -> None:
        super().__init__()
        self._scope = self._opened()
        self.fleet = self._scope.__enter__()
        self.ada = join(self.fleet, "ada")
        self.sent: list[tuple[str, str, int]] = []
        self.done = self.handed = 0
        self.numbers = count()

    @staticmethod
    @contextmanager
    def _opened() -> Iterator[Fleet]:
        with TemporaryDirectory() as folder, opened(Path(folder), "memory", TestClock()) as fleet:
            yield fleet

    def teardown(self) -> None:
        assert not unlike(self.fleet)
        self._scope.__exit__(None, None, None)

    @rule(priority=st.sampled_from(PRIORITIES))
    def send(self, priority: str) -> None:
        subject = str(next(self.numbers))
        write(self.fleet, self.ada, "ada", subject, priority=priority)
        self.sent.append((subject, priority, look(self.fleet, "ada").tail))

    @rule(limit=st.integers(1, 4))
    def receive(self, limit: int) -> None:
        found = take(self.fleet, self.ada, limit=limit)
        page = self.sent[self.done : self.done + limit]
        assert subjects(found) == [subject for subject, _, _ in page]
        assert [row.redelivered for row in found.messages] == [
            self.done + index < self.handed for index in range(len(page))
        ]
        self.handed = max(self.handed, self.done + len(page))

    @rule(to=st.integers(0, 12))
    def advance(self, to: int) -> None:
        to = min(to, len(self.sent))
        position = self.sent[to - 1][2] if to else 0
        if self.done <= to <= self.handed:
            finish(self.fleet, self.ada, position)
            self.done = to
        else:
            with pytest.raises(Conflict):
                finish(self.fleet, self.ada, position)

    @rule(least=st.sampled_from(PRIORITIES), limit=st.integers(1, 4))
    def look(self, least: str, limit: int) -> None:
        wanted = PRIORITIES[PRIORITIES.index(least) :]
        unread = [each for each in self.sent[self.done :] if each[1] in wanted]
        found = look(self.fleet, "ada", at_least=least, limit=limit)
        assert subjects(found) == [subject for subject, _, _ in unread[:limit]]
        assert found.next == (unread[limit - 1][2] if len(unread) > limit else None)

    @invariant()
    def the_numbers_are_right(self) -> None:
        found = look(self.fleet, "ada", limit=1)
        assert found.cursor == (self.sent[self.done - 1][2] if self.done else 0)
        assert found.tail == (self.sent[-1][2] if self.sent else 0)
        assert found.unread_total == len(self.sent) - self.done
        assert cursors(self.fleet, "ada") == sorted(cursors(self.fleet, "ada"))


def test_an_inbox_is_what_a_list_and_two_numbers_are() -> None:
    run_state_machine_as_test(
        Mailroom,
        settings=settings(
            max_examples=40, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
