"""The machine that the tests run on sets itself up, and its images keep the contract of the official ones."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import machines
from fleet_postgres.api import Login, LoginRefused, server_version
from machine.images import Release, is_there, releases
from machines import IMAGES, PREPARE, new_name, podman

PASSWORD = 'not a secret: it\'s "quoted"'
READY = "prepare: this machine is ready\n"
OLD_PLACE = "/var/lib/postgresql/data"

pytestmark = pytest.mark.usefixtures("podman_machine")


@pytest.fixture
def secret() -> Iterator[str]:
    """A podman secret that holds the password."""
    name = new_name("secret")
    subprocess.run(["podman", "secret", "create", name, "-"], input=PASSWORD.encode(), check=True)
    yield name
    podman("secret", "rm", name)


@pytest.fixture
def name() -> Iterator[str]:
    """The name of a container, which is gone after the test."""
    name = new_name("machine")
    yield name
    podman("rm", "--force", "--ignore", "--volumes", "--time=0", name)


def start(name: str, secret: str, major: int, *options: str) -> Login:
    """Start a server with a database of its own, and say where it is; nothing is awaited."""
    asked = ["--env=POSTGRES_USER=ada", "--env=POSTGRES_DB=fleet", "--env=POSTGRES_INITDB_ARGS=--no-sync"]
    password = [f"--secret={secret}", f"--env=POSTGRES_PASSWORD_FILE=/run/secrets/{secret}"]
    port = ["--publish=127.0.0.1::5432"]
    podman(
        "run", "--detach", "--pull=never", f"--name={name}", *asked, *password, *port, *options, IMAGES[major]
    )
    place = podman("port", name, "5432/tcp").stdout.strip()
    return Login("127.0.0.1", int(place.rpartition(":")[2]), "fleet", "ada", PASSWORD)


def version_when_ready(login: Login, name: str) -> str:
    """Log in as soon as the server lets us."""
    deadline = time.monotonic() + 60
    while True:
        running = podman("inspect", name, "--format={{.State.Running}}").stdout.strip()
        try:
            return server_version(login, timeout=5)
        except LoginRefused:
            if running != "true" or time.monotonic() > deadline:
                raise AssertionError(podman("logs", name).stderr) from None
            time.sleep(0.05)


def first_words_of(*options: str, major: int = 18) -> tuple[int, str]:
    """Run a container that is expected to end by itself; its status, and what it said on stderr."""
    done = podman("run", "--rm", "--pull=never", *options, IMAGES[major], check=False)
    return done.returncode, done.stderr


@pytest.mark.parametrize("release", releases(), ids=lambda release: release.major)
def test_an_image_holds_the_release_it_is_named_for(release: Release) -> None:
    said = podman(
        "run", "--rm", "--pull=never", "--network=none", release.image, "postgres", "--version"
    ).stdout
    assert said == f"postgres (PostgreSQL) {release.version.removesuffix('.0')}\n"


@pytest.mark.parametrize("release", releases(), ids=lambda release: release.major)
def test_a_first_start_makes_the_user_the_database_and_the_cluster_in_the_volume(
    release: Release, name: str, secret: str
) -> None:
    login = start(name, secret, release.major)
    assert version_when_ready(login, name) == release.version.removesuffix(".0")
    (mount,) = json.loads(podman("inspect", name).stdout)[0]["Mounts"]
    assert mount["Destination"] == release.volume
    assert podman("exec", name, "cat", f"{release.data}/PG_VERSION").stdout.strip() == str(release.major)
    assert podman("exec", name, "stat", "--format=%u", release.data).stdout.strip() == "999"

    with pytest.raises(LoginRefused) as refused:
        server_version(login._replace(password="another"), timeout=10)
    assert refused.value.reason == "password"
    query = ["psql", "--username=ada", "--dbname=fleet", "--tuples-only", "--no-align"]
    assert podman("exec", name, *query, "--command=select current_user").stdout == "ada\n"


@pytest.mark.parametrize("major", [15, 18])
def test_a_place_for_the_data_that_is_named_fits_every_release(major: int, name: str, secret: str) -> None:
    volume = new_name("data")
    place = [f"--volume={volume}:{OLD_PLACE}", f"--env=PGDATA={OLD_PLACE}"]
    try:
        version_when_ready(start(name, secret, major, *place), name)
        podman("rm", "--force", "--volumes", name)
        login = start(name, secret, major, *place)
        assert version_when_ready(login, name).startswith(f"{major}.")
        assert "appears to contain a database; Skipping initialization" in podman("logs", name).stdout
    finally:
        podman("rm", "--force", "--ignore", "--volumes", "--time=0", name)
        podman("volume", "rm", volume)


def test_files_for_a_first_start_are_run_in_the_database(name: str, secret: str, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "1.sql").write_text("CREATE TABLE steps (step text); INSERT INTO steps VALUES ('sql');")
    (tmp_path / "2.sh").write_text("sql --dbname=fleet <<<\"INSERT INTO steps VALUES ('sh')\"")
    mount = f"--volume={tmp_path}:/docker-entrypoint-initdb.d:ro"
    version_when_ready(start(name, secret, 15, mount), name)
    query = ["psql", "--username=ada", "--dbname=fleet", "--tuples-only", "--no-align"]
    assert podman("exec", name, *query, "--command=select step from steps").stdout == "sql\nsh\n"


def test_an_image_stops_in_an_orderly_way_when_told(name: str, secret: str) -> None:
    version_when_ready(start(name, secret, 16), name)
    podman("stop", "--time=30", name)
    assert podman("inspect", name, "--format={{.State.ExitCode}}").stdout.strip() == "0"
    assert "database system is shut down" in podman("logs", name).stderr


def test_a_first_start_without_a_password_is_refused() -> None:
    status, words = first_words_of("--network=none")
    assert status == 1
    assert "Database is uninitialized and superuser password is not specified" in words


def test_a_password_given_twice_is_refused() -> None:
    status, words = first_words_of("--env=POSTGRES_PASSWORD=a", "--env=POSTGRES_PASSWORD_FILE=/b")
    assert status == 1
    assert "both POSTGRES_PASSWORD and POSTGRES_PASSWORD_FILE are set (but are exclusive)" in words


def test_a_volume_mounted_as_before_18_is_refused_by_18() -> None:
    status, words = first_words_of(f"--tmpfs={OLD_PLACE}", "--env=POSTGRES_PASSWORD=a")
    assert status == 1
    assert "in 18+, these Docker images are configured to store database data" in words
    assert f"{OLD_PLACE} (unused mount/volume)" in words


def test_an_image_of_another_recipe_does_not_pass_for_the_one_wanted() -> None:
    (release, *_) = releases()
    assert is_there(release)
    assert not is_there(release._replace(requirement=f"{release.requirement} --hash=sha256:0"))


def state_of_the_machine() -> dict[str, object]:
    """What a preparation could change: the images, the settings of podman, the packages of the system."""
    files = [Path("/var/lib/dpkg/status"), *Path("/etc/containers").rglob("*")]
    images = {
        image: podman("image", "inspect", image, "--format={{.Id}}").stdout for image in IMAGES.values()
    }
    return images | {str(file): file.stat().st_mtime_ns for file in files if file.exists()}


def test_a_machine_that_is_prepared_is_left_as_it_is() -> None:
    before = state_of_the_machine()
    done = subprocess.run([PREPARE], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, READY), done.stderr
    assert state_of_the_machine() == before


def test_a_machine_where_nothing_can_be_installed_is_told_what_it_lacks(tmp_path: Path) -> None:
    for tool in ("bash", "dirname", "uname", "tr", "cat"):
        (tmp_path / tool).symlink_to(str(shutil.which(tool)))
    done = subprocess.run([PREPARE], env={"PATH": str(tmp_path)}, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "this machine lacks: podman" in done.stderr
    assert "apt-get install podman" in done.stderr


def test_what_a_killed_test_run_left_behind_is_swept_away(name: str) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    left = [f"fleet-test-{ended.pid}-{kind}" for kind in ("container", "volume")]
    kept = f"fleet-test-{os.getppid()}-volume-{name}"
    podman("create", "--pull=never", f"--name={left[0]}", f"--volume={left[1]}:/data", IMAGES[15])
    podman("volume", "create", kept)
    try:
        machines.sweep()
        there = podman("ps", "--all", "--format={{.Names}}").stdout.split()
        there += podman("volume", "ls", "--format={{.Name}}").stdout.split()
        assert not {*left} & {*there}
        assert kept in there
    finally:
        podman("volume", "rm", kept)
