"""The machine that the tests run on sets itself up, and its images keep the contract of the official ones."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from fleet_postgres.api import Login, LoginRefused, server_version
from installing import HERE
from machine.images import Release, is_there, releases
from machines import IMAGES, PREPARE, new_name, podman

PASSWORD = 'not a secret: it\'s "quoted"'
READY = "prepare: this machine is ready\n"
OLD_PLACE = "/var/lib/postgresql/data"

SEES_TESTS = {**os.environ, "PYTHONPATH": str(HERE)}

pytestmark = [pytest.mark.usefixtures("podman_machine"), pytest.mark.xdist_group("podman-machine")]


@contextmanager
def a_secret() -> Iterator[str]:
    """A podman secret that holds the password."""
    name = new_name("secret")
    subprocess.run(["podman", "secret", "create", name, "-"], input=PASSWORD.encode(), check=True)
    yield name
    podman("secret", "rm", name)


@contextmanager
def a_container() -> Iterator[str]:
    """The name of a container, which is gone in the end."""
    name = new_name("machine")
    try:
        yield name
    finally:
        podman("rm", "--force", "--ignore", "--volumes", "--time=0", name)


def start(name: str, secret: str, major: int, *options: str) -> Login:
    """Start a server with a database of its own, and say where it is; nothing is awaited."""
    asked = ["--env=POSTGRES_USER=ada", "--env=POSTGRES_DB=fleet"]
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


class Served(NamedTuple):
    """A container of an image whose first start has had files to run."""

    release: Release
    name: str
    login: Login

    def asked(self, query: str) -> str:
        """What the server answers within the container."""
        psql = ("psql", "--username=ada", "--dbname=fleet", "--tuples-only", "--no-align")
        return podman("exec", self.name, *psql, f"--command={query}").stdout


@pytest.fixture(scope="module", params=[17, 18], ids=["before 18", "from 18 on"])
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server of the last release before the folder of the data has moved, or of the first one after."""
    [release] = [each for each in releases() if each.major == request.param]
    files = tmp_path_factory.mktemp("initdb")
    for folder in (files, *files.parents[:2]):
        folder.chmod(0o755)
    (files / "1.sql").write_text("CREATE TABLE steps (step text); INSERT INTO steps VALUES ('sql');")
    (files / "2.sh").write_text("sql --dbname=fleet <<<\"INSERT INTO steps VALUES ('sh')\"")
    mount = f"--volume={files}:/docker-entrypoint-initdb.d:ro"
    with a_secret() as secret, a_container() as name:
        yield Served(release, name, start(name, secret, release.major, mount))


@pytest.fixture
def served(made: Served) -> Served:
    """That server, ready."""
    podman("start", made.name)
    version_when_ready(made.login, made.name)
    return made


def test_a_first_start_makes_the_user_and_the_database(served: Served) -> None:
    assert server_version(served.login, timeout=5) == served.release.version.removesuffix(".0")
    assert served.asked("select current_user") == "ada\n"


def test_another_password_is_refused(served: Served) -> None:
    with pytest.raises(LoginRefused) as refused:
        server_version(served.login._replace(password="another"), timeout=10)
    assert refused.value.reason == "password"


def test_a_first_start_makes_the_cluster_in_the_volume(served: Served) -> None:
    release, name, _ = served
    mounts = json.loads(podman("inspect", name).stdout)[0]["Mounts"]
    [mount] = [each for each in mounts if each["Type"] == "volume"]
    assert mount["Destination"] == release.volume
    assert podman("exec", name, "cat", f"{release.data}/PG_VERSION").stdout.strip() == str(release.major)
    assert podman("exec", name, "stat", "--format=%u", release.data).stdout.strip() == "999"


def test_files_for_a_first_start_are_run_in_the_database(served: Served) -> None:
    assert served.asked("select step from steps") == "sql\nsh\n"


def test_an_image_stops_in_an_orderly_way_when_told(served: Served) -> None:
    podman("stop", "--time=30", served.name)
    assert podman("inspect", served.name, "--format={{.State.ExitCode}}").stdout.strip() == "0"
    assert "database system is shut down" in podman("logs", served.name).stderr


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


def test_what_a_killed_test_run_left_behind_is_swept_away() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    left = [f"fleet-test-{ended.pid}-{kind}" for kind in ("container", "volume")]
    kept = new_name("kept").replace(str(os.getpid()), str(os.getppid()))
    podman("create", "--pull=never", f"--name={left[0]}", f"--volume={left[1]}:/data", IMAGES[15])
    podman("volume", "create", kept)
    try:
        # In a process of its own: it also sweeps away what is left of the one that calls it.
        subprocess.run(
            [sys.executable, "-c", "import machines; machines.sweep()"], env=SEES_TESTS, check=True
        )
        there = podman("ps", "--all", "--format={{.Names}}").stdout.split()
        there += podman("volume", "ls", "--format={{.Name}}").stdout.split()
        assert not {*left} & {*there}
        assert kept in there
    finally:
        podman("volume", "rm", kept)
