"""Mailboxes and cursors that FleetTools left: nothing of them is lost or read twice without need."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fleet_core.api import Conflict, Fleet, Invalid
from fleet_legacy.migration import migrate
from fleet_legacy.plan import make_plan
from fleet_legacy.source import read_source
from fleet_squawk.api import ReadMessage, Search, read, search
from fleets import opened, unlike
from legacy_files import Content, cursor_row, event_row, mailbox_row, written
from mail import finish, join, look, subjects, take, write


@pytest.fixture(params=["memory", "sqlite"])
def fleet(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Fleet]:
    with opened(tmp_path, request.param) as fleet:
        yield fleet
        assert not unlike(fleet)


def file(messages: int, position: object, mailbox: str = "team/alpha") -> Content:
    """A file with one mailbox; its messages are called t0, t1 and so on."""
    events = [
        event_row(mailbox, id=f"018f2c4e-5a1b-7c3d-8e4f-{number:012x}", type=f"t{number}")
        for number in range(messages)
    ]
    return {
        "mailboxes": {mailbox: mailbox_row(mailbox)},
        "events": {mailbox: events},
        "cursors": {f"{mailbox}_cursor": cursor_row(mailbox, position=position)},
        "locks": {},
    }


def bring_in(fleet: Fleet, content: Content) -> None:
    migrate(fleet, make_plan(read_source(written(content, fleet.project.root / "squawk.json"))))


@pytest.mark.parametrize(
    ("position", "unread"),
    [(0, 5), (2, 3), (5, 0), (9, 0), (-1, 5), (2.7, 3), (2**70, 0), (-(2**70), 5)],
)
def test_an_imported_cursor_has_read_as_many_messages_as_it_counted(
    fleet: Fleet, position: object, unread: int
) -> None:
    bring_in(fleet, file(5, position))
    found = look(fleet, "team/alpha")
    assert found.unread_total == len(found.messages) == unread
    assert subjects(found) == ["t0", "t1", "t2", "t3", "t4"][5 - unread :]


def test_an_imported_mailbox_without_messages_exists(fleet: Fleet) -> None:
    bring_in(fleet, file(0, 0))
    assert look(fleet, "team/alpha").unread_total == 0


def test_an_imported_cursor_beyond_the_end_does_not_hide_what_comes_later(fleet: Fleet) -> None:
    bring_in(fleet, file(2, 1000))
    ada = join(fleet, "ada")
    write(fleet, ada, "team/alpha", "new")
    assert subjects(look(fleet, "team/alpha")) == ["new"]


def test_an_imported_mailbox_is_emptied_by_anybody_from_where_its_cursor_stood(fleet: Fleet) -> None:
    bring_in(fleet, file(5, 2))
    ada = join(fleet, "ada")
    page = take(fleet, ada, mailbox="team/alpha", limit=2)
    assert [(row.subject, row.redelivered) for row in page.messages] == [("t2", False), ("t3", False)]
    with pytest.raises(Conflict, match="does not go back"):
        finish(fleet, ada, page.cursor - 1, mailbox="team/alpha")
    finish(fleet, ada, page.messages[-1].position, mailbox="team/alpha")
    assert subjects(take(fleet, ada, mailbox="team/alpha")) == ["t4"]


def test_a_file_that_has_grown_moves_a_cursor_that_nobody_moved_here(fleet: Fleet) -> None:
    bring_in(fleet, file(3, 1))
    bring_in(fleet, file(6, 4))
    assert subjects(look(fleet, "team/alpha")) == ["t4", "t5"]


def test_a_cursor_that_was_moved_here_is_not_moved_by_a_file(fleet: Fleet) -> None:
    bring_in(fleet, file(3, 1))
    ada = join(fleet, "ada")
    finish(
        fleet,
        ada,
        take(fleet, ada, mailbox="team/alpha", limit=1).messages[-1].position,
        mailbox="team/alpha",
    )
    bring_in(fleet, file(6, 6))
    assert subjects(look(fleet, "team/alpha")) == ["t2", "t3", "t4", "t5"]


def test_an_imported_count_passes_over_no_message_of_ours(fleet: Fleet) -> None:
    """The file counts its own messages; ours lie among them."""
    bring_in(fleet, file(2, 1))
    write(fleet, join(fleet, "ada"), "team/alpha", "ours")
    bring_in(fleet, file(4, 4))
    assert subjects(look(fleet, "team/alpha")) == ["ours", "t2", "t3"]


def test_a_specialist_takes_over_the_mailbox_that_fleettools_left_it(fleet: Fleet) -> None:
    bring_in(fleet, file(3, 1, "ada"))
    ada, bo = join(fleet, "ada"), join(fleet, "bo")
    assert subjects(take(fleet, ada)) == ["t1", "t2"]
    with pytest.raises(Conflict, match="emptied by ada alone"):
        take(fleet, bo, mailbox="ada")


def test_imported_messages_are_found_by_their_words_and_read_by_their_ids(fleet: Fleet) -> None:
    bring_in(fleet, file(1, 0, "ada"))
    [found] = search(fleet, Search(words="task-456")).items
    message = read(fleet, ReadMessage(token=join(fleet, "ada"), message=found.message_id)).state
    assert message.body == '{"task_id":"task-456"}'


def test_of_an_imported_message_whose_id_is_no_uuid_nothing_can_be_recorded(fleet: Fleet) -> None:
    content = file(0, 0, "ada")
    content["events"]["ada"] = [event_row("ada", id="evt_12ab34cd")]
    bring_in(fleet, content)
    with pytest.raises(Invalid, match="no UUID"):
        read(fleet, ReadMessage(token=join(fleet, "ada"), message="evt_12ab34cd"))
