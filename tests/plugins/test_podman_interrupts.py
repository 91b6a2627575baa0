"""Commands that are broken off, and a Podman that was: nothing is lost, and no volume has two servers."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import msgspec
import pytest

from fleet_core.api import ServiceFailed
from fleet_podman import faults
from installing import FLEET, environment
from machines import podman
from podman_life import assert_kept, execute, is_alive, keep, servers, shim, until
from podman_provocations import Trial, new_trial, quiet

pytestmark = [pytest.mark.usefixtures("podman_machine"), pytest.mark.xdist_group("podman-interrupts")]

PATIENCE = 60
"""Seconds in which a command that was broken off has ended: less than any of Podman's own time-outs."""
LONG = 60
"""Seconds in which it would end by itself, in these tests."""


@pytest.fixture(scope="module")
def shared(podman_machine: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    """A service, and a project that names it."""
    trial = new_trial(tmp_path_factory.mktemp("interrupts") / ".fleet")
    settings = trial.settings(stop_timeout=LONG, start_timeout=LONG)
    table = "".join(f"{name} = {msgspec.json.encode(value).decode()}\n" for name, value in settings.items())
    (trial.directory.parent / "fleet.toml").write_text(f"[services.postgres]\n{table}")
    yield trial
    trial.remove()


@pytest.fixture
def ready(shared: Trial) -> Trial:
    """That service, up, with a row in its database."""
    shared.provider().up(quiet)
    keep(shared)
    return shared


@contextmanager
def started(trial: Trial, *arguments: str) -> "Iterator[subprocess.Popen[str]]":
    """`fleet services` in the project, as a shell starts it: Ctrl-C reaches all of its group."""
    with subprocess.Popen(
        [FLEET, "services", *arguments],
        cwd=trial.directory.parent,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as command:
        try:
            yield command
        finally:
            command.kill()


def ctrl_c(command: "subprocess.Popen[str]") -> str:
    """Break a command off, and see it end; gives what it said on stderr."""
    os.killpg(command.pid, signal.SIGINT)
    _, err = command.communicate(timeout=PATIENCE)
    assert command.returncode == 130, err
    return err


def line_of(stream: IO[str] | None) -> str:
    assert stream is not None
    return stream.readline().rstrip("\n")


def is_stopping(trial: Trial) -> bool:
    return trial.inspected(".State.Status") == "stopping"


@pytest.fixture
def half_stopped(ready: Trial) -> int:
    """Its server hangs, and a stop of it was broken off: gives the server's process."""
    server = int(ready.inspected(".State.Pid"))
    ready.hang()
    with subprocess.Popen(["podman", "stop", "--time", str(LONG), ready.container]) as stop:
        until(lambda: is_stopping(ready))
        stop.send_signal(signal.SIGINT)
    assert (is_stopping(ready), is_alive(server)) == (True, True)
    return server


# Ctrl-C.


def test_ctrl_c_ends_a_down_that_takes_long_and_the_next_up_runs_one_server(ready: Trial) -> None:
    server = int(ready.inspected(".State.Pid"))
    ready.hang()
    with started(ready, "down") as down:
        until(lambda: is_stopping(ready))
        ctrl_c(down)
    assert ready.provider().up(quiet).state == "ready"
    assert not is_alive(server)
    assert servers(ready) == [int(ready.inspected(".State.Pid"))]
    assert_kept(ready)


def test_ctrl_c_ends_an_up_that_waits_and_says_for_what(ready: Trial) -> None:
    ready.hang()
    with started(ready, "up") as up:
        waiting = line_of(up.stderr)
        err = ctrl_c(up)
    assert "waiting for the server to answer" in waiting
    assert waiting in err
    ready.provider().restart(quiet)
    assert_kept(ready)


def test_ctrl_c_ends_a_command_and_the_podman_that_it_waits_for(
    ready: Trial, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = tmp_path / "asked"
    with monkeypatch.context() as mute:
        shim(tmp_path, f'echo $$ > "{asked}.new"; mv "{asked}.new" "{asked}"; exec sleep 99', mute)
        with started(ready, "up") as up:
            until(asked.exists)
            ctrl_c(up)
    assert not is_alive(int(asked.read_text()))
    assert_kept(ready)


# Podman itself, broken off.


@pytest.mark.parametrize("change", [{}, {"database": "postgres"}], ids=["as it was", "with other settings"])
def test_up_after_a_stop_that_was_broken_off_runs_one_server(
    ready: Trial, half_stopped: int, change: dict[str, Any]
) -> None:
    assert ready.provider(**change).up(quiet).state == "ready"
    assert not is_alive(half_stopped)
    assert servers(ready) == [int(ready.inspected(".State.Pid"))]
    ready.provider().up(quiet)
    assert_kept(ready)


def test_down_after_a_stop_that_was_broken_off_leaves_no_server(ready: Trial, half_stopped: int) -> None:
    assert ready.provider().down().state == "stopped"
    assert (is_alive(half_stopped), servers(ready)) == (False, [])
    ready.provider().up(quiet)
    assert_kept(ready)


def test_a_server_whose_container_was_removed_from_under_it_keeps_a_second_one_away(
    ready: Trial, half_stopped: int
) -> None:
    """What `podman rm --force` does to a container whose stop was broken off."""
    podman("rm", "--force", "--time=0", ready.container)
    assert servers(ready) == [half_stopped]
    try:
        failed = ready.failure()
        status = ready.provider().status()
        with pytest.raises(ServiceFailed) as refused:
            ready.provider().destroy()
        assert servers(ready) == [half_stopped]
    finally:
        os.kill(half_stopped, signal.SIGKILL)
    assert failed.details["fault"] == faults.SERVER_REMAINS.name
    assert refused.value.details["fault"] == faults.SERVER_REMAINS.name
    assert f"kill -KILL {half_stopped}" in failed.remedy
    assert (status.state, status.remedy) == ("failing", failed.remedy)
    until(lambda: servers(ready) == [])
    ready.provider().up(quiet)
    assert_kept(ready)


# Logs that are followed.


def test_who_follows_the_logs_sees_what_is_new_until_the_service_stops(ready: Trial) -> None:
    with started(ready, "logs", "--follow", "--tail", "1") as follower:
        line_of(follower.stdout)
        execute(ready, "DO $$ BEGIN RAISE LOG 'said-to-who-follows'; END $$")
        while "said-to-who-follows" not in (line := line_of(follower.stdout)):
            assert line
        ready.provider().down()
        _, err = follower.communicate(timeout=PATIENCE)
    assert (follower.returncode, err) == (0, "")


def test_a_podman_that_can_not_follow_is_an_error_and_no_line(
    ready: Trial, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fails = 'echo "Error: no space left on device" >&2; exit 125'
    with monkeypatch.context() as failing:
        shim(tmp_path, f'if [ "$1" = logs ]; then {fails}; fi; exec "$PODMAN" "$@"', failing)
        with started(ready, "logs", "--follow") as follower:
            out, err = follower.communicate(timeout=PATIENCE)
    assert (follower.returncode, out) == (8, "")
    assert "the disk is full" in err


# Destroying it.


def test_destroy_after_a_stop_that_was_broken_off_leaves_nothing(ready: Trial, half_stopped: int) -> None:
    ready.provider().destroy()
    assert (is_alive(half_stopped), servers(ready)) == (False, [])
    assert ready.provider().status().state == "absent"
    with started(ready, "logs", "--follow") as follower:
        out, _ = follower.communicate(timeout=PATIENCE)
    assert (follower.returncode, out) == (3, "")
