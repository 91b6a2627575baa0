"""The shape of the house, kept by tests: who may know whom, and how large a room may be."""

import ast
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib import metadata
from pathlib import Path
from statistics import quantiles
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
CORE = sorted((ROOT / "fleet_core").rglob("*.py"))
PLUGINS = sorted(path for path in (ROOT / "plugins").iterdir() if (path / "__init__.py").is_file())
SOURCES = sorted([*CORE, *(ROOT / "plugins").rglob("*.py")])
SQLITE_LIBRARIES = {"sqlite3", "pysqlite3", "apsw", "cysqlite"}


class Import(NamedTuple):
    file: Path
    module: str
    lazy: bool
    for_types: bool


@cache
def imports_of(path: Path) -> list[Import]:
    return list(_walk(path, ast.parse(path.read_text()), lazy=False, for_types=False))


def _walk(path: Path, node: ast.AST, *, lazy: bool, for_types: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (Import(path, alias.name, lazy, for_types) for alias in child.names)
        elif isinstance(child, ast.ImportFrom) and child.module:
            yield Import(path, child.module, lazy, for_types)
            yield from (
                Import(path, f"{child.module}.{alias.name}", lazy, for_types) for alias in child.names
            )
        types_only = isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"
        inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
        yield from _walk(path, child, lazy=lazy or inside, for_types=for_types or types_only)


def top(module: str) -> str:
    return module.partition(".")[0]


def test_the_core_imports_no_plugin() -> None:
    plugins = {path.name for path in PLUGINS}
    assert not [each for path in CORE for each in imports_of(path) if top(each.module) in plugins]


def test_the_core_names_no_plugin_package() -> None:
    named = [
        (path.name, plugin.name) for path in CORE for plugin in PLUGINS if plugin.name in path.read_text()
    ]
    assert not named


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda path: path.name)
def test_a_plugin_enters_the_core_by_its_one_door(plugin: Path) -> None:
    used = {
        each.module
        for path in plugin.rglob("*.py")
        for each in imports_of(path)
        if top(each.module) == "fleet_core" and not each.module.startswith("fleet_core.api")
    }
    assert used <= {"fleet_core"}


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda path: path.name)
def test_a_plugin_uses_another_only_through_its_api(plugin: Path) -> None:
    others = {path.name for path in PLUGINS} - {plugin.name}
    strays = [
        each
        for path in plugin.rglob("*.py")
        for each in imports_of(path)
        if top(each.module) in others and not each.module.startswith(f"{top(each.module)}.api")
    ]
    assert not strays


def test_plugins_do_not_depend_on_one_another_in_a_circle() -> None:
    names = {path.name for path in PLUGINS}
    graph = {
        plugin.name: {
            top(each.module)
            for path in plugin.rglob("*.py")
            for each in imports_of(path)
            if top(each.module) in names - {plugin.name}
        }
        for plugin in PLUGINS
    }
    assert not circle_in(graph)


def test_modules_of_the_core_do_not_import_one_another_in_a_circle() -> None:
    names = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for path in CORE
    }
    graph = {
        name: {
            each.module
            for each in imports_of(path)
            if each.module in names and not each.for_types and not each.lazy and each.module != name
        }
        for name, path in names.items()
    }
    assert not circle_in(graph)


def circle_in(graph: dict[str, set[str]]) -> list[str]:
    """The nodes that lie on circles: take away what depends on nothing until nothing more goes."""
    left = {name: set(needs) for name, needs in graph.items()}
    while free := [name for name, needs in left.items() if not needs & left.keys()]:
        for name in free:
            del left[name]
    return sorted(left)


def test_the_circle_finder_finds_a_circle() -> None:
    assert circle_in({"a": {"b"}, "b": {"a"}, "c": {"a"}}) == ["a", "b", "c"]
    assert circle_in({"a": {"b"}, "b": set()}) == []


def test_nobody_imports_through_the_plugins_folder() -> None:
    everywhere = [*SOURCES, *(ROOT / "tests").rglob("*.py"), *(ROOT / "benchmarks").rglob("*.py")]
    assert not [each for path in everywhere for each in imports_of(path) if top(each.module) == "plugins"]


def test_one_module_alone_imports_an_sqlite_library() -> None:
    importers = {
        path.relative_to(ROOT).as_posix()
        for path in SOURCES
        for each in imports_of(path)
        if top(each.module) in SQLITE_LIBRARIES
    }
    assert importers == {"plugins/fleet_sqlite/database.py"}


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda path: path.name)
def test_a_plugin_looks_like_every_other(plugin: Path) -> None:
    init = ast.parse((plugin / "__init__.py").read_text())
    assert ast.get_docstring(init)
    assert len(init.body) == 1, "a plugin's __init__ is a docstring"
    assert (plugin / "README.md").is_file()
    assert (plugin / "py.typed").is_file()


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_module_says_what_it_is(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text()))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_room_is_larger_than_400_lines_of_code(path: Path) -> None:
    assert len(code_lines(path)) <= 400


def code_lines(path: Path) -> set[int]:
    """Lines that hold code: docstrings, comments and blanks explain and do not count."""
    tree = ast.parse(path.read_text())
    docstrings = {
        line
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
    lines = {
        number
        for number, text in enumerate(path.read_text().splitlines(), 1)
        if text.strip() and not text.lstrip().startswith("#")
    }
    return lines - docstrings


def test_nine_of_ten_functions_fit_on_thirty_lines() -> None:
    lengths = [
        (node.end_lineno or node.lineno) - node.lineno + 1
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert quantiles(lengths, n=10)[-1] <= 30


def test_installed_entry_points_are_those_of_pyproject() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]
    installed: dict[str, dict[str, str]] = {}
    for point in metadata.distribution("fleettools").entry_points:
        if point.group.startswith("fleet."):
            installed.setdefault(point.group, {})[point.name] = point.value
    assert installed == declared, "run: pip install -e . --no-deps"


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["sortie", "--help"], ["nonsense"]])
def test_asking_for_help_imports_no_plugin_and_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import sys, contextlib\n"
        "from fleet_core.cli import main\n"
        f"sys.argv = ['fleet', *{arguments!r}]\n"
        "with contextlib.suppress(SystemExit): main()\n"
        "print('\\n'.join(sys.modules))"
    )
    # A measurement of coverage imports things of its own.
    environ = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    command = [sys.executable, "-c", code]
    ran = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
    heavy = {"peewee", "pysqlite3", "sqlite3", "sh", "starlette", "mcp", "asyncio", "importlib.metadata"}
    unwanted = {path.name for path in PLUGINS} | heavy
    assert not unwanted & {top(name) for name in ran.stdout.splitlines()} | (
        unwanted & set(ran.stdout.splitlines())
    )
