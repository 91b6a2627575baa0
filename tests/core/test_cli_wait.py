"""Waiting until one of several things is there, or time is up: as a command and as a function."""

import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from fleet_core.api import Batch, NewEvent, NotFound, PluginBroken, Stream, TimedOut, wait_for
from fleet_core.waiting import SHORTEST, Found
from installing import FLEET, HERE, environment, install
from sites import Answer, Site
from toys import Box, BoxMade, toy_fleet

KINDS = ("box", "busy", "eager", "nothing_much", "strict", "third", "wrong")

DESCRIPTION = """
name = "toy-waits"
version = "1.0"
files = {}
[entry_points."fleet.waits"]
""" + "".join(f'{kind} = "toy_waits:{kind}"\n' for kind in KINDS)

WAITS = [("fleet.waits", kind, f"toy_waits:{kind}") for kind in KINDS]

MADE = NewEvent(data=BoxMade(label="x"))

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture(scope="module")
def waits_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("waits")
    (folder / "waits.toml").write_text(DESCRIPTION)
    install(folder / "waits.toml", folder)
    return folder


@pytest.fixture
def site(project: Site, waits_site: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """A project in which toys can be waited for."""
    monkeypatch.syspath_prepend(str(waits_site))
    return project


@pytest.fixture
def start(site: Site, waits_site: Path) -> Start:
    """Starts `fleet` as a process of its own."""

    def start(*arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [FLEET, *arguments],
            cwd=site.root,
            env=environment(site.installed, waits_site, HERE),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start


def looks_in(root: Path) -> list[str]:
    """The tokens with which kinds have looked."""
    file = root / ".fleet" / "looks"
    return file.read_text().split() if file.exists() else []


def await_a_look(process: subprocess.Popen[str], root: Path) -> None:
    deadline = time.monotonic() + 30
    while not looks_in(root):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)


def error_of(answer: Answer) -> Any:
    return json.loads(answer.err)["error"]


def test_what_is_there_already_is_found_at_once(site: Site) -> None:
    site.record(MADE, stream=Stream("box", "b1"))
    answer = site.run("wait", "--for", "box:b1", "--timeout", "1h", "--json")
    assert answer.status == 0
    assert answer.data == {
        "kind": "box",
        "argument": "b1",
        "found": {"id": "b1", "label": "x", "status": "empty", "amount": 0},
    }


def test_people_are_shown_what_was_found(site: Site) -> None:
    site.record(MADE, stream=Stream("box", "b1"))
    answer = site.run("wait", "--for", "box:b1")
    assert answer.err == "Found: box:b1\n"
    assert answer.out.splitlines()[0] == "Id:      b1"


def test_a_wait_ends_when_another_process_records_what_is_waited_for(site: Site, start: Start) -> None:
    waiting = start("wait", "--for", "box:b1", "--for", "box:b2", "--timeout", "60s", "--json")
    await_a_look(waiting, site.root)
    site.record(MADE, stream=Stream("box", "b0"))
    site.record(MADE, stream=Stream("box", "b2"))
    out, err = waiting.communicate(timeout=60)
    assert (waiting.returncode, err) == (0, "")
    assert json.loads(out)["data"]["argument"] == "b2"


def test_an_interrupted_wait_says_nothing_and_ends_with_130(site: Site, start: Start) -> None:
    waiting = start("wait", "--for", "box:b1", "--timeout", "60s")
    await_a_look(waiting, site.root)
    waiting.send_signal(signal.SIGINT)
    assert waiting.communicate(timeout=60) == ("", "")
    assert waiting.returncode == 130


def test_when_time_is_up_it_says_what_was_waited_for(site: Site) -> None:
    answer = site.run("wait", "--for", "box:b1", "--for", "box:b2", "--timeout", "0.2s", "--json")
    assert (answer.status, answer.out) == (8, "")
    assert error_of(answer) == {
        "code": "TIMED_OUT",
        "message": "time is up: waited 0.2 s for box:b1 or box:b2",
        "remedy": "wait again, or longer",
        "waited_for": ["box:b1", "box:b2"],
        "seconds": 0.2,
    }


def test_no_time_at_all_is_one_look(site: Site) -> None:
    assert site.run("wait", "--for", "box:b1", "--timeout", "0").status == 8
    assert looks_in(site.root) == ["None"]


def test_an_unknown_kind_is_refused_with_those_there_are(site: Site) -> None:
    answer = site.run("wait", "--for", "boks:b1", "--timeout", "0")
    assert answer.status == 3
    error, remedy = answer.err.splitlines()
    assert error == "Error: no wait is called 'boks'"
    assert set(KINDS) <= set(remedy.removeprefix("Next:  there are: ").split(", "))


def test_a_kind_that_is_switched_off_says_so(site: Site) -> None:
    answer = site.run("--without", "waits:box", "wait", "--for", "box:b1", "--timeout", "0")
    assert answer.status == 3
    assert answer.err.startswith("Error: wait 'box' is switched off\n")


def test_a_kinds_refusal_ends_the_wait(site: Site) -> None:
    answer = site.run("wait", "--for", "strict:c9", "--timeout", "1h")
    assert (answer.status, answer.err) == (3, "Error: there is no crate 'c9'\nNext:  name one\n")


@pytest.mark.parametrize(
    "arguments", [("--timeout", "soon"), ("--timeout", "-1"), ("--timeout", "2 h"), ("--token", "mine"), ()]
)
def test_a_command_line_without_sense_is_a_usage_error(site: Site, arguments: Sequence[str]) -> None:
    wanted = ("--for", "box:b1") if arguments else ()
    assert site.run("wait", *wanted, *arguments).status == 2
    assert looks_in(site.root) == []


def test_the_token_reaches_the_kinds(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.run("wait", "--for", "box:b1", "--timeout", "0", "--token", "7")
    monkeypatch.setenv("FLEET_TOKEN", "8")
    site.run("wait", "--for", "box:b1", "--timeout", "0")
    assert looks_in(site.root) == ["7", "8"]


def test_a_bad_token_in_the_variable_is_refused_with_its_name(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLEET_TOKEN", "mine")
    answer = site.run("wait", "--for", "box:b1", "--timeout", "0")
    assert answer.status == 2
    assert "FLEET_TOKEN" in answer.err


def test_the_help_lists_what_can_be_waited_for(site: Site) -> None:
    out = site.run("wait", "--help").out
    assert "Kinds:" in out
    assert "  box           A box of that name." in out


def test_outside_a_project_there_is_nothing_to_wait_for(outside: Site, waits_site: Path) -> None:
    assert outside.run("wait", "--for", "box:b1", "--timeout", "0").status == 3


@contextmanager
def waiting_fleet(folder: Path) -> Iterator[Any]:
    (folder / ".fleet").mkdir()
    with toy_fleet(folder, more=WAITS) as fleet:
        yield fleet


def test_a_kind_is_asked_again_when_it_wants_to_be_though_nobody_records_anything(tmp_path: Path) -> None:
    with waiting_fleet(tmp_path) as fleet:
        assert wait_for(fleet, ["third"], 3600, token=5) == Found("third", "", 3)
    assert looks_in(tmp_path) == ["5", "5", "5"]


@pytest.mark.parametrize("kind", ["eager", "busy"])
def test_whatever_happens_looks_are_not_taken_without_a_pause(tmp_path: Path, kind: str) -> None:
    seconds = 0.5
    with waiting_fleet(tmp_path) as fleet, pytest.raises(TimedOut):
        wait_for(fleet, [kind], seconds)
    assert 2 <= len(looks_in(tmp_path)) <= seconds / SHORTEST + 2


def test_what_is_there_may_be_empty(tmp_path: Path) -> None:
    with waiting_fleet(tmp_path) as fleet:
        assert wait_for(fleet, ["box:b1", "nothing_much"], 3600) == Found("nothing_much", "", [])


def test_an_argument_may_hold_colons(tmp_path: Path) -> None:
    with waiting_fleet(tmp_path) as fleet:
        fleet.append(*_made("a:b"))
        assert wait_for(fleet, ["box:a:b"], 0).found == Box(id="a:b", label="x")


def test_of_several_things_the_first_named_is_answered(tmp_path: Path) -> None:
    with waiting_fleet(tmp_path) as fleet:
        fleet.append(*_made("a"), *_made("b"))
        assert wait_for(fleet, ["box:c", "box:b", "box:a"], 0).argument == "b"


def test_a_kind_that_answers_with_something_else_is_a_broken_plugin(tmp_path: Path) -> None:
    with waiting_fleet(tmp_path) as fleet, pytest.raises(PluginBroken) as caught:
        wait_for(fleet, ["wrong"], 3600)
    assert "wait 'wrong' of toys 1.0 is broken" in caught.value.message
    assert "it answered with bool, not with a Look" in caught.value.message


def test_an_unknown_kind_is_refused_before_anything_is_looked_at(tmp_path: Path) -> None:
    with waiting_fleet(tmp_path) as fleet, pytest.raises(NotFound):
        wait_for(fleet, ["box:b1", "unknown"], 3600)
    assert looks_in(tmp_path) == []


def test_where_nothing_can_be_waited_for_the_remedy_is_to_install_something(tmp_path: Path) -> None:
    with toy_fleet(tmp_path) as fleet, pytest.raises(NotFound) as caught:
        wait_for(fleet, ["box:b1"], 0)
    assert caught.value.remedy == "install a distribution that offers one"


def _made(box: str) -> list[Batch]:
    return [Batch(Stream("box", box), [NewEvent(data=BoxMade(label="x"))])]
