"""`fleet why`."""

from pathlib import Path

import pytest

from fleet_core.api import Batch, NewEvent
from sites import THING, Site, settled


@pytest.fixture(scope="module")
def story_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    causes = {"e1": None, "e2": "e1", "e3": "e2", "e4": "e2", "e5": "e4", "e6": "elsewhere"}
    events = [NewEvent(type="noted", data={}, id=id, causation_id=cause) for id, cause in causes.items()]
    return settled(tmp_path_factory.mktemp("story"), Batch(THING, events))


@pytest.fixture
def story(outside: Site, story_root: Path) -> Site:
    """One thing led to another: 1 to 2, 2 to 3 and 4, 4 to 5; 6 came from elsewhere."""
    return outside.at(story_root)


def test_the_whole_story_is_a_tree_with_the_event_marked(story: Site) -> None:
    lines = story.run("why", "2").out.splitlines()
    assert [line.partition(" noted")[0] for line in lines] == ["● #1", "● #2", "├─● #3", "└─● #4", "  ● #5"]
    assert lines[1].endswith("← this event")


@pytest.mark.parametrize("name", ["2", "#2", "e2"])
def test_an_event_is_named_by_position_or_id(story: Site, name: str) -> None:
    assert story.run("why", name, "--json").data["event"]["id"] == "e2"


def test_a_stream_stands_for_its_last_event(story: Site) -> None:
    name = f"{THING.type}/{THING.id}"
    assert story.run("why", name, "--json").data["event"]["id"] == "e6"
    assert story.run("why", name, "--as-of", "3", "--json").data["event"]["id"] == "e3"


def test_an_id_in_capitals_is_the_same_uuid(project: Site) -> None:
    project.record(NewEvent(type="noted", data={}, id="0190163d-8694-739b-aea5-966c26f8ad91"))
    assert project.run("why", "0190163D-8694-739B-AEA5-966C26F8AD91").status == 0


def test_an_id_made_of_digits_is_found_before_a_position(project: Site) -> None:
    project.record(NewEvent(type="noted", data={}, id="2"), NewEvent(type="noted", data={}, id="x"))
    assert project.run("why", "2", "--json").data["event"]["position"] == 1
    assert project.run("why", "#2", "--json").data["event"]["position"] == 2


def test_programs_get_causes_and_consequences(story: Site) -> None:
    data = story.run("why", "4", "--json").data
    assert [each["id"] for each in data["causes"]] == ["e1", "e2"]
    assert [each["id"] for each in data["consequences"]] == ["e5"]


def test_a_cause_that_is_not_in_the_log_is_named(story: Site) -> None:
    assert story.run("why", "6").out.splitlines()[0] == "○ elsewhere  (not in this log)"


def test_what_was_not_known_then_is_not_told(story: Site) -> None:
    assert [each["id"] for each in story.run("why", "2", "--as-of", "3", "--json").data["consequences"]] == [
        "e3"
    ]
    assert story.run("why", "4", "--as-of", "3").status == 3


def test_what_is_left_out_is_counted_and_can_be_had(story: Site) -> None:
    answer = story.run("why", "1", "--limit", "2")
    assert "2 consequences" in answer.err
    assert "'--limit 4'" in answer.err
    assert story.run("why", "1", "--limit", "4").err == ""


def test_programs_learn_how_much_is_left_out(story: Site) -> None:
    data = story.run("why", "5", "--limit", "1", "--json").data
    assert (data["hidden_causes"], data["hidden_consequences"]) == (2, 0)


def test_pictures_are_drawn(story: Site) -> None:
    assert story.run("why", "2", "--mermaid").out.startswith("flowchart TD\n")
    assert story.run("why", "2", "--dot").out.startswith("digraph why {\n")


@pytest.mark.parametrize("wrong", [("--mermaid", "--dot"), ("--dot", "--json")])
def test_only_one_form_can_be_had_at_a_time(story: Site, wrong: tuple[str, ...]) -> None:
    assert story.run("why", "2", *wrong).status == 2


@pytest.mark.parametrize("name", ["0", "7", "#7", "e9", "9" * 40, "#"])
def test_an_event_that_is_not_there_is_refused_with_the_next_step(story: Site, name: str) -> None:
    answer = story.run("why", name)
    assert (answer.status, answer.out) == (3, "")
    assert "fleet log" in answer.err


def test_a_chain_of_three_thousand_is_told(project: Site) -> None:
    chain = [NewEvent(type="noted", data={}, id="e1")]
    chain += [
        NewEvent(type="noted", data={}, id=f"e{number}", causation_id=f"e{number - 1}")
        for number in range(2, 3001)
    ]
    project.record(*chain)
    data = project.run("why", "1500", "--json", "--limit", "3000").data
    assert [each["position"] for each in data["causes"]] == list(range(1, 1500))
    assert [each["position"] for each in data["consequences"]] == list(range(1501, 3001))
