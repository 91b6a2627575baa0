"""The command line as people and programs meet it: names without imports."""

import json
import subprocess
import sys
from pathlib import Path

import click
import pytest

from fleet_core.cli.group import CORE, FleetGroup, catalog_of, fleet
from installing import RunFleet, RunHere, environment

HEAVY = {"importlib.metadata", "pluggy", "msgspec", "peewee", "sh", "starlette", "mcp", "asyncio", "pathlib"}


def modules_after(*arguments: str, **variables: str) -> set[str]:
    """What a process imports to run a command line."""
    code = (
        "import sys; before = set(sys.modules); from fleet_core.cli import run;"
        f" run({arguments!r}); print(*set(sys.modules) - before, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment(**variables)
    )
    return set(done.stderr.split())


def packages() -> set[str]:
    return {entry.package for entry in catalog_of(click.Context(fleet)).entries}


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["sortie", "--help"], []])
def test_help_imports_no_plugin_and_nothing_that_is_heavy(arguments: list[str]) -> None:
    assert modules_after(*arguments) & (HEAVY | packages()) == set()


def test_listing_plugins_imports_none() -> None:
    assert modules_after("plugins") & packages() == set()


@pytest.mark.parametrize("typed", ["fleet sor", "fleet sortie st", "fleet --wi"])
def test_completion_imports_no_plugin_and_nothing_that_is_heavy(typed: str) -> None:
    words = typed.count(" ")
    variables = {"_FLEET_COMPLETE": "bash_complete", "COMP_WORDS": typed, "COMP_CWORD": str(words)}
    assert modules_after(**variables) & (HEAVY | packages()) == set()


@pytest.mark.parametrize(
    ("typed", "proposed"),
    [
        ("fleet sor", "plain,sortie"),
        ("fleet sortie star", "plain,start"),
        ("fleet plug", "plain,plugins"),
        ("fleet clu", "plain,clumsy"),
        ("fleet clumsy ref", "plain,refuse"),
        ("fleet --versi", "plain,--version"),
        ("fleet plugins --che", "plain,--check"),
        ("fleet plugins pra", "plain,praise"),
    ],
)
def test_completion_proposes_commands_verbs_and_options(
    here: RunHere, monkeypatch: pytest.MonkeyPatch, typed: str, proposed: str
) -> None:
    monkeypatch.setenv("_FLEET_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", typed)
    monkeypatch.setenv("COMP_CWORD", str(typed.count(" ")))
    assert here() == (0, proposed + "\n", "")


def test_completion_beyond_a_broken_command_is_quiet(run_fleet: RunFleet, broken_site: Path) -> None:
    done = run_fleet(
        installed=(broken_site,),
        variables={
            "_FLEET_COMPLETE": "bash_complete",
            "COMP_WORDS": "fleet broken-syntax x",
            "COMP_CWORD": "2",
        },
    )
    assert (done.stdout, done.stderr) == ("", "")


def test_no_arguments_show_the_help(here: RunHere) -> None:
    assert here() == here("--help")
    status, out, _ = here()
    assert status == 0
    assert out.startswith("Usage: fleet [OPTIONS] COMMAND [ARGS]...")


def test_help_lists_core_commands_plugin_commands_nouns_and_variables(here: RunHere) -> None:
    _, out, _ = here("-h")
    lines = [line.split("  ") for line in out.splitlines()]
    first = {line[1] for line in lines if len(line) > 1}
    assert set(CORE) | {"clumsy", "sortie", "FLEET_WITHOUT", "NO_COLOR, FORCE_COLOR"} <= first
    assert "Fail in one of many ways." in out
    assert "sortie      assign, block, cancel, claim, complete, create, fail..." in out


def test_a_noun_lists_its_verbs_with_the_first_lines_of_their_docstrings(here: RunHere) -> None:
    status, out, _ = here("sortie", "--help")
    assert status == 0
    assert "  create    Create a sortie" in out


def test_a_noun_alone_is_a_usage_error_that_shows_its_help(here: RunHere) -> None:
    status, out, err = here("sortie")
    assert (status, out) == (2, "")
    assert err.startswith("Usage: fleet sortie [OPTIONS] COMMAND")


def test_a_noun_of_the_core_shows_its_commands_and_a_strangers_operations(here: RunHere) -> None:
    _, out, _ = here("plugins", "--help")
    assert "--check" in out
    assert "  praise  Praise the plugins." in out
    assert "  show    Show what a plugin offers" in out


def test_a_noun_of_the_core_works_as_before_beside_a_strangers_operations(here: RunHere) -> None:
    status, out, _ = here("plugins", "--json")
    assert (status, json.loads(out)["schema"]) == (0, 1)
    assert here("plugins", "show", "memory")[0] == 0


def test_a_strangers_operation_under_a_noun_of_the_core_is_a_command(here: RunHere) -> None:
    status, out, _ = here("plugins", "praise", "--help")
    assert status == 0
    assert "Usage: fleet plugins praise" in out


def test_a_command_called_as_one_of_the_cores_never_takes_its_place(here: RunHere) -> None:
    _, out, _ = here("--help")
    assert CORE["status"][1] in out
    _, out, _ = here("plugins", "--json")
    states = {(row["role"], row["name"]): row["state"] for row in json.loads(out)["data"]}
    assert states["command", "status"] == "hidden"
    assert states["command", "clumsy"] == "installed"


def test_a_command_called_as_one_of_the_cores_is_a_fault(here: RunHere) -> None:
    status, _, err = here("plugins", "--check")
    assert status == 9
    assert "command 'status' of fleet-clumsy 0.3 can't be used: fleet has a command of that name" in err


def test_an_operation_that_is_no_noun_and_verb_is_a_fault_and_no_command(here: RunHere) -> None:
    _, _, err = here("plugins", "--check")
    assert "operation 'nonoun' of fleet-clumsy 0.3 is broken: its name is not of the form noun.verb" in err
    assert "nonoun" not in here("--help")[1]


def test_showing_an_unknown_plugin_says_what_was_meant(here: RunHere) -> None:
    status, _, err = here("plugins", "show", "sqlit")
    assert status == 3
    assert err == "Error: no plugin is called 'sqlit'\nNext:  did you mean 'sqlite'?\n"


def test_settings_are_shown_with_type_default_and_description(here: RunHere) -> None:
    status, out, _ = here("plugins", "show", "clumsy")
    assert status == 0
    table = out[out.index("KEY") :].splitlines()
    assert [line.split("  ")[0] for line in table] == ["KEY", "colour", "depth", "shape"]
    assert "blue | red" in table[1]
    assert table[1].endswith("How it looks.")
    assert "integer | null" in table[2]
    assert "Shape" in table[3]
    assert "(required)" in table[3]


def test_all_commands_are_listed_sorted() -> None:
    names = fleet.list_commands(click.Context(fleet))
    assert names == sorted(names)
    assert set(CORE) | {"sortie"} <= set(names)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("clumsi", "'clumsy'"), ("plugin", "'plugins'"), ("sorti", "'sortie'"), ("mision", "'mission'")],
)
def test_an_unknown_command_says_what_was_meant(here: RunHere, typed: str, meant: str) -> None:
    status, out, err = here(typed)
    assert (status, out) == (2, "")
    assert f"Error: No such command '{typed}'. Did you mean {meant}" in err


def test_an_unknown_verb_says_what_was_meant(here: RunHere) -> None:
    status, _, err = here("sortie", "cancle")
    assert status == 2
    assert "No such command 'cancle'. Did you mean 'cancel'?" in err


def test_an_unknown_command_unlike_any_says_so(here: RunHere) -> None:
    status, _, err = here("xyzzy")
    assert status == 2
    assert err.endswith("Error: No such command 'xyzzy'.\n")


def test_what_looks_like_an_option_may_be_an_unknown_command(here: RunHere) -> None:
    status, _, err = here("--", "--bogus")
    assert status == 2
    assert "No such command '--bogus'." in err


def test_an_option_in_the_place_of_a_command_is_an_unknown_option(here: RunHere) -> None:
    status, _, err = here("--bogus")
    assert status == 2
    assert "No such option" in err


def test_the_version_is_that_of_the_distribution(here: RunHere) -> None:
    from importlib.metadata import version

    assert here("--version") == (0, f"fleet {version('fleettools')}\n", "")


def test_a_plugin_that_is_switched_off_is_no_command_and_says_why(here: RunHere) -> None:
    _, out, _ = here("--without", "clumsy", "--help")
    assert "clumsy" not in out
    status, _, err = here("--without", "clumsy", "clumsy")
    assert status == 3
    assert err.startswith("Error: command 'clumsy' is switched off\nNext:  ")


def test_the_variable_switches_plugins_off(here: RunHere, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLEET_WITHOUT", "commands:clumsy,memory")
    _, out, _ = here("plugins", "--json")
    off = [(row["role"], row["name"]) for row in json.loads(out)["data"] if row["state"] == "off"]
    assert off == [("store", "memory"), ("command", "clumsy")]


def test_switching_off_what_is_not_installed_is_a_usage_error(here: RunHere) -> None:
    status, _, err = here("--without", "clumsi", "plugins")
    assert status == 2
    assert "did you mean 'clumsy'?" in err


def test_a_project_folder_that_does_not_exist_is_a_usage_error(here: RunHere) -> None:
    assert here("--project", "/nonexistent", "plugins")[0] == 2


@pytest.mark.parametrize("name", sorted(CORE))
def test_the_help_in_the_table_is_that_of_the_command(name: str) -> None:
    command = FleetGroup().get_command(click.Context(fleet), name)
    assert command is not None
    assert command.get_short_help_str(200) == CORE[name][1]
    assert command.name == name
