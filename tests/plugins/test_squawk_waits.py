"""Waiting for mail: what ends it, and that whoever waits is alive."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fleet_core.api import Fenced, Fleet, NotFound, TimedOut, wait_for
from fleet_specialists.api import Show, show
from fleet_squawk.api import Unread
from fleet_squawk.waits import mail
from fleets import TestClock, opened
from mail import finish, join, take, write


@pytest.fixture
def clock() -> TestClock:
    return TestClock()


@pytest.fixture(params=["memory", "sqlite"])
def fleet(request: pytest.FixtureRequest, tmp_path: Path, clock: TestClock) -> Iterator[Fleet]:
    with opened(tmp_path, request.param, clock) as fleet:
        yield fleet


def test_unread_mail_ends_the_wait_and_is_counted(fleet: Fleet) -> None:
    ada = join(fleet, "ada")
    write(fleet, ada, "ada")
    found = wait_for(fleet, ["mail"], 0, token=ada).found
    assert found == Unread(unread_total=1, mailboxes={"ada": 1})


def test_mail_that_is_done_with_does_not_end_the_wait(fleet: Fleet) -> None:
    ada = join(fleet, "ada")
    write(fleet, ada, "ada")
    finish(fleet, ada, take(fleet, ada).tail)
    with pytest.raises(TimedOut):
        wait_for(fleet, ["mail"], 0, token=ada)


def test_mail_that_was_handed_out_and_is_not_done_with_still_ends_the_wait(fleet: Fleet) -> None:
    ada = join(fleet, "ada")
    write(fleet, ada, "ada")
    take(fleet, ada)
    assert wait_for(fleet, ["mail"], 0, token=ada).found.unread_total == 1


def test_mail_of_one_s_role_ends_the_wait_too(fleet: Fleet, clock: TestClock) -> None:
    join(fleet, "ada")
    clock.advance(61)
    cy = join(fleet, "cy", "coordinator")
    assert wait_for(fleet, ["mail"], 0, token=cy).found.mailboxes == {"@coordinator": 1}


def test_another_s_mail_can_be_waited_for_without_a_token(fleet: Fleet) -> None:
    write(fleet, join(fleet, "ada"), "ada")
    assert wait_for(fleet, ["mail:ada"], 0).found.unread_total == 1


def test_an_unknown_mailbox_is_not_waited_for(fleet: Fleet) -> None:
    with pytest.raises(NotFound, match="no mailbox 'eve'"):
        wait_for(fleet, ["mail:eve"], 60)


def test_whoever_waits_is_not_taken_for_dead(fleet: Fleet, clock: TestClock) -> None:
    ada = join(fleet, "ada")
    for _ in range(10):
        again_in = mail(fleet, "", ada).again_in
        assert again_in is not None
        clock.advance(again_in)
    assert show(fleet, Show(specialist="ada")).status == "active"


def test_whose_session_is_over_waits_no_longer(fleet: Fleet, clock: TestClock) -> None:
    ada = join(fleet, "ada")
    clock.advance(61)
    with pytest.raises(Fenced):
        wait_for(fleet, ["mail"], 60, token=ada)
