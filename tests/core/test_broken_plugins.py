"""Broken plugins, really installed: visible in lists, loud in use and harmless otherwise."""

import json
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

from installing import RunFleet, run_fleet_in


class Broken(NamedTuple):
    """A broken plugin of `tests/broken`, and what must be said of it."""

    plugin: str
    source: str
    reason: str
    remedy: str


IMPORT = Broken(
    "store 'broken-import'",
    "fleet-broken-import 1.1",
    "ImportError: cannot import name 'no_such_name' from 'fleet_core.api'",
    "pip install -U fleet-broken-import",
)
SYNTAX = Broken(
    "store 'broken-syntax'",
    "fleet-broken-syntax 1.2",
    "SyntaxError: invalid syntax (plugin.py, line 1)",
    "pip install -U fleet-broken-syntax",
)
MISSING = Broken(
    "store 'broken-missing'",
    "fleet-broken-missing 1.3",
    "it needs 'fleet_absent_driver', which is not installed",
    "pip install 'fleet-broken-missing[driver]'",
)
ARGUMENT = Broken(
    "store 'broken-argument'",
    "fleet-broken-argument 1.4",
    "Argument(s) {'setings'} are declared in the hookimpl but can not be found in the hookspec",
    "pip install -U fleet-broken-argument",
)
HOOK = Broken(
    "domain 'broken-hook'",
    "fleet-broken-hook 1.5",
    "unknown hook 'fleet_event_typs'",
    "pip install -U fleet-broken-hook",
)
ROLE = Broken(
    "codec 'broken-role'",
    "fleet-broken-role 1.6",
    "it implements none of fleet_make_codec",
    "pip install -U fleet-broken-role",
)
TWINS = Broken(
    "store 'broken-twin'",
    "fleet-broken-twin-a 1.7 and by fleet-broken-twin-b 1.7",
    "is offered by",
    "keep one: pip uninstall fleet-broken-twin-a (or fleet-broken-twin-b)",
)
KINDS = {
    "import error": IMPORT,
    "syntax error": SYNTAX,
    "missing module": MISSING,
    "wrong argument": ARGUMENT,
    "unknown hook": HOOK,
    "missing hook": ROLE,
    "duplicate name": TWINS,
}

each_kind = pytest.mark.parametrize("broken", KINDS.values(), ids=KINDS)


class Checked(NamedTuple):
    """What `fleet plugins --check` answered."""

    status: int
    out: str
    err: str


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory, broken_site: Path) -> Checked:
    done = run_fleet_in("plugins", "--check", installed=(broken_site,), cwd=tmp_path_factory.mktemp("empty"))
    return Checked(done.returncode, done.stdout, done.stderr)


def test_the_check_exits_with_nine(checked: Checked) -> None:
    assert checked.status == 9


@each_kind
def test_the_check_names_each_with_distribution_version_reason_and_remedy(
    checked: Checked, broken: Broken
) -> None:
    lines = checked.err.splitlines()
    said = [
        (line, following)
        for line, following in pairwise(lines)
        if all(part in line for part in (broken.plugin, broken.source, broken.reason))
    ]
    assert said, checked.err
    assert broken.remedy in said[0][1]


def test_the_check_says_that_the_sound_ones_are_sound(checked: Checked) -> None:
    rows = [line.split() for line in checked.out.splitlines()]
    assert ["memory", "store"] in [row[:2] for row in rows if row[-1] == "sound"]
    assert {row[0] for row in rows if row[-1] == "broken"} >= {
        "broken-import",
        "broken-syntax",
        "broken-missing",
        "broken-argument",
        "broken-hook",
        "broken-role",
    }


def test_the_check_in_json_carries_each_fault_beside_its_plugin(
    run_fleet: RunFleet, broken_site: Path
) -> None:
    done = run_fleet("plugins", "--check", "--json", installed=(broken_site,))
    assert (done.returncode, done.stderr) == (9, "")
    faults = {(row["role"], row["name"]): row["fault"] for row in json.loads(done.stdout)["data"]}
    assert faults["store", "broken-missing"]["remedy"] == MISSING.remedy
    assert faults["store", "broken-missing"]["version"] == "1.3"
    assert faults["store", "memory"] is None


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        ["plugins"],
        ["plugins", "--json"],
        ["plugins", "show", "broken-syntax"],
        ["plugins", "show", "broken-twin"],
        ["completion", "bash"],
        ["sortie", "--help"],
        ["sortie", "create", "--help"],
        ["gadget", "--help"],
        ["doctor", "--help"],
        ["init"],
    ],
    ids=" ".join,
)
def test_other_commands_survive_all_of_them(
    run_fleet: RunFleet, broken_site: Path, arguments: list[str]
) -> None:
    done = run_fleet(*arguments, installed=(broken_site,))
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


def test_lists_show_them(run_fleet: RunFleet, broken_site: Path) -> None:
    done = run_fleet("plugins", installed=(broken_site,))
    rows = [line.split() for line in done.stdout.splitlines()]
    assert ["broken-import", "store", "fleet-broken-import", "1.1", "installed"] in rows
    assert ["broken-twin", "store", "fleet-broken-twin-a", "1.7", "duplicate"] in rows
    assert ["broken-twin", "store", "fleet-broken-twin-b", "1.7", "duplicate"] in rows


def test_help_tells_whose_a_command_is_that_does_not_say(run_fleet: RunFleet, broken_site: Path) -> None:
    helps = run_fleet("--help", installed=(broken_site,)).stdout
    assert "broken-import  Never gets that far." in helps
    assert "broken-syntax  (from fleet-broken-syntax 1.2)" in helps
    assert "broken-twin    (offered by fleet-broken-twin-a and by fleet-broken-twin-b)" in helps


@pytest.mark.parametrize(
    ("arguments", "broken"),
    [
        (["broken-import"], IMPORT),
        (["broken-syntax"], SYNTAX),
        (["broken-twin"], TWINS),
        (["gadget", "turn"], MISSING),
    ],
    ids=["import error", "syntax error", "duplicate name", "missing module"],
)
def test_running_a_broken_command_says_why(
    run_fleet: RunFleet, broken_site: Path, arguments: list[str], broken: Broken
) -> None:
    done = run_fleet(*arguments, installed=(broken_site,))
    assert (done.returncode, done.stdout) == (9, "")
    error, remedy = done.stderr.splitlines()
    assert broken.source in error
    assert broken.reason in error
    assert broken.remedy in remedy


@pytest.mark.parametrize(
    ("variable", "name", "broken"),
    [
        ("FLEET_STORE__BACKEND", "broken-import", IMPORT),
        ("FLEET_STORE__BACKEND", "broken-syntax", SYNTAX),
        ("FLEET_STORE__BACKEND", "broken-missing", MISSING),
        ("FLEET_STORE__BACKEND", "broken-argument", ARGUMENT),
        ("FLEET_STORE__BACKEND", "broken-twin", TWINS),
        ("FLEET_STORE__CODEC", "broken-role", ROLE),
    ],
    ids=[
        "import error",
        "syntax error",
        "missing module",
        "wrong argument",
        "duplicate name",
        "missing hook",
    ],
)
def test_choosing_a_broken_plugin_says_why(
    run_fleet: RunFleet, broken_site: Path, variable: str, name: str, broken: Broken
) -> None:
    run_fleet("init")
    done = run_fleet("log", installed=(broken_site,), variables={variable: name})
    assert (done.returncode, done.stdout) == (9, "")
    error, remedy = done.stderr.splitlines()[-2:]
    assert broken.plugin in error
    assert broken.source in error
    assert broken.reason in error
    assert broken.remedy in remedy


def test_a_broken_domain_is_a_warning_and_the_others_work(run_fleet: RunFleet, broken_site: Path) -> None:
    run_fleet("init")
    done = run_fleet("log", "--json", installed=(broken_site,))
    assert done.returncode == 0
    assert json.loads(done.stdout)["data"] == []
    (warning,) = [line for line in done.stderr.splitlines() if line.startswith("warning:")]
    assert warning.startswith("warning: domain 'broken-hook' of fleet-broken-hook 1.5 is broken: ")
    assert HOOK.reason in warning


def test_what_is_broken_and_switched_off_is_not_mentioned(run_fleet: RunFleet, broken_site: Path) -> None:
    run_fleet("init")
    done = run_fleet("--without", "broken-hook", "log", "--json", installed=(broken_site,))
    assert done.returncode == 0
    assert "broken" not in done.stderr
