"""What Podman itself refuses, provoked for real, is told as the fault that it is."""

import os
from pathlib import Path

import pytest

from fleet_core.api import Fault
from fleet_podman import faults, image_faults
from installing import RunHere
from machines import new_name, podman
from podman_provocations import (
    IMAGE,
    PASSWORD,
    Trial,
    assert_tells,
    closed_port,
    engine_settings,
    listener,
    new_trial,
)

pytestmark = pytest.mark.usefixtures("podman_machine")


@pytest.fixture
def trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Trial:
    """A service of which nothing exists yet; what is left of it goes when all tests have run."""
    monkeypatch.setenv("POSTGRES_PASSWORD", PASSWORD)
    return new_trial(tmp_path / ".fleet")


def test_a_port_that_a_process_has_is_in_use(trial: Trial) -> None:
    with listener() as port:
        failed = trial.failure(port=port)
    assert_tells(failed, faults.PORT_IN_USE)
    assert f"port {port} is in use" in failed.message


def test_a_port_that_a_container_has_is_in_use(trial: Trial) -> None:
    other = new_name("port")
    podman(
        "run", "--detach", "--pull=never", "--name", other, "--publish=127.0.0.1::5432", IMAGE, "sleep", "99"
    )
    port = int(podman("port", other, "5432").stdout.rpartition(":")[2])
    try:
        assert_tells(trial.failure(port=port), faults.PORT_IN_USE)
    finally:
        podman("rm", "--force", "--volumes", "--time=0", other)


def test_a_port_that_was_in_use_leaves_no_container_that_has_its_name(trial: Trial) -> None:
    with listener() as port:
        trial.failure(port=port)
    assert podman("container", "exists", trial.container, check=False).returncode == 1


def test_an_image_that_is_not_here_and_may_not_be_pulled_is_missing(trial: Trial) -> None:
    failed = trial.failure(image="localhost/fleet-nosuch:1")
    assert_tells(failed, image_faults.IMAGE_MISSING)
    assert "podman pull localhost/fleet-nosuch:1" in failed.remedy


def test_an_image_that_is_not_to_be_had_leaves_nothing_behind(trial: Trial) -> None:
    trial.failure(image="localhost/fleet-nosuch:1")
    assert trial.provider().status().state == "absent"
    assert [words for words in trial.provider().belongings() if "remembered" not in words] == []


def test_a_registry_where_nobody_listens_refuses(trial: Trial) -> None:
    image = f"127.0.0.1:{closed_port()}/fleet/postgres:16"
    assert_tells(trial.failure(image=image, pull="missing"), image_faults.REGISTRY_REFUSED)


def test_a_registry_that_says_nothing_is_silent_within_the_time_that_was_given(trial: Trial) -> None:
    with listener() as port:
        image = f"127.0.0.1:{port}/fleet/postgres:16"
        failed = trial.failure(image=image, pull="missing", start_timeout=1, pull_timeout=2)
    assert_tells(failed, image_faults.REGISTRY_SILENT)


def test_the_name_of_a_registry_that_has_no_address_is_unknown(trial: Trial) -> None:
    failed = trial.failure(image="registry.invalid/fleet/postgres:16", pull="missing")
    assert_tells(failed, image_faults.REGISTRY_UNKNOWN_HOST)


@pytest.mark.parametrize("image", ["Fleet//Postgres", "localhost/UPPER:1", "localhost/postgres:"])
def test_what_is_no_name_of_an_image_is_told(trial: Trial, image: str) -> None:
    assert_tells(trial.failure(image=image, pull="missing"), image_faults.BAD_IMAGE_NAME)


def test_a_name_without_a_registry_is_told(
    trial: Trial, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registries = tmp_path / "registries.conf"
    registries.write_text("unqualified-search-registries = []\n")
    monkeypatch.setenv("CONTAINERS_REGISTRIES_CONF", str(registries))
    assert_tells(trial.failure(image="fleet-nosuch:1", pull="missing"), image_faults.SHORT_NAME)


def test_without_podman_it_is_told_how_to_get_it(
    trial: Trial, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as without:
        without.setenv("PATH", str(tmp_path))
        assert_tells(trial.failure(), faults.PODMAN_MISSING)


def test_without_podman_the_command_ends_with_status_8(
    here: RunHere, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    here("init")
    status, out, err = here("services", "up")
    assert (status, out) == (8, "")
    assert "Podman is not installed" in err
    assert "sudo apt-get install podman" in err


def test_a_podman_that_does_not_answer_is_told(
    trial: Trial, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mute = tmp_path / "podman"
    mute.write_text("#!/bin/sh\nexec sleep 99\n")
    mute.chmod(0o755)
    with monkeypatch.context() as other:
        other.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
        status = trial.provider().status()
    assert status.state == "unknown"
    assert status.detail.startswith("Podman did not answer within")
    assert "podman ps" in status.remedy


@pytest.mark.parametrize(
    ("host", "fault"),
    [
        ("unix:///nonexistent/podman.sock", faults.API_SOCKET_GONE),
        ("unix:///var/folders/x4/T/podman/podman.sock", faults.MACHINE_MISSING),
        ("tcp://127.0.0.1:{closed}", faults.MACHINE_NOT_RUNNING),
        ("ssh://core@127.0.0.1:{closed}/run/podman/podman.sock", faults.MACHINE_NOT_RUNNING),
    ],
)
def test_a_podman_elsewhere_that_does_not_answer_is_told_as_on_macos(
    trial: Trial, monkeypatch: pytest.MonkeyPatch, host: str, fault: Fault
) -> None:
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("CONTAINER_HOST", host.format(closed=closed_port()))
        assert_tells(trial.failure(), fault)


def test_a_configuration_that_podman_cannot_read_is_told(
    trial: Trial, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "containers.conf"
    broken.write_text("[containers\n")
    with monkeypatch.context() as configured:
        configured.setenv("CONTAINERS_CONF", str(broken))
        assert_tells(trial.failure(), faults.BROKEN_CONFIG)


def test_a_limit_of_files_that_podman_may_not_raise_is_told(
    trial: Trial, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Above what any kernel allows, so that root with all its powers is refused, too.
    limit = f'default_ulimits = ["nofile={2**32}:{2**32}"]'
    path = engine_settings(tmp_path / "containers.conf", limit)
    with monkeypatch.context() as configured:
        configured.setenv("CONTAINERS_CONF", path)
        assert_tells(trial.failure(), faults.LIMITS_NOFILE)


def test_a_container_of_somebody_else_is_left_alone(trial: Trial) -> None:
    podman("create", "--pull=never", "--name", trial.container, IMAGE)
    before = trial.inspected(".Id")
    assert_tells(trial.failure(), faults.FOREIGN_CONTAINER)
    assert trial.inspected(".Id") == before


def test_what_another_project_has_is_told_with_the_command_that_removes_it(
    trial: Trial, tmp_path: Path
) -> None:
    other = Trial(tmp_path / "other" / ".fleet", trial.container)
    podman("create", "--pull=never", *other.labels(), "--name", trial.container, IMAGE)
    podman("volume", "create", *other.labels(), trial.volume)
    gone = trial.failure()
    other.directory.mkdir(parents=True)
    failed = trial.failure()
    assert_tells(failed, faults.FOREIGN_CONTAINER)
    assert f"`fleet services destroy postgres` in {tmp_path / 'other'}" in failed.remedy
    assert f"`podman stop {trial.container} && podman rm {trial.container}`" in gone.remedy
    assert trial.provider().status().remedy == failed.remedy


def test_a_volume_of_somebody_else_is_left_alone(trial: Trial) -> None:
    podman("volume", "create", trial.volume)
    trial.in_the_volume("echo precious > diary")
    assert_tells(trial.failure(), faults.FOREIGN_VOLUME)
    trial.in_the_volume("test $(cat diary) = precious")
