"""The documentation is true: its blocks run, its reference is what the code says, its links lead on."""

import importlib.util
import inspect
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import msgspec
import pytest

from fleet_core import settings
from fleet_core.catalog import Catalog
from fleet_core.cli.group import fleet
from fleet_core.plugins import Plugins

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "plugins").rglob("*.md")])
GUIDES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs" / "tutorial").glob("*.md")),
    *sorted((ROOT / "docs" / "how-to").glob("*.md")),
]
FIXTURE = ROOT / "tests" / "data" / "squawk-small.json"
LOCAL_IMAGE = {
    "FLEET_SERVICES__POSTGRES__IMAGE": "localhost/fleet-postgres:15",
    "FLEET_SERVICES__POSTGRES__PULL": "never",
    "FLEET_SERVICES__POSTGRES__PORT": "auto",
    "FLEET_SERVICES__POSTGRES__CONTAINER": f"fleet-test-{os.getpid()}-docs",
}
"""PostgreSQL as readers get it, without a registry and in nobody's way."""


def page_name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


class Block(NamedTuple):
    """A fenced block that can be run."""

    kind: str
    text: str
    line: int


def blocks_of(page: Path) -> Iterator[Block]:
    fences = re.finditer(r"^```(\w+)\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)
    for fence in fences:
        line = page.read_text()[: fence.start()].count("\n") + 1
        yield Block(fence[1], fence[2], line)


@pytest.mark.parametrize("page", GUIDES, ids=page_name)
def test_every_block_of_a_guide_runs_and_shows_what_it_says(page: Path, tmp_path: Path) -> None:
    """In one folder, one after the other, as a reader would."""
    folder = tmp_path / "project"
    folder.mkdir()
    shutil.copy(FIXTURE, folder / "squawk.json")
    environment = reader_environment(tmp_path) | LOCAL_IMAGE
    try:
        for block in blocks_of(page):
            run_block(block, folder, environment)
    finally:
        if (folder / ".fleet" / "services").exists():
            subprocess.run(["fleet", "services", "destroy", "--yes"], cwd=folder, env=environment, check=True)


def run_block(block: Block, folder: Path, environment: dict[str, str]) -> None:
    if block.kind == "console":
        run_console(block, folder, environment)
    elif block.kind == "python":
        run_python(block, folder, environment)
    elif block.kind in {"toml", "json"}:
        assert (tomllib.loads if block.kind == "toml" else msgspec.json.decode)(block.text) is not None


def reader_environment(tmp_path: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FLEET_")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}"
    return kept | {"PATH": path, "HOME": str(tmp_path), "NO_COLOR": "1"}


def run_console(block: Block, folder: Path, environment: dict[str, str]) -> None:
    """`$ command` lines, each followed by its output; `...` stands for any lines, `# exit N` for an expected
    status.
    """
    for command, expected in commands_of(block.text):
        status = re.search(r"# exit (\d+)$", command)
        ran = subprocess.run(
            ["bash", "-c", command], cwd=folder, env=environment, capture_output=True, text=True, timeout=60
        )
        where = f"line {block.line}: {command}\n{ran.stdout}{ran.stderr}"
        assert ran.returncode == int(status[1] if status else 0), where
        assert matches(expected, ran.stdout + ran.stderr), where


def commands_of(text: str) -> Iterator[tuple[str, list[str]]]:
    parts = re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]
    for part in parts:
        command, *expected = part.rstrip("\n").split("\n")
        yield command, expected


def matches(expected: list[str], output: str) -> bool:
    pattern = "".join(
        r"(?:.*\n)*" if line == "..." else re.escape(line.rstrip()).replace(r"\.\.\.", ".*") + r"[ ]*\n"
        for line in expected
    )
    return re.fullmatch(pattern, output if output.endswith("\n") or not output else output + "\n") is not None


def test_output_that_differs_from_the_page_is_noticed() -> None:
    assert matches(["a", "...", "c"], "a\nb\nb\nc\n")
    assert matches(["at ... o'clock"], "at 12 o'clock\n")
    assert not matches(["a"], "b\n")
    assert not matches(["a"], "a\nb\n")


def run_python(block: Block, folder: Path, environment: dict[str, str]) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", block.text],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ran.returncode == 0, f"line {block.line}\n{ran.stderr}"


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate_docs", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_reference_is_what_the_code_says(tmp_path: Path) -> None:
    """In a process of its own: what other tests have installed is not part of it."""
    command = [sys.executable, str(ROOT / "docs" / "generate.py"), "--check"]
    ran = subprocess.run(
        command, env=reader_environment(tmp_path), capture_output=True, text=True, timeout=60
    )
    assert ran.returncode == 0, f"run: make docs ({ran.stderr.strip()})"


def test_every_command_has_help_of_one_line_and_an_example(generator: ModuleType) -> None:
    bare = [
        path
        for path, text in generator.commands(fleet, "fleet", None)
        if path.count(" ") >= 1
        and "COMMAND" not in text.splitlines()[0]
        and "fleet " not in text.partition("\n")[2]
    ]
    assert not bare


def test_every_hook_is_documented_with_its_signature(generator: ModuleType) -> None:
    from fleet_core import hooks

    page = (generator.HERE / "hooks.md").read_text()
    specs = [each for name, each in vars(hooks).items() if name.startswith("fleet_")]
    assert specs
    for spec in specs:
        arguments = ", ".join(inspect.signature(spec).parameters)
        heading = f"## {spec.__name__}"
        assert heading in page
        for argument in filter(None, arguments.split(", ")):
            assert argument in page.partition(heading)[2].partition("\n## ")[0]


def test_every_setting_is_described() -> None:
    for section in msgspec.structs.fields(settings.Settings):
        if isinstance(section.type, type) and issubclass(section.type, msgspec.Struct):
            schema = msgspec.json.schema(section.type)["$defs"][section.type.__name__]
            assert all(field.get("description") for field in schema["properties"].values()), section.name


def test_every_event_type_is_described(generator: ModuleType) -> None:
    page = (generator.HERE / "events.md").read_text()
    for _, types in Plugins(Catalog.installed()).collect("fleet.domains", "fleet_event_types"):
        for each in types:
            assert inspect.getdoc(each), each.type_name
            assert f"### {each.type_name}\n" in page


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_links_of_a_page_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text())
    broken = [target for target in targets if "://" not in target and not (page.parent / target).exists()]
    assert not broken
