"""A stranger's distribution, built and installed from its own wheel, is a plugin like any other."""

import ast
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fleet_core.codecs import Codec
from fleet_core.testing import (
    CodecConformance,
    OpenStore,
    ProviderConformance,
    StoreConformance,
    opening,
    providing,
)
from installing import HERE, RunFleet
from note_probe import NoteProbe

OURS = ("fleet_outsider",)


@contextmanager
def importable(site: Path) -> Iterator[None]:
    """What is installed in a directory is importable in this process, and in those it starts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(site))
        patch.setenv("PYTHONPATH", str(site))
        yield
    for name in [name for name in sys.modules if name.startswith(OURS)]:
        del sys.modules[name]


@pytest.fixture
def outsider_here(outsider_site: Path) -> Iterator[Path]:
    """The distribution is importable."""
    with importable(outsider_site):
        yield outsider_site


class TestTextFileStore(StoreConformance):
    lacks = {
        "views": "a text file has no tables",
        "maintenance": "it says nothing of itself",
        "moving": "its log begins with it",
        "pipelining": "its appends are over when they return",
    }

    @pytest.fixture
    def open_store(self, outsider_here: Path, tmp_path: Path) -> OpenStore:
        return opening("fleet_outsider.plugin", tmp_path)


class TestZippedCodec(CodecConformance):
    @pytest.fixture
    def codec(self, outsider_here: Path) -> Codec:
        from fleet_outsider.codec import ZippedCodec  # type: ignore[import-not-found]

        made: Codec = ZippedCodec()
        return made


class OutsiderProbe(NoteProbe):
    def __init__(self, directory: Path, service: str) -> None:
        super().__init__(directory, service)
        self.make = providing("fleet_outsider.plugin", directory, service)


class TestNoteProvider(ProviderConformance):
    probe = OutsiderProbe

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def outsider_there(cls, outsider_site: Path) -> Iterator[None]:
        """The distribution is importable for as long as the services of this class last."""
        with importable(outsider_site):
            yield


def test_it_touches_the_core_by_its_one_door_only() -> None:
    imported = set()
    for path in (HERE / "outsider").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                imported.add(node.module)
            elif isinstance(node, ast.Import):
                imported |= {each.name for each in node.names}
    assert {name for name in imported if name and name.startswith("fleet_")} == {"fleet_core.api"}


def test_it_is_listed_with_all_it_offers(run_fleet: RunFleet, outsider_site: Path) -> None:
    done = run_fleet("plugins", "--json", installed=(outsider_site,))
    rows = [row for row in json.loads(done.stdout)["data"] if row["distribution"] == "fleet-outsider"]
    assert {(row["role"], row["name"], row["version"], row["state"]) for row in rows} == {
        ("store", "jsonl", "2.5", "installed"),
        ("codec", "zipped", "2.5", "installed"),
        ("provider", "notes", "2.5", "installed"),
        ("domain", "notes", "2.5", "installed"),
        ("operation", "note.add", "2.5", "installed"),
        ("operation", "note.list", "2.5", "installed"),
        ("command", "hello", "2.5", "installed"),
        ("check", "outsider", "2.5", "installed"),
        ("observer", "diary", "2.5", "installed"),
        ("wait", "note", "2.5", "installed"),
    }


def test_the_check_finds_it_sound(run_fleet: RunFleet, outsider_site: Path) -> None:
    done = run_fleet("plugins", "--check", "--json", installed=(outsider_site,))
    rows = [row for row in json.loads(done.stdout)["data"] if row["distribution"] == "fleet-outsider"]
    assert {row["state"] for row in rows} == {"sound"}


def test_its_settings_are_shown(run_fleet: RunFleet, outsider_site: Path) -> None:
    done = run_fleet("plugins", "show", "jsonl", installed=(outsider_site,))
    assert "Settings, in the table [plugins.jsonl]:" in done.stdout
    assert "file  string  events.jsonl  The file's name within the project's directory." in done.stdout


def test_its_settings_are_a_json_schema_for_programs(run_fleet: RunFleet, outsider_site: Path) -> None:
    done = run_fleet("plugins", "show", "stores:jsonl", "--json", installed=(outsider_site,))
    (offer,) = json.loads(done.stdout)["data"]
    assert offer["settings"]["properties"]["file"]["default"] == "events.jsonl"


def test_its_command_and_its_noun_stand_in_the_help(run_fleet: RunFleet, outsider_site: Path) -> None:
    helps = run_fleet("--help", installed=(outsider_site,)).stdout
    assert "  hello        Greet somebody." in helps
    assert "  note        add, list" in helps


def test_its_command_runs(run_fleet: RunFleet, outsider_site: Path) -> None:
    done = run_fleet("hello", "Ada", installed=(outsider_site,))
    assert (done.returncode, done.stdout, done.stderr) == (0, "Hello, Ada!\n", "")


def test_its_operations_are_verbs(run_fleet: RunFleet, outsider_site: Path) -> None:
    helps = run_fleet("note", "--help", installed=(outsider_site,)).stdout
    assert "  add   Write a note." in helps
    assert "  list  List the notes there are." in helps


STORES = pytest.mark.parametrize("store", ["sqlite", "jsonl"])


@STORES
def test_its_operations_work_on_any_store(run_fleet: RunFleet, outsider_site: Path, store: str) -> None:
    here, variables = (outsider_site,), {"FLEET_STORE__BACKEND": store}
    assert run_fleet("init", installed=here, variables=variables).returncode == 0
    added = run_fleet("note", "add", "list", "two lemons", "--json", installed=here, variables=variables)
    assert added.returncode == 0, added.stderr
    listed = run_fleet("note", "list", "--json", installed=here, variables=variables)
    assert [note["text"] for note in json.loads(listed.stdout)["data"]] == ["two lemons"]


def test_its_store_serves_the_domain_of_others(
    run_fleet: RunFleet, outsider_site: Path, tmp_path: Path
) -> None:
    here, variables = (outsider_site,), {"FLEET_STORE__BACKEND": "jsonl", "FLEET_STORE__CODEC": "zipped"}
    run_fleet("init", installed=here, variables=variables)
    done = run_fleet("specialist", "register", "ada", installed=here, variables=variables)
    assert done.returncode == 0, done.stderr
    listed = run_fleet("specialist", "list", "--json", installed=here, variables=variables)
    assert [each["specialist_id"] for each in json.loads(listed.stdout)["data"]] == ["ada"]
    assert (tmp_path / ".fleet" / "events.jsonl").read_text().count("\n") == 1


def test_its_refusals_are_fleets_refusals(run_fleet: RunFleet, outsider_site: Path) -> None:
    here = (outsider_site,)
    run_fleet("init", installed=here)
    run_fleet("note", "add", "list", "two lemons", installed=here)
    done = run_fleet("note", "add", "list", "three lemons", installed=here)
    assert done.returncode == 6
    assert done.stderr == "Error: there is a note 'list' already\nNext:  choose another id\n"


def test_its_observer_is_told_when_the_project_names_it(
    run_fleet: RunFleet, outsider_site: Path, tmp_path: Path
) -> None:
    run_fleet("init", installed=(outsider_site,))
    (tmp_path / "fleet.toml").write_text('observers = ["diary"]\n')
    run_fleet("note", "add", "list", "two lemons", installed=(outsider_site,))
    assert (tmp_path / ".fleet" / "diary.txt").read_text() == "outsider_note_added\n"


def test_its_check_runs_with_the_others(run_fleet: RunFleet, outsider_site: Path) -> None:
    run_fleet("init", installed=(outsider_site,))
    done = run_fleet("doctor", "--json", installed=(outsider_site,))
    results = {each["name"]: each for each in json.loads(done.stdout)["data"]}
    assert results["outsider notes"] == {
        "name": "outsider notes",
        "status": "ok",
        "detail": "0 notes",
        "remedy": "",
    }


def test_its_notes_can_be_waited_for(run_fleet: RunFleet, outsider_site: Path) -> None:
    here = (outsider_site,)
    run_fleet("init", installed=here)
    done = run_fleet("wait", "--for", "note:list", "--timeout", "0", installed=here)
    assert done.returncode == 8
    run_fleet("note", "add", "list", "two lemons", installed=here)
    done = run_fleet("wait", "--for", "note:list", "--json", installed=here)
    assert json.loads(done.stdout)["data"]["found"]["text"] == "two lemons"
