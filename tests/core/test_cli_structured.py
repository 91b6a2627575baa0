"""Requests as commands: what the command line gives, what the environment gives, and what comes in a file."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fleet_core.cli.documents import LIMIT
from installing import HERE, install, run_fleet_in
from sites import Answer, Site

DESCRIPTION = """
name = "crates"
version = "1.0"
files = {}
[entry_points."fleet.operations"]
"crate.pack" = "toy_requests:pack"
"crate.label" = "toy_requests:label"
"crate.weigh" = "toy_requests:weigh"
"crate.open" = "toy_requests:open_crate"
"""

PACKED = {"crate": "c1", "items": [{"name": "lamp", "weight": 3}]}

Give = Callable[[Any], str]


@pytest.fixture(scope="module")
def crates_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("crates")
    (folder / "crates.toml").write_text(DESCRIPTION)
    install(folder / "crates.toml", folder)
    return folder


@pytest.fixture
def site(project: Site, crates_site: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """A project in which crates are packed."""
    monkeypatch.syspath_prepend(str(crates_site))
    monkeypatch.delenv("TOY_TOKEN", raising=False)
    return project


@pytest.fixture
def give(site: Site) -> Give:
    """Writes a document into the file `crate.json`, and gives its name."""

    def give(document: Any) -> str:
        text = document if isinstance(document, bytes) else json.dumps(document).encode()
        (site.root / "crate.json").write_bytes(text)
        return "crate.json"

    return give


def error_of(answer: Answer) -> Any:
    return json.loads(answer.err)["error"]


def test_a_file_holds_the_whole_request(site: Site, give: Give) -> None:
    whole = {
        **PACKED,
        "lid": {"name": "oak"},
        "shelf": "low",
        "floor": 2,
        "packed_at": "2026-01-02T10:00:00Z",
    }
    answer = site.run("crate", "pack", "--file", give(whole), "--json")
    assert answer.data == {**whole, "lid": {"name": "oak", "weight": 1}}


def test_a_file_holds_what_the_command_line_can_not_give(site: Site, give: Give) -> None:
    file = give({"items": PACKED["items"]})
    assert site.run("crate", "pack", "c1", "--file", file, "--json").data == PACKED


def test_the_command_line_takes_the_place_of_what_the_file_says(site: Site, give: Give) -> None:
    file = give({**PACKED, "shelf": "low", "floor": 5})
    answer = site.run("crate", "pack", "c2", "--file", file, "--floor", "7", "--json")
    assert answer.data == {**PACKED, "crate": "c2", "shelf": "low", "floor": 7}


def test_a_hyphen_is_standard_input(site: Site, crates_site: Path) -> None:
    here = (site.installed, crates_site, HERE)
    done = run_fleet_in(
        *("crate", "pack", "--file", "-", "--json"), cwd=site.root, installed=here, input=json.dumps(PACKED)
    )
    assert json.loads(done.stdout)["data"] == PACKED


def test_faults_on_standard_input_say_so(site: Site, crates_site: Path) -> None:
    here = (site.installed, crates_site, HERE)
    done = run_fleet_in("crate", "pack", "--file", "-", cwd=site.root, installed=here, input="{")
    assert done.returncode == 7
    assert done.stderr.startswith("Error: standard input is not JSON: ")


def test_fields_that_must_come_in_a_file_make_it_required(site: Site) -> None:
    answer = site.run("crate", "pack", "c1")
    assert answer.status == 2
    assert "Missing option '--file'" in answer.err


def test_fields_that_may_come_in_a_file_leave_it_optional(site: Site) -> None:
    answer = site.run("crate", "label", "c1", "red", "blue", "--json")
    assert answer.data == {"crate": "c1", "colours": ["red", "blue"]}


def test_without_a_file_arguments_are_required_as_ever(site: Site) -> None:
    assert "Missing argument 'CRATE'" in site.run("crate", "label").err
    answer = site.run("crate", "label", "c1")
    assert (answer.status, answer.out) == (2, "")
    assert "Missing argument 'COLOURS...'" in answer.err


def test_with_a_file_arguments_may_be_left_out(site: Site, give: Give) -> None:
    said = {"crate": "c1", "colours": ["red"], "marks": {"side": {"name": "arrow", "weight": 2}}}
    assert site.run("crate", "label", "--file", give(said), "--json").data == said


def test_the_help_says_what_the_file_holds(site: Site) -> None:
    assert "JSON with items, lid, or with the whole request; - is standard input." in " ".join(
        site.run("crate", "pack", "--help").out.split()
    )


def test_a_request_that_the_command_line_can_give_takes_no_file(site: Site) -> None:
    assert "--file" not in site.run("crate", "weigh", "--help").out


@pytest.mark.parametrize(
    ("document", "path", "message"),
    [
        pytest.param(
            {**PACKED, "items": [{"name": "lamp"}, {"name": "oil", "weight": 0}]},
            "$.items[1].weight",
            "Expected `int` >= 1",
            id="constraint",
        ),
        pytest.param(
            {**PACKED, "floor": "2"}, "$.floor", "Expected `int`, got `str`", id="text for a number"
        ),
        pytest.param({**PACKED, "lid": {}}, "$.lid", "missing required field `name`", id="part of a part"),
        pytest.param({**PACKED, "colour": 1}, "$", "unknown field `colour`", id="unknown"),
        pytest.param({"crate": "c1"}, "$", "missing required field `items`", id="missing"),
        pytest.param({"items": PACKED["items"]}, "$", "missing required field `crate`", id="no argument"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_file_and_the_place(
    site: Site, give: Give, document: Any, path: str, message: str
) -> None:
    answer = site.run("crate", "pack", "--file", give(document), "--json")
    assert (answer.status, error_of(answer)["code"], error_of(answer)["path"]) == (7, "INVALID", path)
    assert error_of(answer)["message"].startswith(f"crate.json: {path}: ")
    assert message in error_of(answer)["message"]
    assert error_of(answer)["remedy"] == "see 'fleet crate pack --help'"


@pytest.mark.parametrize(
    "document",
    [b"", b"{", b"\xff", b'"\xff"', b"[" * 100_000, b'{"crate": NaN}', b"{} {}", b"[]", b"null", b'"c1"'],
    ids=["empty", "cut off", "binary", "no UTF-8", "deep", "NaN", "two", "list", "null", "text"],
)
def test_what_is_no_json_object_is_refused_with_a_remedy(site: Site, give: Give, document: bytes) -> None:
    answer = site.run("crate", "pack", "--file", give(document))
    assert (answer.status, answer.out) == (7, "")
    error, remedy = answer.err.splitlines()
    assert error.startswith("Error: crate.json")
    assert remedy.startswith("Next:  ")


def test_a_file_that_is_not_there_is_not_found(site: Site) -> None:
    answer = site.run("crate", "pack", "--file", "nowhere.json")
    assert answer.status == 3
    assert answer.err == "Error: there is no file nowhere.json\nNext:  name one, or - for standard input\n"


def test_a_directory_is_refused(site: Site) -> None:
    answer = site.run("crate", "pack", "--file", ".")
    assert answer.status == 1
    assert answer.err == "Error: . can't be read: Is a directory\nNext:  name a file that you may read\n"


def test_the_largest_document_is_read(site: Site, give: Give) -> None:
    text = json.dumps(PACKED).encode()
    assert site.run("crate", "pack", "--file", give(text.ljust(LIMIT)), "--json").data == PACKED


def test_a_document_that_is_larger_is_refused(site: Site, give: Give) -> None:
    answer = site.run("crate", "pack", "--file", give(json.dumps(PACKED).encode().ljust(LIMIT + 1)))
    assert answer.status == 7
    assert answer.err.startswith("Error: crate.json is larger than 8 MiB\n")


def test_a_file_without_an_end_is_refused(site: Site) -> None:
    answer = site.run("crate", "pack", "--file", "/dev/zero")
    assert answer.err.startswith("Error: /dev/zero is larger than 8 MiB\n")


def test_a_mapping_is_given_name_by_name(site: Site) -> None:
    options = ("--parts", "box=3", "--parts", "lid=1", "--notes", "from=a=b", "--notes", "to=")
    assert site.run("crate", "weigh", "c1", *options, "--json").data == {
        "crate": "c1",
        "parts": {"box": 3, "lid": 1},
        "notes": {"from": "a=b", "to": ""},
    }


@pytest.mark.parametrize("given", ["box", "=3", ""])
def test_what_is_no_name_and_value_is_a_usage_error(site: Site, given: str) -> None:
    answer = site.run("crate", "weigh", "c1", "--parts", given)
    assert answer.status == 2
    assert f"Invalid value for '--parts': {given!r} is not of the form NAME=VALUE" in answer.err


def test_a_name_given_twice_is_refused(site: Site) -> None:
    answer = site.run("crate", "weigh", "c1", "--parts", "box=3", "--parts", "box=4")
    assert answer.status == 2
    assert "'box' is given twice" in answer.err


def test_a_value_of_a_mapping_that_does_not_fit_is_refused(site: Site) -> None:
    answer = site.run("crate", "weigh", "c1", "--parts", "box=heavy", "--json")
    assert answer.status == 7
    assert error_of(answer)["path"] == "$.parts[...]"


def test_a_required_mapping_is_a_required_option(site: Site) -> None:
    assert "Missing option '--amounts'" in site.run("crate", "open", "--token", "1").err
    answer = site.run("crate", "open", "--token", "1", "--amounts", "oil=0.5", "--json")
    assert answer.data == {"token": 1, "amounts": {"oil": 0.5}}


def test_a_variable_gives_a_field(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOY_TOKEN", "12")
    assert site.run("crate", "weigh", "c1", "--json").data == {"crate": "c1", "token": 12}


def test_a_variable_gives_a_required_field(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (
        "Missing option '--token' (env var: 'TOY_TOKEN')" in site.run("crate", "open", "--amounts", "a=1").err
    )
    monkeypatch.setenv("TOY_TOKEN", "12")
    answer = site.run("crate", "open", "--amounts", "a=1", "--json")
    assert answer.data == {"token": 12, "amounts": {"a": 1.0}}


def test_the_command_line_takes_the_place_of_a_variable(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOY_TOKEN", "12")
    assert site.run("crate", "weigh", "c1", "--token", "13", "--json").data["token"] == 13


def test_an_empty_variable_says_nothing(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOY_TOKEN", "")
    assert site.run("crate", "weigh", "c1", "--json").data == {"crate": "c1"}


def test_the_help_names_the_variable(site: Site) -> None:
    assert "The token you hold.  [env var: TOY_TOKEN" in site.run("crate", "weigh", "--help").out


@pytest.mark.parametrize(("value", "status"), [("abc", 2), ("0", 7), ("1.5", 2)])
def test_a_bad_value_in_a_variable_is_refused_with_its_name(
    site: Site, monkeypatch: pytest.MonkeyPatch, value: str, status: int
) -> None:
    monkeypatch.setenv("TOY_TOKEN", value)
    answer = site.run("crate", "weigh", "c1")
    assert (answer.status, answer.out) == (status, "")
    assert "TOY_TOKEN" in answer.err


def test_a_bad_value_on_the_command_line_is_not_blamed_on_the_variable(site: Site) -> None:
    answer = site.run("crate", "weigh", "c1", "--token", "0")
    assert answer.status == 7
    assert answer.err.startswith("Error: token: Expected `int` >= 1\n")
