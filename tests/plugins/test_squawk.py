"""Squawks: who gets a message, what is told of it afterwards, and what is refused."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fleet_core.api import Conflict, Fenced, Fleet, Invalid, NotFound, Query
from fleet_leases.api import LeaseExpired
from fleet_specialists.api import Heartbeat as Beat
from fleet_specialists.api import Retire, heartbeat, retire
from fleet_squawk.api import (
    Ack,
    ListMailboxes,
    ListThreads,
    Overdue,
    ReadMessage,
    Receive,
    Reply,
    Search,
    Send,
    ShowThread,
    SquawkSent,
    ack,
    mailboxes,
    overdue,
    read,
    receive,
    reply,
    search,
    send,
    thread,
    threads,
)
from fleets import TestClock, opened, unlike
from mail import finish, join, look, storm, subjects, take, write


@pytest.fixture
def clock() -> TestClock:
    return TestClock()


@pytest.fixture(params=["memory", "sqlite"])
def fleet(request: pytest.FixtureRequest, tmp_path: Path, clock: TestClock) -> Iterator[Fleet]:
    settings = {"squawk": {"broadcasts": 3, "broadcast_window": 60, "ack_within": 30}}
    with opened(tmp_path, request.param, clock, plugins=settings) as fleet:
        yield fleet
        assert not unlike(fleet)


@pytest.fixture
def ada(fleet: Fleet) -> int:
    return join(fleet, "ada", "builder")


@pytest.fixture
def cy(fleet: Fleet) -> int:
    return join(fleet, "cy", "coordinator")


def sent_events(fleet: Fleet) -> list[SquawkSent]:
    return [event.data for event in fleet.store.read(Query.of(types=(SquawkSent.type_name,)))]


# Who gets it.


def test_a_message_lies_in_the_mailbox_it_was_sent_to(fleet: Fleet, ada: int, cy: int) -> None:
    sent = write(fleet, cy, "ada", "need settings.py", body="please", priority="high", thread="ms-1/settings")
    [row] = look(fleet, "ada", bodies=True).messages
    assert (row.message_id, row.sender, row.subject) == (sent.message_id, "cy", "need settings.py")
    assert (row.body, row.priority, row.thread_id) == ("please", "high", "ms-1/settings")


def test_a_message_to_a_role_goes_to_each_of_it_but_the_sender(fleet: Fleet, ada: int) -> None:
    join(fleet, "bo", "builder")
    join(fleet, "rey", "reviewer")
    assert write(fleet, ada, "@builder").recipients == ("bo",)
    assert write(fleet, join(fleet, "cy"), "@builders").recipients == ("ada", "bo")


def test_a_message_to_all_goes_to_everybody_who_lives(fleet: Fleet, ada: int, cy: int) -> None:
    join(fleet, "bo")
    retire(fleet, Retire(specialist="bo"))
    assert write(fleet, ada, "@all").recipients == ("cy",)


def test_who_has_not_been_heard_of_in_time_is_not_of_the_role(
    fleet: Fleet, clock: TestClock, ada: int, cy: int
) -> None:
    join(fleet, "bo", "builder")
    clock.advance(40)
    heartbeat(fleet, Beat(token=ada))
    heartbeat(fleet, Beat(token=cy))
    clock.advance(30)
    assert write(fleet, cy, "@builder").recipients == ("ada",)


def test_copies_share_one_message_id_and_one_append(fleet: Fleet, ada: int, cy: int) -> None:
    join(fleet, "bo", "builder")
    sent = write(fleet, cy, "@builder")
    copies = [each for each in sent_events(fleet) if each.message_id == sent.message_id]
    assert [(each.mailbox_id, each.copy, each.to) for each in copies] == [
        ("ada", 0, "@builder"),
        ("bo", 1, "@builder"),
    ]


@pytest.mark.parametrize("to", ["eve", "@reviewer", "@builder"])
def test_nobody_to_read_it_is_an_error_and_nothing_is_sent(fleet: Fleet, ada: int, to: str) -> None:
    head = fleet.store.head()
    with pytest.raises(NotFound) as refusal:
        write(fleet, ada, to)
    assert refusal.value.remedy
    assert fleet.store.head() == head


def test_a_lost_specialist_still_gets_mail(fleet: Fleet, clock: TestClock, ada: int) -> None:
    clock.advance(61)
    cy = join(fleet, "cy")
    assert write(fleet, cy, "ada").recipients == ("ada",)


def test_messages_to_all_are_capped_per_sender_and_the_refusal_says_for_how_long(
    fleet: Fleet, clock: TestClock, ada: int, cy: int
) -> None:
    for _ in range(3):
        write(fleet, ada, "@all")
        clock.advance(10)
    write(fleet, cy, "@all")
    with pytest.raises(Conflict, match="3 messages to @all") as refusal:
        write(fleet, ada, "@all")
    assert refusal.value.details["seconds_left"] == 30
    heartbeat(fleet, Beat(token=ada))
    heartbeat(fleet, Beat(token=cy))
    clock.advance(30)
    assert write(fleet, ada, "@all").recipients == ("cy",)


def test_a_message_is_sent_under_a_session_and_a_stale_one_is_fenced(fleet: Fleet, clock: TestClock) -> None:
    ada = join(fleet, "ada")
    clock.advance(61)
    with pytest.raises(Fenced):
        write(fleet, ada, "ada")
    assert [each for each in sent_events(fleet) if each.sender_id == "ada"] == []


# Answers and threads.


def test_a_reply_goes_to_the_sender_in_the_same_thread_and_names_its_cause(
    fleet: Fleet, ada: int, cy: int
) -> None:
    first = write(fleet, cy, "ada", "need settings.py")
    answer = reply(fleet, Reply(token=ada, message=first.message_id, body="released")).state
    assert (answer.recipients, answer.thread_id, answer.subject) == (
        ("cy",),
        first.thread_id,
        "Re: need settings.py",
    )
    asked, told = fleet.store.read(Query.of(stream_types=("squawk",)))
    assert told.causation_id == asked.id


def test_what_the_fleet_itself_says_cannot_be_answered(fleet: Fleet, clock: TestClock, cy: int) -> None:
    join(fleet, "ada")
    clock.advance(40)
    heartbeat(fleet, Beat(token=cy))
    clock.advance(30)
    heartbeat(fleet, Beat(token=cy))
    [row] = look(fleet, "cy").messages
    with pytest.raises(NotFound, match="the fleet itself"):
        reply(fleet, Reply(token=cy, message=row.message_id, body="oh"))


def test_a_thread_shows_each_message_once_in_order(fleet: Fleet, ada: int, cy: int) -> None:
    join(fleet, "bo", "builder")
    first = write(fleet, cy, "@builder", "one", thread="plan")
    reply(fleet, Reply(token=ada, message=first.message_id, body="yes", subject="two"))
    write(fleet, cy, "ada", "elsewhere")
    page = thread(fleet, ShowThread(thread="plan", limit=1))
    rest = thread(fleet, ShowThread(thread="plan", after=int(page.next or 0)))
    assert [each.subject for each in page.items + rest.items] == ["one", "two"]
    assert rest.next is None


def test_threads_tell_who_takes_part_and_what_was_said_last(fleet: Fleet, ada: int, cy: int) -> None:
    first = write(fleet, cy, "ada", "one")
    reply(fleet, Reply(token=ada, message=first.message_id, body="yes"))
    [found] = threads(fleet, ListThreads()).items
    assert (found.subject, found.messages, found.last_sender) == ("one", 2, "ada")
    assert found.participants == ("cy", "ada")


def test_a_thread_that_is_not_there_is_an_error(fleet: Fleet) -> None:
    with pytest.raises(NotFound, match="no thread 'plan'"):
        thread(fleet, ShowThread(thread="plan"))


# Words.


def test_messages_are_found_by_words_of_subject_and_body(fleet: Fleet, ada: int, cy: int) -> None:
    write(fleet, cy, "ada", "the schema", body="see src/db/models.py")
    write(fleet, cy, "ada", "lunch", body="at noon")
    assert [each.subject for each in search(fleet, Search(words="MODELS.py")).items] == ["the schema"]
    assert [each.subject for each in search(fleet, Search(words="lun")).items] == ["lunch"]


def test_copies_are_found_once_or_in_the_mailbox_that_is_named(fleet: Fleet, ada: int, cy: int) -> None:
    join(fleet, "bo", "builder")
    write(fleet, cy, "@builder", "standup")
    assert [each.mailbox for each in search(fleet, Search(words="standup")).items] == ["ada"]
    assert [each.mailbox for each in search(fleet, Search(words="standup", mailbox="bo")).items] == ["bo"]


def test_a_search_goes_on_where_it_was_cut_off(fleet: Fleet, ada: int) -> None:
    for number in range(5):
        write(fleet, ada, "ada", f"word {number}")
    page = search(fleet, Search(words="word", limit=3))
    rest = search(fleet, Search(words="word", limit=3, after=page.next))
    assert [each.subject[-1] for each in page.items + rest.items] == ["4", "3", "2", "1", "0"]


# Reading and confirming.


def test_a_message_is_read_in_full_and_that_is_recorded_once(fleet: Fleet, ada: int, cy: int) -> None:
    sent = write(fleet, cy, "ada", body="x" * 5000)
    for _ in range(2):
        assert read(fleet, ReadMessage(token=ada, message=sent.message_id)).state.body == "x" * 5000
    assert len(list(fleet.store.read(Query.of(types=("squawk_read",))))) == 1


@pytest.mark.parametrize("operation", [read, ack])
def test_a_message_in_another_s_mailbox_is_not_one_s_own_to_take(
    fleet: Fleet, ada: int, cy: int, operation: Callable[..., object]
) -> None:
    sent = write(fleet, cy, "ada")
    ask = ReadMessage if operation is read else Ack
    with pytest.raises(Conflict, match="went to ada"):
        operation(fleet, ask(token=cy, message=sent.message_id))
    with pytest.raises(Conflict, match="by ada alone"):
        operation(fleet, ask(token=cy, message=sent.message_id, mailbox="ada"))


def test_a_confirmation_is_overdue_when_its_time_is_over_by_the_store_s_clock(
    fleet: Fleet, clock: TestClock, ada: int, cy: int
) -> None:
    write(fleet, cy, "ada", "now", ack_within=5)
    write(fleet, cy, "ada", "soon", ack_required=True)
    write(fleet, cy, "ada", "never")
    clock.advance(6)
    assert [(each.subject, each.overdue_ms) for each in overdue(fleet, Overdue()).items] == [("now", 1000)]
    assert [each.subject for each in overdue(fleet, Overdue(pending=True)).items] == ["now", "soon"]
    clock.advance(24)
    assert [each.subject for each in overdue(fleet, Overdue(sender="cy")).items] == ["now", "soon"]


def test_what_was_confirmed_is_not_overdue_but_was(fleet: Fleet, clock: TestClock, ada: int, cy: int) -> None:
    sent = write(fleet, cy, "ada", ack_within=5)
    clock.advance(6)
    heartbeat(fleet, Beat(token=cy))
    late = fleet.store.head()
    done = ack(fleet, Ack(token=ada, message=sent.message_id, response="by noon")).state
    assert (done.acked_by, done.response) == ("ada", "by noon")
    assert overdue(fleet, Overdue(pending=True)).items == []
    assert len(overdue(fleet, Overdue(as_of=str(late))).items) == 1


def test_each_copy_wants_its_own_confirmation(fleet: Fleet, ada: int, cy: int) -> None:
    join(fleet, "bo", "builder")
    sent = write(fleet, cy, "@builder", ack_required=True)
    ack(fleet, Ack(token=ada, message=sent.message_id))
    assert [each.mailbox for each in overdue(fleet, Overdue(pending=True)).items] == ["bo"]


def test_confirming_again_gives_the_first_answer(fleet: Fleet, ada: int, cy: int) -> None:
    sent = write(fleet, cy, "ada", ack_required=True)
    first = ack(fleet, Ack(token=ada, message=sent.message_id, response="yes")).state
    assert ack(fleet, Ack(token=ada, message=sent.message_id, response="no")).state == first


# The lost, and roles that nobody has.


def test_coordinators_are_told_of_a_lost_specialist_in_the_same_append(
    fleet: Fleet, clock: TestClock, ada: int, cy: int
) -> None:
    clock.advance(40)
    heartbeat(fleet, Beat(token=cy))
    clock.advance(30)
    heartbeat(fleet, Beat(token=cy))
    [row] = look(fleet, "cy").messages
    assert (row.subject, row.sender, row.priority) == ("ada is lost", None, "high")
    expired, told, mail = list(
        fleet.store.read(
            Query.of(types=(LeaseExpired.type_name, "specialist_lost", SquawkSent.type_name)), after=0
        )
    )
    assert (told.position, mail.position) == (expired.position + 1, expired.position + 2)
    assert mail.causation_id == expired.id


def test_a_lost_coordinator_is_not_told_of_itself(fleet: Fleet, clock: TestClock, cy: int) -> None:
    clock.advance(61)
    join(fleet, "ada", "builder")
    assert look(fleet, "cy").unread_total == 0
    assert subjects(look(fleet, "@coordinator")) == ["cy is lost"]


def test_what_waits_for_a_role_is_counted_for_whoever_takes_it_up(
    fleet: Fleet, clock: TestClock, ada: int
) -> None:
    clock.advance(61)
    dora = join(fleet, "dora", "coordinators")
    assert look(fleet, "dora").elsewhere == {"@coordinator": 1}
    found = take(fleet, dora, mailbox="@coordinators")
    finish(fleet, dora, found.tail, mailbox="@coordinator")
    assert look(fleet, "dora").elsewhere == {}


def test_mailboxes_are_listed_with_what_lies_in_them(fleet: Fleet, ada: int, cy: int) -> None:
    write(fleet, cy, "ada")
    found = [(each.mailbox, each.owned, each.total) for each in mailboxes(fleet, ListMailboxes()).items]
    assert found == [("ada", True, 1), ("cy", True, 0)]


# Keys.


def test_each_write_is_done_once_for_one_key_and_another_request_is_refused(
    fleet: Fleet, clock: TestClock, ada: int, cy: int
) -> None:
    message = write(fleet, cy, "ada", ack_required=True).message_id
    pairs: list[tuple[Callable[..., Any], Any, Any]] = [
        (
            send,
            Send(token=cy, to="ada", subject="a", key="1"),
            Send(token=cy, to="ada", subject="b", key="1"),
        ),
        (receive, Receive(token=ada, key="2"), Receive(token=ada, limit=9, key="2")),
        (
            reply,
            Reply(token=ada, message=message, body="a", key="3"),
            Reply(token=ada, message=message, body="b", key="3"),
        ),
        (
            read,
            ReadMessage(token=ada, message=message, key="4"),
            ReadMessage(token=ada, message=message, mailbox="ada", key="4"),
        ),
        (
            ack,
            Ack(token=ada, message=message, key="5"),
            Ack(token=ada, message=message, response="no", key="5"),
        ),
    ]
    for operation, asked, other in pairs:
        first = operation(fleet, asked)
        write(fleet, cy, "ada", "in between")
        clock.advance(1)
        head = fleet.store.head()
        again = operation(fleet, asked)
        assert (again.state, again.position, again.replayed) == (first.state, first.position, True)
        with pytest.raises(Conflict, match="another request"):
            operation(fleet, other)
        assert fleet.store.head() == head


def test_a_write_without_a_token_says_where_to_get_one(fleet: Fleet) -> None:
    with pytest.raises(Invalid, match="token") as refusal:
        send(fleet, Send(to="ada", subject="hello"))
    assert "fleet specialist register" in refusal.value.remedy


def test_a_message_that_others_wrote_in_their_own_way_is_shown_all_the_same(fleet: Fleet, ada: int) -> None:
    storm(fleet, "ada", 1)
    assert subjects(look(fleet, "ada")) == ["0"]
