"""How answers look: to people, on a terminal and in a pipe, and to programs."""

import json
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest

from fleet_core.cli import render
from fleet_core.cli.render import show, text_of, width_of
from sites import Terminal


class Ship(msgspec.Struct):
    """Something to show."""

    ship_name: str
    crew: int | None = None


class Log:
    """Something that says itself what it consists of."""

    def as_dict(self) -> dict[str, object]:
        return {"kind": "log", "pages": 3}


@pytest.fixture
def shown(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """What is printed into a pipe."""

    def shown(value: object, *arguments: object, **options: object) -> str:
        show(value, *arguments, **options)  # type: ignore[arg-type]
        return capsys.readouterr().out

    return shown


@pytest.fixture
def on_terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[[object], str]:
    """What is printed on a terminal of twenty columns."""
    monkeypatch.setenv("COLUMNS", "20")

    def on_terminal(value: object) -> str:
        with redirect_stdout(Terminal()) as terminal:
            show(value)
        return terminal.getvalue()

    return on_terminal


def test_a_list_is_a_table_with_headings_and_two_spaces_between_columns(shown: Callable[..., str]) -> None:
    assert shown([Ship("Argo", 50), Ship("Kon-Tiki", 6)]) == (
        "SHIP NAME  CREW\nArgo       50\nKon-Tiki   6\n"
    )  # fmt: skip


def test_columns_are_chosen_and_ordered(shown: Callable[..., str]) -> None:
    assert shown([Ship("Argo", 50)], columns=["crew", "ship_name"]) == "CREW  SHIP NAME\n50    Argo\n"


def test_one_thing_is_a_record(shown: Callable[..., str]) -> None:
    assert shown(Ship("Argo", 50)) == "Ship name:  Argo\nCrew:       50\n"
    assert shown({"a": 1}) == "A:  1\n"
    assert shown(Log()) == "Kind:   log\nPages:  3\n"


def test_text_is_itself(shown: Callable[..., str]) -> None:
    assert shown("well done") == "well done\n"


def test_an_empty_list_says_so_beside_the_answer(capsys: pytest.CaptureFixture[str]) -> None:
    show([])
    assert capsys.readouterr() == ("", "Nothing found.\n")


def test_more_to_come_is_said_beside_the_answer(capsys: pytest.CaptureFixture[str]) -> None:
    show([Ship("Argo")], next="argo")
    assert capsys.readouterr().err == "More: ask on after 'argo'.\n"


def test_json_is_a_versioned_envelope_with_everything(shown: Callable[..., str]) -> None:
    assert json.loads(shown([Ship("Argo", 50)], True, columns=["crew"], next="argo")) == {
        "schema": 1,
        "data": [{"ship_name": "Argo", "crew": 50}],
        "next": "argo",
    }


def test_json_says_that_nothing_follows(shown: Callable[..., str]) -> None:
    assert json.loads(shown(Log(), True)) == {"schema": 1, "data": {"kind": "log", "pages": 3}, "next": None}


def test_json_carries_what_else_is_said(shown: Callable[..., str]) -> None:
    assert json.loads(shown(1, True, replayed=True))["replayed"] is True


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        ("", "-"),
        ([], "-"),
        ((), "-"),
        (0, "0"),
        (True, "yes"),
        (False, "no"),
        (1.5, "1.5"),
        (["a", "b"], "a, b"),
        ({"a": [1, None]}, '{"a":[1,null]}'),
        ([{"a": 1}], '[{"a":1}]'),
        (datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC), "2026-01-02T03:04:05Z"),
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=2))), "2026-01-02T01:04:05Z"),
    ],
)
def test_values_read_as_people_write_them(value: object, text: str) -> None:
    assert text_of(value) == text


@pytest.mark.parametrize(
    ("hostile", "harmless"),
    [
        ("\x1b[2J", "\\x1b[2J"),
        ("a\nb\tc\r", "a\\nb\\tc\\r"),
        ("\x9b1m", "\\x9b1m"),
        ("\u202egnp", "\\u202egnp"),
        ("a\u2028b", "a\\u2028b"),
    ],
)
def test_control_characters_never_reach_the_terminal(hostile: str, harmless: str) -> None:
    assert text_of(hostile) == harmless
    assert text_of([hostile, hostile]) == f"{harmless}, {harmless}"


@pytest.mark.parametrize(("text", "width"), [("abc", 3), ("日本", 4), ("e\u0301", 1), ("é", 1), ("", 0)])
def test_width_is_what_a_terminal_needs(text: str, width: int) -> None:
    assert width_of(text) == width


def test_columns_of_wide_characters_stand_straight(shown: Callable[..., str]) -> None:
    assert shown([{"a": "日本", "b": "x"}, {"a": "abcd", "b": "y"}]) == "A     B\n日本  x\nabcd  y\n"


@pytest.mark.parametrize(
    ("text", "line"),
    [("x" * 30, "x" * 19 + "…"), ("日" * 30, "日" * 9 + "…"), ("x" * 20, "x" * 20)],
    ids=["too long", "too wide", "just right"],
)
def test_lines_end_at_the_edge_of_a_terminal(
    on_terminal: Callable[[object], str], text: str, line: str
) -> None:
    assert on_terminal([{"text": text}]) == f"TEXT\n{line}\n"


def test_lines_into_a_pipe_are_whole(shown: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    assert shown([{"text": "x" * 300}]) == "TEXT\n" + "x" * 300 + "\n"


def test_progress_passes_everything_on_and_is_silent_without_a_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert list(render.progress(range(3), "Rebuilding", 3)) == [0, 1, 2]
    assert capsys.readouterr() == ("", "")


def test_progress_is_shown_on_a_terminal() -> None:
    with redirect_stderr(Terminal()) as terminal:
        assert list(render.progress(range(3), "Rebuilding", 3)) == [0, 1, 2]
    assert "Rebuilding" in terminal.getvalue()
    assert "100%" in terminal.getvalue()


def test_progress_through_a_log_ends_at_its_head() -> None:
    with redirect_stderr(Terminal()) as terminal, render.log_progress("Checking", 200) as progress:
        progress(100)
    assert "50%" in terminal.getvalue()
    assert "100%" in terminal.getvalue()


def test_progress_through_an_empty_log_is_complete() -> None:
    with redirect_stderr(Terminal()) as terminal, render.log_progress("Checking", 0):
        pass
    assert "100%" in terminal.getvalue()


def test_text_of_several_lines_stands_below_a_record_as_it_is(shown: Callable[..., str]) -> None:
    said = shown({"prompt": "one\ntw\x1bo\n", "ship": "Argo"})
    assert said == "Ship:  Argo\n\nPrompt:\none\ntw\\x1bo\n"
