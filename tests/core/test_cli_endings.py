"""How a command line ends: errors with a remedy and a status, quiet endings, colour where it is wanted."""

import json
import os
import pty
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from fleet_core.cli.group import CORE
from installing import FLEET, RunFleet, RunHere, environment


def test_a_refusal_is_a_message_and_a_remedy_on_stderr_and_its_exit_status(here: RunHere) -> None:
    status, out, err = here("clumsy", "refuse")
    assert (status, out) == (5, "")
    assert err == "Error: the lease is over\\x1b[2J\nNext:  claim it again\n"


def test_a_refusal_in_json_is_an_envelope_on_stderr(here: RunHere) -> None:
    status, out, err = here("clumsy", "refuse", "--json")
    assert (status, out) == (5, "")
    assert json.loads(err) == {
        "schema": 1,
        "error": {
            "code": "FENCED",
            "message": "the lease is over\x1b[2J",
            "remedy": "claim it again",
            "lease": "L1",
        },
    }


def test_a_usage_error_in_json_is_an_envelope_too(here: RunHere) -> None:
    status, _, err = here("plugins", "--bogus", "--json")
    assert status == 2
    assert json.loads(err)["error"]["code"] == "USAGE"


def test_a_bug_names_the_distribution_and_shows_no_traceback(here: RunHere) -> None:
    status, out, err = here("clumsy", "stumble")
    assert (status, out) == (1, "")
    assert err.startswith(
        "Error: KeyError: 'surprise': this is a bug in fleet-clumsy 0.3\nNext:  run it again with"
    )
    assert "Traceback" not in err


def test_a_bug_in_json_is_an_envelope_that_names_the_distribution(here: RunHere) -> None:
    status, _, err = here("clumsy", "stumble", "--json")
    assert status == 1
    assert json.loads(err)["error"]["distribution"] == "fleet-clumsy 0.3"


def test_a_bug_of_the_core_names_the_core(here: RunHere, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CORE, "doctor", ("fleet_core.cli.plugins:absent", "Fail."))
    status, _, err = here("doctor")
    assert status == 1
    assert "this is a bug in fleettools " in err


def test_the_variable_adds_the_traceback(here: RunHere, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLEET_TRACEBACK", "1")
    _, _, err = here("clumsy", "stumble")
    assert err.startswith("Traceback (most recent call last):")


def test_a_plugin_that_imports_late_what_is_missing_is_broken(here: RunHere) -> None:
    status, _, err = here("clumsy", "need")
    assert status == 9
    assert "of fleet-clumsy 0.3 is broken: ModuleNotFoundError: No module named 'fleet_absent_driver'" in err


def test_what_the_system_refuses_is_no_bug(here: RunHere) -> None:
    status, _, err = here("clumsy", "open")
    assert status == 1
    assert err.startswith("Error: No such file or directory: /nonexistent/file\n")


def test_a_command_chooses_its_exit_status(here: RunHere) -> None:
    assert here("clumsy", "leave") == (4, "", "")


def test_an_interrupt_ends_quietly_with_130(here: RunHere) -> None:
    assert here("clumsy", "interrupt") == (130, "", "")


def test_a_question_without_an_answer_fails(run_fleet: RunFleet, clumsy_site: Path) -> None:
    done = run_fleet("clumsy", "ask", installed=(clumsy_site,), stdin=subprocess.DEVNULL)
    assert done.returncode == 1
    assert "Error: stopped: the question was not answered with yes" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_interrupted_question_ends_quietly_with_130(clumsy_site: Path) -> None:
    command = subprocess.Popen(
        [FLEET, "clumsy", "ask"],
        env=environment(clumsy_site),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert command.stdout
    assert command.stdout.read(5) == b"Sure?"
    while command.poll() is None:  # a signal just before a blocking call goes unnoticed until the next
        command.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            command.wait(2)
    assert (command.returncode, command.communicate()[1]) == (130, b"")


def test_a_reader_that_goes_away_ends_the_command_quietly(clumsy_site: Path) -> None:
    command = subprocess.Popen(
        [FLEET, "clumsy", "pour"],
        env=environment(clumsy_site),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert command.stdout
    assert command.stderr
    command.stdout.read(10)
    command.stdout.close()
    assert command.stderr.read() == b""
    command.stderr.close()
    assert command.wait(60) == 141


def test_a_full_disk_is_reported_and_not_taken_for_success(clumsy_site: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [FLEET, "clumsy", "say"],
            env=environment(clumsy_site),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert done.returncode == 1
    assert done.stderr.startswith("Error: No space left on device\n")
    assert "Exception ignored" not in done.stderr


def test_output_that_nobody_opened_is_no_error(clumsy_site: Path) -> None:
    done = subprocess.run(
        ["sh", "-c", f"exec '{FLEET}' clumsy say >&-"], env=environment(clumsy_site), capture_output=True
    )
    assert (done.returncode, done.stderr) == (0, b"")


def test_ctrl_c_ends_the_process_with_130(clumsy_site: Path) -> None:
    command = subprocess.Popen(
        [FLEET, "clumsy", "pour"], env=environment(clumsy_site), stdout=subprocess.PIPE
    )
    assert command.stdout
    command.stdout.read(10)  # it is running
    command.send_signal(signal.SIGINT)
    with command.stdout:
        command.stdout.read()
    assert command.wait(60) == 130


@pytest.mark.parametrize(
    ("variables", "coloured"),
    [
        ({}, False),
        ({"FORCE_COLOR": "1"}, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        ({"FORCE_COLOR": ""}, False),
    ],
)
def test_colour_into_a_pipe_is_written_only_on_demand(
    here: RunHere, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], coloured: bool
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert here("clumsy", "colour")[1] == ("\x1b[31mred\x1b[0m\n" if coloured else "red\n")


@pytest.mark.parametrize(
    ("variables", "coloured"),
    [({"TERM": "xterm"}, True), ({"TERM": "dumb"}, False), ({"TERM": "xterm", "NO_COLOR": "1"}, False)],
)
def test_colour_on_a_terminal_is_written_unless_unwanted(
    clumsy_site: Path, variables: dict[str, str], coloured: bool
) -> None:
    ours, theirs = pty.openpty()
    subprocess.run(
        [FLEET, "clumsy", "colour"], env=environment(clumsy_site, **variables), stdout=theirs, check=True
    )
    os.close(theirs)
    assert (b"\x1b[31m" in os.read(ours, 1000)) == coloured
    os.close(ours)
