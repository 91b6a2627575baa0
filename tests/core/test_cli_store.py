"""`fleet store`: what it is, and whether it is sound."""

import json
from contextlib import redirect_stderr

import pytest

from fleet_core.api import NewEvent
from sites import Site, Terminal


@pytest.fixture
def bare(project: Site) -> Site:
    """A project whose store has no ability at all."""
    (project.root / "fleet.toml").write_text("[store]\nbackend = 'bare'\n[views]\nbackend = 'bare'\n")
    return project


def test_a_program_learns_what_the_store_holds(project: Site) -> None:
    project.record(NewEvent(type="noted", data={}), NewEvent(type="noted", data={}))
    data = project.run("store", "info", "--json").data
    details = data.pop("details")
    assert data.pop("bytes") > 0
    assert data == {
        "path": str(project.root / ".fleet" / "events.db"),
        "events": 2,
        "streams": 1,
        "schema_version": 1,
        "head": 2,
    }
    assert details["backend"] == "sqlite"


def test_people_learn_how_to_open_it_with_other_tools(project: Site) -> None:
    lines = project.run("store", "info").out.splitlines()
    assert any(line.startswith("Open with:") and "events.db" in line for line in lines)


def test_a_sound_store_is_said_to_be_sound(project: Site) -> None:
    project.record(NewEvent(type="noted", data={}))
    answer = project.run("store", "verify")
    assert (answer.status, answer.out.splitlines()[-1].split()) == (0, ["Sound:", "yes"])


def test_a_program_gets_the_findings(project: Site) -> None:
    project.record(NewEvent(type="noted", data={}))
    data = project.run("store", "verify", "--json").data
    assert (data["events"], data["head"], data["findings"]) == (1, 1, [])


def test_people_see_how_far_a_check_has_come(project: Site) -> None:
    project.record(NewEvent(type="noted", data={}))
    with redirect_stderr(Terminal()) as terminal:
        project.run("store", "verify")
    assert "Checking every event" in terminal.getvalue()
    assert "100%" in terminal.getvalue()


def test_a_check_is_silent_without_a_terminal(project: Site) -> None:
    project.record(NewEvent(type="noted", data={}))
    assert project.run("store", "verify").err == ""


def test_a_changed_byte_is_found(project: Site) -> None:
    project.record(NewEvent(type="noted", data={"said": "the truth"}))
    forge(project, b"the truth", b"no  truth")
    answer = project.run("store", "verify")
    assert answer.status == 10
    assert "no" in answer.out.splitlines()[3].split()
    assert "the store is damaged" in answer.err


def test_a_program_learns_of_the_damage_on_both_channels(project: Site) -> None:
    project.record(NewEvent(type="noted", data={"said": "the truth"}))
    forge(project, b"the truth", b"no  truth")
    answer = project.run("store", "verify", "--json")
    assert answer.data["findings"][0]["position"] == 1
    assert json.loads(answer.err)["error"]["code"] == "PROBLEMS_FOUND"


@pytest.mark.parametrize("verb", ["info", "verify"])
def test_a_store_that_can_not_describe_itself_says_so(bare: Site, verb: str) -> None:
    answer = bare.run("store", verb)
    assert (answer.status, answer.out) == (2, "")
    assert "'bare' can neither describe nor verify itself" in answer.err
    assert "fleet.toml" in answer.err


def test_a_store_that_knows_no_users_has_no_rights_to_give(project: Site) -> None:
    answer = project.run("store", "grant", "--writer", "somebody")
    assert (answer.status, answer.out) == (2, "")
    assert "'sqlite' knows no users" in answer.err


def forge(site: Site, old: bytes, new: bytes) -> None:
    """Change the database behind everybody's back."""
    database = site.root / ".fleet" / "events.db"
    content = database.read_bytes()
    assert old in content
    assert len(old) == len(new)
    database.write_bytes(content.replace(old, new))
