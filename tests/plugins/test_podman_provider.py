"""The life of a PostgreSQL in Podman, with real containers."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from fleet_core.api import Invalid, ServiceFailed
from fleet_podman import faults
from fleet_podman.settings import settings_of
from machines import IMAGES, new_name, podman
from podman_life import (
    assert_kept,
    command_lines,
    created,
    execute,
    forget,
    free_port,
    is_alive,
    keep,
    listens,
    psql,
    shim,
    until,
)
from podman_provocations import Trial, new_trial, quiet

pytestmark = [pytest.mark.usefixtures("podman_machine"), pytest.mark.xdist_group("podman-life")]


@pytest.fixture(scope="module")
def shared(podman_machine: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    """A service that once was up, with a row in its database."""
    trial = new_trial(tmp_path_factory.mktemp("life") / ".fleet")
    trial.provider().up(quiet)
    keep(trial)
    yield trial
    trial.remove()


@pytest.fixture
def ready(shared: Trial) -> Trial:
    """That service, up, as its settings say."""
    shared.provider().up(quiet)
    return shared


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Trial]:
    """A service of which nothing exists yet."""
    trial = new_trial(tmp_path / ".fleet")
    yield trial
    trial.remove()


# Where it is.


def test_it_is_published_to_this_machine_alone(ready: Trial) -> None:
    bindings = json.loads(podman("inspect", ready.container).stdout)[0]["HostConfig"]["PortBindings"]
    assert [each["HostIp"] for port in bindings.values() for each in port] == ["127.0.0.1"]


def test_another_port_is_found_when_its_own_was_taken_meanwhile(ready: Trial) -> None:
    before = ready.provider().status().url
    ready.provider().down()
    taker = new_name("taker")
    port = before.rpartition(":")[2].partition("/")[0]
    publish = f"--publish=127.0.0.1:{port}:5432"
    podman("run", "--detach", "--pull=never", "--name", taker, publish, IMAGES[16], "sleep", "99")
    try:
        assert ready.provider().up(quiet).url != before
        assert_kept(ready)
    finally:
        podman("rm", "--force", "--volumes", "--time=0", taker)


def test_a_status_says_where_it_is_and_which_version_it_has(ready: Trial) -> None:
    status = ready.provider().status()
    assert status.url.startswith("postgresql://fleettools@127.0.0.1:")
    assert status.version.startswith("16.")
    assert status.facts == {"container": ready.container, "volume": ready.volume, "image": IMAGES[16]}


# What is made, and whose it is.


@pytest.mark.parametrize("kind", ["container", "volume", "secret"])
def test_what_is_made_says_whose_it_is(ready: Trial, kind: str) -> None:
    name = {"container": ready.container, "volume": ready.volume, "secret": f"{ready.container}-password"}
    [found] = json.loads(podman(kind, "inspect", name[kind]).stdout)
    labels = found.get("Labels") or found.get("Config", {}).get("Labels") or found["Spec"]["Labels"]
    assert labels["io.fleettools.project"] == str(ready.directory.resolve())
    assert labels["io.fleettools.service"] == "postgres"


MAJORS = sorted(IMAGES) if os.environ.get("FLEET_MAJORS") == "all" else [min(IMAGES), max(IMAGES)]
"""All of them in `make torture`; in between nothing differs that the oldest and the newest do not show."""


@pytest.mark.parametrize("major", MAJORS)
def test_it_runs_every_major_version_and_keeps_its_data_in_the_one_volume(fresh: Trial, major: int) -> None:
    provider = fresh.provider(image=IMAGES[major])
    assert provider.up(quiet).version.startswith(f"{major}.")
    keep(fresh, image=IMAGES[major])
    mounts = json.loads(podman("inspect", fresh.container).stdout)[0]["Mounts"]
    assert [each["Name"] for each in mounts] == [fresh.volume]
    podman("rm", "--force", "--time=5", fresh.container)
    provider.up(quiet)
    assert_kept(fresh, image=IMAGES[major])


def test_data_that_an_official_image_left_where_it_used_to_be_is_used(
    fresh: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its owner gave the volume our labels; the image is as it was, without a word about PGDATA."""
    podman("volume", "create", *fresh.labels(), fresh.volume)
    former, mount = new_name("former"), f"{fresh.volume}:/var/lib/postgresql/data"
    settings = ("-e", "POSTGRES_PASSWORD=of-the-former", "-e", "POSTGRES_USER=fleettools")
    podman("run", "-d", "--pull=never", "--name", former, "-v", mount, *settings, IMAGES[16])
    until(lambda: listens(former))
    podman("rm", "--force", "--volumes", "--time=5", former)
    monkeypatch.setenv("POSTGRES_PASSWORD", "of-the-former")
    assert fresh.provider().up(quiet).state == "ready"


# Settings that change.


def test_another_port_in_the_settings_is_used_from_the_next_start_on(ready: Trial) -> None:
    ready.provider().down()
    port = free_port()
    assert f"127.0.0.1:{port}/" in ready.provider(port=port).up(quiet).url
    assert_kept(ready, port=port)


def test_another_name_in_the_settings_leaves_no_second_server_at_the_data(ready: Trial) -> None:
    other = new_name("other")
    names = {"container": other, "volume": ready.volume}
    try:
        ready.provider(**names).up(quiet)
        assert_kept(ready, **names)
        assert podman("container", "exists", ready.container, check=False).returncode == 1
    finally:
        podman("rm", "--force", "--time=5", other)
        podman("secret", "rm", f"{other}-password", check=False)


def test_an_image_of_the_same_major_version_takes_the_data_over(ready: Trial) -> None:
    image = f"localhost/{new_name('newer')}:1"
    podman("tag", IMAGES[16], image)
    try:
        before = ready.inspected(".Id")
        ready.provider(image=image).up(quiet)
        assert ready.inspected(".Id") != before
        assert_kept(ready, image=image)
        ready.provider().up(quiet)
    finally:
        podman("untag", image, image, check=False)
        podman("rmi", image, check=False)


def test_a_volume_of_another_name_may_be_of_another_major_version(ready: Trial) -> None:
    moved = {"image": IMAGES[17], "volume": new_name("moved")}
    try:
        assert ready.provider(**moved).up(quiet).version.startswith("17.")
        assert execute(ready, "SELECT to_regclass('kept') IS NULL", **moved) == "True"
    finally:
        podman("rm", "--force", "--time=5", ready.container)
        podman("volume", "rm", moved["volume"])
        forget(ready)
    ready.provider().up(quiet)
    assert_kept(ready)


def test_a_database_that_somebody_was_let_into_is_never_made_anew(ready: Trial) -> None:
    made = created(ready)
    assert "no database" in ready.failure(database="another").message
    assert created(ready) == made
    assert_kept(ready)


def test_a_volume_that_is_gone_is_told_and_made_anew(fresh: Trial) -> None:
    fresh.provider().up(quiet)
    podman("rm", "--force", "--time=5", fresh.container)
    podman("volume", "rm", fresh.volume)
    reports: list[str] = []
    assert fresh.provider().up(reports.append).state == "ready"
    assert f"volume {fresh.volume} is gone: starting with an empty database" in reports


# Stopping.


def test_a_container_that_was_removed_is_stopped_while_its_volume_is_there(ready: Trial) -> None:
    podman("rm", "--force", "--time=5", ready.container)
    assert ready.provider().status().state == "stopped"
    ready.provider().up(quiet)
    assert_kept(ready)


def test_a_paused_container_is_stopped(ready: Trial) -> None:
    podman("pause", ready.container)
    assert ready.provider().down().state == "stopped"
    assert ready.inspected(".State.Running") == "false"


def test_a_paused_container_goes_on(ready: Trial) -> None:
    before = ready.inspected(".Id")
    podman("pause", ready.container)
    assert ready.provider().up(quiet).state == "ready"
    assert ready.inspected(".Id") == before


def test_nothing_runs_of_a_container_that_podman_lost_sight_of_and_that_was_stopped(ready: Trial) -> None:
    server = int(ready.inspected(".State.Pid"))
    ready.lose()
    assert ready.provider().down().state == "stopped"
    assert not is_alive(server)
    ready.provider().up(quiet)
    assert_kept(ready)


def test_it_starts_where_the_path_does_not_lead_to_the_programs_of_the_system(
    ready: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Podman's network needs `iptables`, which lies in /usr/sbin."""
    monkeypatch.setenv("PATH", str(Path(shutil.which("podman") or "").parent))
    assert ready.provider().restart(quiet).state == "ready"


def test_a_server_that_does_not_stop_by_itself_is_killed_in_time(ready: Trial) -> None:
    ready.hang()
    assert ready.provider(stop_timeout=1).down().state == "stopped"
    ready.provider().up(quiet)
    assert_kept(ready)


# Talking to it.


def test_psql_runs_in_the_container(ready: Trial, capfd: pytest.CaptureFixture[str]) -> None:
    assert psql(ready, "-At", "-c", "SELECT what FROM kept") == 0
    assert capfd.readouterr().out == "a row\n"


def test_psql_ends_with_its_own_status(ready: Trial, capfd: pytest.CaptureFixture[str]) -> None:
    assert psql(ready, "-c", "nonsense") == 1
    assert "syntax error" in capfd.readouterr().err


def test_there_is_no_psql_while_it_does_not_run(ready: Trial) -> None:
    ready.provider().down()
    with pytest.raises(ServiceFailed) as caught:
        psql(ready)
    assert caught.value.details["fault"] == faults.NOT_RUNNING.name


def test_logs_hold_what_was_said_on_stdout_and_stderr_in_its_order(shared: Trial) -> None:
    podman("rm", "--force", "--time=5", shared.container)
    shared.provider().up(quiet)
    lines = list(shared.provider().logs())
    [skipping] = [number for number, line in enumerate(lines) if "Skipping initialization" in line]
    [accepting] = [number for number, line in enumerate(lines) if "ready to accept connections" in line]
    assert skipping < accepting


def test_who_stops_following_leaves_no_process_behind(ready: Trial) -> None:
    def is_followed() -> bool:
        return any(f"logs --follow {ready.container}" in line for line in command_lines())

    following = ready.provider().logs(follow=True)
    next(following)
    assert is_followed()
    del following
    until(lambda: not is_followed())


# The virtual machine of macOS.

MACHINE = """
if [ "$1 $2" = "machine start" ]; then touch "$0.started"; exit 0; fi
if [ ! -e "$0.started" ]; then
    echo 'Cannot connect to Podman. Please verify your connection to the Linux system' >&2
    echo 'Error: unable to connect to Podman socket: failed to connect: dial tcp 127.0.0.1:1: refused' >&2
    exit 125
fi
exec "$PODMAN" "$@"
"""


def test_a_machine_that_does_not_run_is_started_when_the_settings_say_so(
    ready: Trial, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shim(tmp_path, MACHINE, monkeypatch)
    reports: list[str] = []
    assert ready.provider(start_machine=True).up(reports.append).state == "ready"
    assert reports[0] == "starting the virtual machine of Podman"


def test_a_machine_that_does_not_run_is_left_so_when_nobody_asked(
    fresh: Trial, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        shim(tmp_path, MACHINE, patch)
        failed = fresh.failure()
        state = fresh.provider().status().state
    assert failed.details["fault"] == faults.MACHINE_NOT_RUNNING.name
    assert "start_machine = true" in failed.remedy
    assert state == "unknown"


# The settings.


def test_the_first_service_has_the_names_that_it_always_had() -> None:
    settings = settings_of("postgres", {})
    assert (settings.container, settings.volume, settings.port) == (
        "fleettools-pg",
        "fleettools-pg-data",
        5432,
    )


def test_services_side_by_side_have_names_and_ports_of_their_own() -> None:
    settings = settings_of("reports", {})
    names = (settings.container, settings.volume, settings.port)
    assert names == ("fleettools-pg-reports", "fleettools-pg-reports-data", "auto")


@pytest.mark.parametrize(
    "table",
    [
        {"colour": "red"},
        {"port": 0},
        {"port": "any"},
        {"container": "-rm"},
        {"image": "--privileged"},
        {"database": "a b"},
        {"user": "x;y"},
        {"pull": "sometimes"},
    ],
    ids=str,
)
def test_settings_that_do_not_fit_are_refused(table: dict[str, object]) -> None:
    with pytest.raises(Invalid, match=r"\[services.postgres\]"):
        settings_of("postgres", table)
