"""A server that breaks down in its container, for real, is told as the fault that it is, and comes back."""

import re
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from fleet_core.api import Fault, ServiceStatus
from fleet_podman import faults, server_faults
from machines import podman
from podman_provocations import OTHER_IMAGE, PASSWORD, Trial, assert_tells, new_trial, quiet

pytestmark = [pytest.mark.usefixtures("podman_machine"), pytest.mark.xdist_group("podman-breakdowns")]


@pytest.fixture(scope="module")
def made(podman_machine: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    """A service that once was up, with a row in its database; its password is given by the environment."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("POSTGRES_PASSWORD", PASSWORD)
        trial = new_trial(tmp_path_factory.mktemp("breakdowns") / ".fleet")
        trial.provider().up(quiet)
        query(trial, "CREATE TABLE kept AS SELECT 'a row' AS what")
        yield trial
    trial.remove()


@pytest.fixture
def trial(made: Trial) -> Trial:
    """That service, up; its data is still there, whatever the test before did to it."""
    made.provider().up(quiet)
    assert query(made, "SELECT what FROM kept") == "a row"
    return made


def query(trial: Trial, statement: str) -> str:
    """What the server answers."""
    with psycopg.connect(trial.provider().url(), autocommit=True) as connection:
        cursor = connection.execute(statement)
        row = cursor.fetchone() if cursor.description else None
    return str(row[0]) if row else ""


@contextmanager
def harmed(trial: Trial, harm: str, mend: str) -> Iterator[None]:
    """The data of a server that was stopped, harmed by a script and mended by another one."""
    trial.provider().down()
    trial.in_the_volume(harm)
    try:
        yield
    finally:
        podman("rm", "--force", "--time=0", trial.container)
        trial.in_the_volume(mend)


def assert_shows(status: ServiceStatus, fault: Fault) -> None:
    """The service fails, and the fault's words and remedy are its status."""
    assert status.state == "failing", status
    assert status.detail.startswith(fault.message.partition("{")[0])
    assert status.remedy
    assert PASSWORD not in str(status)


def killed(trial: Trial) -> None:
    podman("kill", "--signal=KILL", trial.container)


def paused(trial: Trial) -> None:
    podman("pause", trial.container)


@pytest.mark.parametrize(
    ("provoke", "fault"),
    [(killed, faults.EXITED), (paused, faults.PAUSED), (Trial.hang, server_faults.HUNG)],
    ids=["killed", "paused", "hung"],
)
def test_the_status_of_a_server_that_broke_down_says_what_is_wrong(
    trial: Trial, provoke: Callable[[Trial], None], fault: Fault
) -> None:
    provoke(trial)
    assert_shows(trial.provider().status(), fault)
    assert trial.provider().restart(quiet).state == "ready"


def test_a_server_that_hangs_is_told_when_the_time_is_up(trial: Trial) -> None:
    trial.hang()
    failed = trial.failure(start_timeout=1)
    trial.provider().restart(quiet)
    assert_tells(failed, server_faults.HUNG)


def test_a_container_that_podman_lost_sight_of_still_answers(trial: Trial) -> None:
    trial.lose()
    assert trial.provider().status().state == "ready"


def test_a_container_that_podman_lost_sight_of_is_made_anew(trial: Trial) -> None:
    trial.lose()
    before = trial.inspected(".Id")
    trial.provider().restart(quiet)
    assert trial.provider().status().state == "ready"
    assert trial.inspected(".Id") != before


def test_a_container_that_podman_lost_sight_of_is_told(trial: Trial) -> None:
    trial.lose()
    podman("stop", "--time=1", trial.container)
    assert_shows(trial.provider().status(), faults.STATE_IMPROPER)


def test_data_of_another_version_is_told(made: Trial) -> None:
    with harmed(made, "cp PG_VERSION kept; echo 14 > PG_VERSION", "mv kept PG_VERSION"):
        failed = made.failure()
    assert_tells(failed, server_faults.VERSION_MISMATCH)
    assert "PostgreSQL version 14" in str(failed.details["said"])


def test_an_image_of_another_version_is_refused_before_it_sees_the_data(trial: Trial) -> None:
    before = trial.inspected(".Id")
    failed = trial.failure(image=OTHER_IMAGE)
    assert_tells(failed, server_faults.VERSION_MISMATCH)
    assert trial.inspected(".Id") == before


def test_data_that_is_damaged_is_told(made: Trial) -> None:
    with harmed(made, "mv global/pg_control kept", "mv kept global/pg_control"):
        failed = made.failure()
    assert_tells(failed, server_faults.CLUSTER_CORRUPT)
    assert f"podman volume export {made.volume}" in failed.remedy


def test_files_that_are_no_database_are_told(made: Trial) -> None:
    with harmed(made, "mv PG_VERSION kept", "mv kept PG_VERSION"):
        assert_tells(made.failure(), server_faults.DATA_NOT_A_CLUSTER)


def test_a_server_that_ends_for_another_reason_shows_its_last_words(made: Trial) -> None:
    with harmed(made, "echo 'nonsense = 1' > postgresql.auto.conf", "> postgresql.auto.conf"):
        failed = made.failure()
    assert_tells(failed, faults.EXITED)
    assert 'unrecognized configuration parameter "nonsense"' in str(failed.details["said"])


def test_a_password_that_the_server_does_not_know_is_rejected(
    trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as other:
        other.setenv("POSTGRES_PASSWORD", "another-one-7c4e")
        failed = trial.failure()
    assert_tells(failed, server_faults.PASSWORD_REJECTED)
    assert "another-one-7c4e" not in str(failed.as_dict())


def test_a_password_that_nobody_keeps_is_lost(trial: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as without:
        without.delenv("POSTGRES_PASSWORD")
        assert_tells(trial.failure(), server_faults.PASSWORD_LOST)


def test_a_database_that_the_server_does_not_have_is_told(trial: Trial) -> None:
    failed = trial.failure(database="another")
    assert_tells(failed, server_faults.DATABASE_MISSING)
    assert "another" in failed.message


def test_the_remedy_of_a_missing_database_makes_it(trial: Trial) -> None:
    remedy = trial.failure(database="another").remedy
    command = re.search("`podman (exec .*?)`", remedy)
    assert command
    podman(*shlex.split(command[1]))
    assert trial.provider(database="another").up(quiet).state == "ready"


def test_a_volume_that_another_server_has_is_in_use(trial: Trial) -> None:
    other = new_trial(trial.directory)
    podman("rm", "--force", "--time=2", trial.container)
    mount = f"{trial.volume}:/var/lib/postgresql/data"
    podman(
        "run",
        "--detach",
        "--pull=never",
        "--name",
        other.container,
        "--volume",
        mount,
        OTHER_IMAGE,
        "sleep",
        "99",
    )
    try:
        assert_tells(trial.failure(), faults.VOLUME_IN_USE)
    finally:
        other.remove()


@pytest.fixture
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Trial:
    """A service of which nothing exists yet; what is left of it goes when all tests have run."""
    monkeypatch.setenv("POSTGRES_PASSWORD", PASSWORD)
    return new_trial(tmp_path / ".fleet")


def test_a_disk_that_is_full_is_told(fresh: Trial) -> None:
    small = ("--opt", "type=tmpfs", "--opt", "device=tmpfs", "--opt", "o=nr_blocks=2000")
    podman("volume", "create", *small, *fresh.labels(), fresh.volume)
    assert_tells(fresh.failure(), faults.DISK_FULL)


def test_a_start_that_takes_too_long_says_what_was_waited_for(fresh: Trial) -> None:
    failed = fresh.failure(start_timeout=0.1)
    assert_tells(failed, server_faults.NOT_READY)
    assert "still waiting for the server to listen" in failed.message
