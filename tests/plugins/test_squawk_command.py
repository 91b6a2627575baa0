"""Squawks on the command line: what people and programs see."""

import json
from pathlib import Path
from typing import Any

import pytest

from installing import RunHere


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, here: RunHere) -> None:
    """A project with ada, whose token is in the environment."""
    monkeypatch.chdir(tmp_path)
    assert here("init")[0] == 0
    monkeypatch.setenv("FLEET_TOKEN", str(said(here, "specialist", "register", "ada")["token"]))


def said(here: RunHere, *arguments: str) -> Any:
    """What a command answers to programs."""
    status, out, err = here(*arguments, "--json")
    assert status == 0, err
    return json.loads(out)["data"]


@pytest.mark.usefixtures("project")
def test_people_see_the_messages_of_an_inbox_as_a_table(here: RunHere) -> None:
    here("squawk", "send", "ada", "need settings.py", "--priority", "high")
    here("squawk", "send", "ada", "lunch")
    _, out, _ = here("squawk", "inbox", "--at-least", "high")
    record, _, table = out.partition("\n\n")
    assert "Unread total:  2" in record
    assert [line.split()[1] for line in table.splitlines()[2:]] == ["ada"]


@pytest.mark.usefixtures("project")
def test_programs_get_cursor_tail_and_unread_total_and_short_rows(here: RunHere) -> None:
    sent = said(here, "squawk", "send", "ada", "hello", "--body", "x" * 3000)
    found = said(here, "squawk", "receive")
    assert (found["cursor"], found["unread_total"]) == (0, 1)
    [row] = found["messages"]
    assert (row["message_id"], row["position"]) == (sent["message_id"], found["tail"])
    assert "body" not in row


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (("squawk", "inbox", "--mailbox", "eve"), 3),
        (("squawk", "send", "eve", "hello"), 3),
        (("squawk", "advance", "99"), 6),
        (("squawk", "receive", "--token", "99"), 3),
        (("squawk", "read", "nothing"), 3),
        (("squawk", "search", "!!"), 2),
    ],
)
def test_what_goes_wrong_has_its_status_and_a_remedy(
    here: RunHere, arguments: tuple[str, ...], status: int
) -> None:
    found, out, err = here(*arguments)
    assert (found, out) == (status, "")
    assert "\nNext:" in err
