"""The `fleet` command in real processes: pipes that close, Ctrl-C, following, and many at once."""

import json
import os
import pty
import signal
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from fleet_core.api import Batch, NewEvent
from fleet_core.fleet import Fleet
from installing import FLEET, RunFleet, environment
from sites import THING, settled

PATIENCE = 30
"""Seconds after which something that should have happened has not."""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project of two thousand events."""
    return settled(tmp_path, Batch(THING, [NewEvent(type="noted", data={"n": n}) for n in range(2000)]))


def record(root: Path, type: str) -> None:
    with Fleet.open(root) as fleet:
        fleet.append(Batch(THING, [NewEvent(type=type, data={})]))


@contextmanager
def following(root: Path, *arguments: str, **options: Any) -> Iterator["subprocess.Popen[str]"]:
    """A process of `fleet log --follow`, ended by the test's end at the latest."""
    process = subprocess.Popen(
        [FLEET, "log", "--follow", *arguments],
        cwd=root,
        env=environment(HOME=str(root)),
        text=True,
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options},
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def next_line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def test_the_main_verbs_work_from_a_shell(run_fleet: RunFleet, tmp_path: Path) -> None:
    assert run_fleet("init").returncode == 0
    assert run_fleet("specialist", "register", "ada").returncode == 0
    assert "specialist_registered" in run_fleet("log").stdout
    assert "← this event" in run_fleet("why", "1").stdout
    assert "active 1" in run_fleet("status").stdout
    for verb in (("store", "verify"), ("projections", "verify"), ("doctor",)):
        assert run_fleet(*verb).returncode == 0


def test_a_closed_pipe_ends_a_long_answer_quietly(root: Path) -> None:
    command = f"{FLEET} log --after 0 --limit 100000 --data | head -1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        cwd=root,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.stdout.startswith("POSITION")
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&-"])
@pytest.mark.parametrize("verb", ["log --limit 1", "projections rebuild"])
def test_streams_that_were_closed_before_are_no_failure(root: Path, verb: str, closed: str) -> None:
    command = ["bash", "-c", f"{FLEET} {verb} {closed}"]
    done = subprocess.run(
        command, cwd=root, env=environment(), capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Error" not in done.stderr


def test_following_into_a_closed_output_ends(root: Path) -> None:
    command = ["bash", "-c", f"{FLEET} log --follow --limit 1 >&-"]
    done = subprocess.run(command, cwd=root, env=environment(), timeout=PATIENCE, check=False)
    assert done.returncode == 141


def test_a_full_disk_is_an_error_that_says_so(root: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [FLEET, "log"], cwd=root, env=environment(), stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert done.returncode == 1
    assert b"No space left" in done.stderr


def test_no_colour_leaves_pipes_and_files_without_escapes(root: Path) -> None:
    done = subprocess.run([FLEET, "doctor"], cwd=root, env=environment(), capture_output=True, check=False)
    assert b"\x1b" not in done.stdout + done.stderr


@pytest.mark.parametrize(("variables", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_a_terminal_gets_colour_unless_it_wants_none(
    root: Path, variables: dict[str, str], coloured: bool
) -> None:
    near, far = pty.openpty()
    with subprocess.Popen(
        [FLEET, "doctor"], cwd=root, env=environment(TERM="xterm", **variables), stdout=far, stderr=far
    ) as process:
        os.close(far)
        shown = b"".join(iter(lambda: read_terminal(near), b""))
    os.close(near)
    assert process.returncode == 0
    assert (b"\x1b[32m" in shown) is coloured


def read_terminal(near: int) -> bytes:
    try:
        return os.read(near, 65536)
    except OSError:  # how Linux says that the other end is closed
        return b""


def test_followers_see_the_newest_and_then_what_comes(root: Path) -> None:
    with following(root, "--limit", "2", "--json") as process:
        lines = [json.loads(next_line(process)) for _ in range(2)]
        record(root, "late")
        lines.append(json.loads(next_line(process)))
    assert [line["data"]["position"] for line in lines] == [1999, 2000, 2001]
    assert lines[-1]["next"] == {"after": 2001}


def test_followers_of_a_kind_see_nothing_else(root: Path) -> None:
    with following(root, "--type", "wanted") as process:
        for type in ("other", "wanted", "other"):
            record(root, type)
        assert next_line(process).split()[0] == "2002"


def test_followers_after_a_position_miss_nothing(root: Path) -> None:
    with following(root, "--after", "1500", "--json", "--limit", "3") as process:
        found = [json.loads(next_line(process))["data"]["position"] for _ in range(500)]
        record(root, "late")
        found.append(json.loads(next_line(process))["data"]["position"])
    assert found == list(range(1501, 2002))


def test_followers_after_a_position_to_come_wait_for_it(root: Path) -> None:
    with following(root, "--after", "2001", "--json") as process:
        for type in ("early", "late"):
            record(root, type)
        assert json.loads(next_line(process))["data"]["type"] == "late"


def test_ctrl_c_ends_following_quietly(root: Path) -> None:
    with following(root, "--limit", "1") as process:
        next_line(process)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, err) == (130, "")


def test_following_ends_when_nobody_reads_though_nothing_happens(root: Path) -> None:
    near, far = os.pipe()
    with following(root, "--limit", "1", stdout=far) as process:
        os.close(far)
        with os.fdopen(near) as reader:
            reader.readline()
        _, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, err) == (141, "")


def test_eight_processes_at_once_see_no_error_and_lose_nothing(run_fleet: RunFleet) -> None:
    assert run_fleet("init").returncode == 0
    assert run_fleet("specialist", "register", "first").returncode == 0
    lines: list[tuple[str, ...]] = [("specialist", "register", f"s-{number}") for number in range(8)]
    lines += [("init",), ("status",), ("log",), ("why", "1"), ("store", "verify"), ("doctor",)]
    lines += [("projections", "rebuild"), ("projections", "verify")]
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda arguments: run_fleet(*arguments), lines))
    assert {each.returncode: each.stderr for each in done if each.returncode} == {}
    status = json.loads(run_fleet("status", "--json").stdout)["data"]
    assert {"name": "specialists", "states": 9, "by_status": {"active": 9}} in status["projections"]


def test_eight_processes_make_one_project(run_fleet: RunFleet, tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda _: run_fleet("init"), range(8)))
    assert [(each.returncode, each.stderr.splitlines()[1:]) for each in done] == [(0, [])] * 8
    assert run_fleet("store", "verify").returncode == 0
