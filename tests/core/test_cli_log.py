"""`fleet log`: which events, in which order, and how to go on."""

import json
from pathlib import Path

import pytest

from fleet_core.api import Batch, NewEvent, Stream
from sites import THING, Answer, Site, settled

HOUR = 3_600_000_000


def event(type: str = "noted", **more: object) -> NewEvent:
    return NewEvent(type=type, data={"n": 1}, **more)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def busy_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return settled(tmp_path_factory.mktemp("busy"), Batch(THING, [event() for _ in range(30)]))


@pytest.fixture
def busy(outside: Site, busy_root: Path) -> Site:
    """Thirty events at positions 1 to 30."""
    return outside.at(busy_root)


@pytest.fixture(scope="module")
def varied_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    first = [
        event("opened", id="first", tags=("a", "b"), occurred_at=1 * HOUR),
        event("noted", id="second", tags=("b",), causation_id="first", occurred_at=2 * HOUR),
        event("closed", causation_id="second", occurred_at=3 * HOUR),
    ]
    return settled(
        tmp_path_factory.mktemp("varied"),
        Batch(THING, first),
        Batch(Stream("thing", "t-2"), [event("opened", occurred_at=4 * HOUR)]),
        Batch(Stream("other", "o/1"), [event("noted", causation_id="elsewhere", occurred_at=5 * HOUR)]),
    )


@pytest.fixture
def varied(outside: Site, varied_root: Path) -> Site:
    """Events of several streams, types and times; the first led to the second, the second to the third."""
    return outside.at(varied_root)


def positions(answer: Answer) -> list[int]:
    assert answer.status == 0, answer.err
    return [each["position"] for each in answer.data]


def listed(site: Site, *arguments: str) -> list[int]:
    return positions(site.run("log", "--json", *arguments))


def test_the_newest_are_listed_with_the_very_newest_last(busy: Site) -> None:
    assert listed(busy) == list(range(11, 31))


def test_the_newest_can_be_listed_first(busy: Site) -> None:
    assert listed(busy, "--newest-first", "--limit", "3") == [30, 29, 28]
    assert listed(busy, "--backwards", "--limit", "3") == [30, 29, 28]


def test_after_a_position_the_first_ones_are_listed(busy: Site) -> None:
    assert listed(busy, "--after", "5", "--limit", "3") == [6, 7, 8]


def test_before_a_position_the_last_ones_are_listed(busy: Site) -> None:
    assert listed(busy, "--before", "5", "--limit", "3") == [2, 3, 4]


def test_a_position_may_be_written_as_people_write_it(busy: Site) -> None:
    assert listed(busy, "--after", "#28") == [29, 30]


@pytest.mark.parametrize("order", [(), ("--newest-first",), ("--after", "0")])
def test_going_on_as_told_lists_everything_once(busy: Site, order: tuple[str, ...]) -> None:
    found, step = [], order
    while True:
        answer = busy.run("log", "--json", "--limit", "7", *step)
        found += positions(answer)
        if answer.next is None:
            break
        ((option, position),) = answer.next.items()
        step = (*(each for each in order if each == "--newest-first"), f"--{option}", str(position))
    assert sorted(found) == list(range(1, 31))


def test_a_page_that_holds_all_has_nothing_to_go_on_with(busy: Site) -> None:
    answer = busy.run("log", "--json", "--limit", "30")
    assert (len(answer.data), answer.next, answer.err) == (30, None, "")


def test_people_are_told_how_to_go_on(busy: Site) -> None:
    assert "--before 11" in busy.run("log").err
    assert "--after 20" in busy.run("log", "--after", "0").err


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        (("--type", "opened"), [1, 4]),
        (("--type", "opened", "--type", "closed"), [1, 3, 4]),
        (("--stream", "thing/t-1"), [1, 2, 3]),
        (("--stream", "thing"), [1, 2, 3, 4]),
        (("--stream", "thing/t-2", "--stream", "other"), [4, 5]),
        (("--stream", "other/o/1"), [5]),
        (("--stream", "thing/t-2", "--stream", "other", "--type", "noted"), [5]),
        (("--tag", "b"), [1, 2]),
        (("--tag", "b", "--tag", "a"), [1]),
        (("--caused-by", "first"), [2]),
        (("--caused-by", "1"), [2]),
        (("--caused-by", "elsewhere"), [5]),
        (("--correlation", "first"), [1, 2, 3]),
        (("--correlation", "1"), [1, 2, 3]),
        (("--since", "1970-01-01T02:00:00Z", "--until", "1970-01-01T04:00:00Z"), [2, 3, 4]),
        (("--as-of", "3", "--stream", "thing"), [1, 2, 3]),
        (("--as-of", "1970-01-01T03:00:00Z"), [1, 2, 3]),
        (("--as-of", "1970-01-01T03:00:00Z", "--until", "1970-01-01T02:00:00Z"), [1, 2]),
        (("--as-of", "4", "--before", "3"), [1, 2]),
        (("--as-of", "2", "--before", "4"), [1, 2]),
    ],
)
def test_events_are_chosen_by(varied: Site, filters: tuple[str, ...], found: list[int]) -> None:
    assert listed(varied, *filters) == found


@pytest.mark.parametrize(
    "filters", [("--type", "nothing"), ("--stream", "nothing"), ("--caused-by", "99"), ("--since", "1h")]
)
def test_when_nothing_matches_somebody_says_so(varied: Site, filters: tuple[str, ...]) -> None:
    answer = varied.run("log", *filters)
    assert (answer.status, answer.out, answer.err) == (0, "", "No event matches.\n")


def test_a_program_gets_an_empty_list_when_nothing_matches(varied: Site) -> None:
    assert varied.run("log", "--type", "nothing", "--json").data == []


def test_people_see_a_table(varied: Site) -> None:
    assert varied.run("log", "--limit", "2").out.splitlines() == [
        "POSITION  OCCURRED              TYPE    STREAM     VERSION",
        "4         1970-01-01T04:00:00Z  opened  thing/t-2  1",
        "5         1970-01-01T05:00:00Z  noted   other/o/1  1",
    ]


def test_data_are_shown_when_asked_for(varied: Site) -> None:
    assert varied.run("log", "--data", "--limit", "1").rows[0][-1] == '{"n":1}'


def test_programs_get_every_field(varied: Site) -> None:
    (found,) = varied.run("log", "--json", "--before", "2").data
    assert found == {
        "position": 1,
        "id": "first",
        "type": "opened",
        "schema_version": 1,
        "stream_type": "thing",
        "stream_id": "t-1",
        "version": 1,
        "data": {"n": 1},
        "tags": ["a", "b"],
        "metadata": {},
        "causation_id": None,
        "correlation_id": "first",
        "occurred_at": "1970-01-01T01:00:00.000000Z",
        "recorded_at": "2026-01-02T10:00:04.000000Z",
    }


def test_no_event_drives_the_terminal(project: Site) -> None:
    project.record(NewEvent(type="noted", data={"text": "\x1b[31mred\r\n"}), event("c1\x9b31m"))
    assert not set(project.run("log", "--data").out) & {"\x1b", "\x9b", "\r"}


@pytest.mark.parametrize(
    "wrong",
    [
        ("--limit", "0"),
        ("--limit", "many"),
        ("--after", "-1"),
        ("--after", "9" * 30),
        ("--before", "soon"),
        ("--since", "soon"),
        ("--as-of", "soon"),
        ("--follow", "--before", "3"),
        ("--follow", "--until", "1h"),
        ("--follow", "--as-of", "3"),
        ("--follow", "--newest-first"),
        ("--strm", "x"),
        ("extra",),
    ],
)
def test_a_line_that_makes_no_sense_is_a_usage_error(busy: Site, wrong: tuple[str, ...]) -> None:
    answer = busy.run("log", *wrong)
    assert (answer.status, answer.out) == (2, "")
    assert "Error: " in answer.err


@pytest.mark.parametrize(
    "wrong", [("--type", ""), ("--tag", "a\nb"), ("--stream", "x" * 300), ("--caused-by", "")]
)
def test_a_name_that_no_event_can_have_is_refused(busy: Site, wrong: tuple[str, ...]) -> None:
    assert busy.run("log", *wrong).status == 7


def test_an_error_is_a_document_too(busy: Site) -> None:
    answer = busy.run("log", "--as-of", "99", "--json")
    assert (answer.status, answer.out) == (3, "")
    error = json.loads(answer.err)["error"]
    assert (error["code"], error["head"]) == ("NOT_FOUND", 30)
