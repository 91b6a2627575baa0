"""PostgreSQL from programs of this machine: one server, whatever is killed, and no trace but in its place."""

import fcntl
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from fleet_core.api import Console, Invalid, ServiceFailed, ServiceStatus
from fleet_core.testing.services import providing
from fleet_postgres_local import faults
from fleet_postgres_local.logs import read_log
from fleet_postgres_local.processes import Process, process, processes
from fleet_postgres_local.provider import make_provider
from fleet_postgres_local.server import Server
from fleet_postgres_local.turns import turn
from local_probe import DEADLINE, LocalProbe, Template, give_to_account, servers_on
from postgres_servers import BINARIES, free_port

SERVICE = "pilots"

UP = """
import sys
from pathlib import Path
from fleet_postgres_local.provider import make_provider
provider = make_provider("x", sys.argv[2], {"port": "auto", "data": sys.argv[3]}, Path(sys.argv[1]))
provider.up(lambda text: print(text, flush=True))
"""


@pytest.fixture(scope="module")
def template() -> Iterator[Template]:
    template = Template(SERVICE)
    yield template
    template.clear()


@pytest.fixture
def local(template: Template) -> Iterator[LocalProbe]:
    """A service that was up and is stopped."""
    local = template.copy()
    yield local
    local.clear()


@pytest.fixture(scope="module")
def running(template: Template) -> Iterator[LocalProbe]:
    """A service that is up, for tests that leave it so."""
    running = template.copy()
    (running.places.folder / "port").unlink()
    running.make().up(quiet)
    yield running
    running.clear()


@pytest.fixture
def new(tmp_path: Path) -> Iterator[LocalProbe]:
    """A service that was never up."""
    new = LocalProbe(tmp_path, SERVICE)
    yield new
    new.clear()


def quiet(report: str) -> None:
    """A report that nobody reads."""


def until(holds: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + DEADLINE
    while not holds():
        assert time.monotonic() < deadline, f"in vain: {what}"
        time.sleep(0.005)


def make(local: LocalProbe, **settings: Any) -> Any:
    """The provider of a service, with other settings than before."""
    given = {"port": "auto", "data": str(local.data), **settings}
    return providing("fleet_postgres_local.plugin", local.directory, local.service, **given)()


def ask(local: LocalProbe, question: str) -> str:
    with psycopg.connect(local.make().url()) as connection:
        (answer,) = connection.execute(question.encode()).fetchone() or ("nothing",)
    return str(answer)


@contextmanager
def program(*command: str, **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A program that runs, and is killed in the end whatever becomes of the test."""
    with subprocess.Popen(command, **options) as running:
        try:
            yield running
        finally:
            running.kill()


# Who may enter, and where it lies.


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("listen_addresses", "127.0.0.1"),
        ("unix_socket_directories", ""),
        ("password_encryption", "scram-sha-256"),
        ("data_checksums", "on"),
        ("fsync", "on"),
        ("synchronous_commit", "on"),
        ("server_encoding", "UTF8"),
    ],
)
def test_the_server_is_set_up(running: LocalProbe, setting: str, value: str) -> None:
    assert ask(running, f"SHOW {setting}") == value


def test_nobody_enters_without_the_password(running: LocalProbe) -> None:
    assert ask(running, "SELECT count(*) FROM pg_hba_file_rules WHERE auth_method <> 'scram-sha-256'") == "0"
    stranger = running.make().status().url.replace("@", ":wrong@")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(stranger)


def test_nobody_listens_elsewhere(running: LocalProbe) -> None:
    listening = f"{':'.join(running.make().status().url.rsplit(':', 1)[1:]).split('/')[0]}"
    sockets = subprocess.run(["ss", "-Hltn"], capture_output=True, text=True, check=True).stdout
    assert re.findall(rf"(\S+):{listening}\s", sockets) == ["127.0.0.1"]


def test_files_are_for_their_owner_alone(running: LocalProbe) -> None:
    places = running.places
    modes = {
        path.name: stat.S_IMODE(path.stat().st_mode) for path in (places.password, places.log, places.data)
    }
    assert modes == {"password": 0o600, "server.log": 0o600, "data": 0o700}


def test_the_password_is_not_where_the_data_are(running: LocalProbe) -> None:
    password = running.places.password.read_bytes().strip()
    files = [path for path in running.data.rglob("*") if path.is_file()]
    assert [path for path in files if password in path.read_bytes()] == []


def test_the_server_sees_no_environment_of_ours(local: LocalProbe, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PGPORT", "PGDATA", "PGOPTIONS", "POSTGRES_PASSWORD", "LANG"):
        monkeypatch.setenv(name, "of-ours")
    local.make().up(quiet)
    assert b"of-ours" not in Path(f"/proc/{local.pid}/environ").read_bytes()


@pytest.fixture
def unset(tmp_path: Path) -> Iterator[LocalProbe]:
    """A service whose data lie where they do when no setting says where."""
    unset = LocalProbe(tmp_path / ".fleet", SERVICE, data=None)
    yield unset
    unset.clear()


def test_root_s_data_lie_where_another_account_can_work_and_a_link_leads_there(unset: LocalProbe) -> None:
    unset.make().up(quiet)
    home = unset.places.link
    if os.geteuid() == 0:
        assert home.readlink() == unset.data
        assert unset.data.parent == Path("/var/lib/fleettools")
        assert unset.data.owner() == "postgres"
    assert home.samefile(unset.data)
    unset.make().destroy()
    assert not unset.data.exists()
    assert list(unset.directory.iterdir()) == []


def test_a_project_that_is_moved_keeps_its_data(unset: LocalProbe, tmp_path: Path) -> None:
    unset.make().up(quiet)
    unset.write(unset.make().url(), "before the move")
    unset.make().down()
    unset.directory.rename(tmp_path / "elsewhere")
    moved = LocalProbe(tmp_path / "elsewhere", SERVICE, data=None)
    try:
        moved.make().up(quiet)
        assert moved.read(moved.make().url()) == ["before the move"]
    finally:
        moved.clear()


def test_a_project_may_be_reached_by_a_link(unset: LocalProbe, tmp_path: Path) -> None:
    unset.directory.mkdir()
    (tmp_path / "link").symlink_to(unset.directory)
    linked = providing("fleet_postgres_local.plugin", tmp_path / "link", SERVICE, port="auto")()
    linked.up(quiet)
    assert unset.make().status().state == "ready"
    linked.down()
    assert linked.up(quiet).state == unset.make().status().state == "ready"
    linked.destroy()
    assert list(unset.directory.iterdir()) == []


def test_a_project_that_is_copied_has_data_of_its_own(template: Template, local: LocalProbe) -> None:
    local.make().up(quiet)
    other = template.copy()
    (other.places.folder / "port").unlink()
    other.make().up(quiet)
    other.write(other.make().url(), "in the copy")
    assert local.read(local.make().url()) == []
    other.make().destroy()
    assert local.make().status().state == "ready"


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../a", "a b", "ä", "-a"])
def test_a_service_whose_name_makes_no_folder_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(Invalid, match="name"):
        make_provider("postgres-local", name, {}, tmp_path)


@pytest.mark.parametrize(
    "settings",
    [
        {"port": 0},
        {"port": "any"},
        {"user": "pg_me"},
        {"database": 'a"; DROP'},
        {"database": "a\nb"},
        {"user": "x" * 64},
        {"nonsense": 1},
        {"stop_timeout": 0},
    ],
)
def test_settings_that_can_t_work_are_refused(tmp_path: Path, settings: dict[str, Any]) -> None:
    with pytest.raises(Invalid, match=rf"\[services.{SERVICE}\]"):
        make_provider("postgres-local", SERVICE, settings, tmp_path)


def test_names_with_all_that_is_allowed_work(template: Template, tmp_path: Path) -> None:
    made = LocalProbe(tmp_path, "a.b-c_1", user="My.user-1", database="7-of.Mine_")
    try:
        assert made.make().up(quiet).state == "ready"
        assert ask(made, "SELECT current_user || '@' || current_database()") == "My.user-1@7-of.Mine_"
    finally:
        made.clear()


# The port.


def test_a_picked_port_is_kept(local: LocalProbe) -> None:
    before = local.make().up(quiet).url
    local.make().down()
    assert local.make().up(quiet).url == before


def test_a_new_port_in_the_settings_takes_the_server_there(local: LocalProbe) -> None:
    before = local.make().up(quiet)
    port = free_port()
    status = make(local, port=port).up(quiet)
    assert (status.state, str(port) in status.url) == ("ready", True)
    assert status.facts["process"] != before.facts["process"]
    assert len(local.running()) == 1


def test_a_server_is_found_on_the_port_where_it_is(local: LocalProbe) -> None:
    """Not where changed settings say that the next one will be."""
    url = local.make().up(quiet).url
    changed = make(local, port=free_port())
    assert changed.status().url == url
    assert local.read(changed.url()) == []


def test_the_first_service_has_the_usual_port_and_others_pick_one(tmp_path: Path) -> None:
    from fleet_postgres_local.ports import Port

    first = make_provider("postgres-local", "postgres", {}, tmp_path)
    other = make_provider("postgres-local", "reports", {}, tmp_path)
    assert [Port(each._service).known() for each in (first, other)] == [5432, None]


# Processes.


def test_the_server_survives_the_end_of_who_started_it(local: LocalProbe) -> None:
    command = [sys.executable, "-c", UP, str(local.directory), SERVICE, str(local.data)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    assert local.make().status().state == "ready"


def test_a_ctrl_c_at_the_terminal_does_not_reach_the_server(local: LocalProbe) -> None:
    """It goes to all of the terminal's processes: here to a group of them."""
    script = UP + "print('up', flush=True)\nimport signal\nsignal.pause()\n"
    command = [sys.executable, "-c", script, str(local.directory), SERVICE, str(local.data)]
    quietly: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with program(*command, process_group=0, **quietly) as starter:
        assert starter.stdout
        assert b"up\n" in iter(starter.stdout.readline, b"")
        os.killpg(starter.pid, signal.SIGINT)
        starter.wait(DEADLINE)
    assert local.make().status().state == "ready"
    assert os.getsid(local.pid) != os.getsid(0)


def test_what_a_killed_start_left_behind_is_waited_for(new: LocalProbe) -> None:
    """The program that makes the data outlives who called it, and keeps others out until it is done."""
    command = [sys.executable, "-c", UP, str(new.directory), SERVICE, str(new.data)]
    with program(*command, stdout=subprocess.DEVNULL) as starter:
        until(lambda: _maker(new), "the data are being made")
        maker = _maker(new)[0]
        os.kill(maker, signal.SIGSTOP)
        starter.kill()
    try:
        assert new.make().status().state == "starting"
        with pytest.raises(ServiceFailed) as failed:
            make(new, start_timeout=1).up(quiet)
        assert failed.value.details["fault"] == faults.BUSY.name
    finally:
        os.kill(maker, signal.SIGCONT)
    assert new.make().up(quiet).state == "ready"
    assert not new.places.draft.exists()


def _maker(local: LocalProbe) -> list[int]:
    return [
        each.pid
        for each in processes()
        if "/initdb --pgdata" in each.command and str(local.data) in each.command
    ]


def test_a_number_that_another_program_has_now_is_not_taken_for_the_server(local: LocalProbe) -> None:
    """As after a reboot: the server's own record names a process that is somebody else's."""
    local.make().up(quiet)
    local.crash()
    with program("sleep", "600") as other:
        _record(local, other.pid)
        assert local.make().status().state == "failing"
        assert local.make().up(quiet).state == "ready"
        local.make().down()
        assert other.poll() is None


def test_a_number_that_another_server_has_now_is_not_taken_for_the_server(
    local: LocalProbe, running: LocalProbe
) -> None:
    local.make().up(quiet)
    local.crash()
    _record(local, running.pid)
    assert local.make().status().state == "failing"
    local.make().down()
    assert local.make().up(quiet).state == "ready"
    assert running.make().status().state == "ready"


def _record(local: LocalProbe, pid: int) -> None:
    path = local.data / "postmaster.pid"
    _, *rest = path.read_text().splitlines()
    path.write_text("\n".join([str(pid), *rest]) + "\n")


@pytest.mark.parametrize("content", ["", "\n", "123", "nonsense\n" * 8, "\0" * 100])
def test_a_record_that_says_nothing_hinders_nobody(local: LocalProbe, content: str) -> None:
    (local.data / "postmaster.pid").write_text(content)
    give_to_account(local.data / "postmaster.pid")
    assert local.make().status().state == "failing"
    assert local.make().up(quiet).state == "ready"


def test_children_that_outlive_their_server_are_ended(local: LocalProbe) -> None:
    local.make().up(quiet)
    child = next(each for each in processes() if each.parent == local.pid and "checkpointer" in each.command)
    os.kill(child.pid, signal.SIGSTOP)
    os.kill(local.pid, signal.SIGKILL)
    until(lambda: not local.running(), "the server is dead")
    assert process(child.pid)
    assert local.make().down().state == "stopped"
    assert process(child.pid) is None
    assert local.make().up(quiet).state == "ready"


def test_a_process_that_heeds_no_signal_is_killed(local: LocalProbe) -> None:
    title = f"postgres: {local.places.tag}: deaf"
    deaf = "from signal import *\nfor s in (2, 3, 15): signal(s, SIG_IGN)\nprint(flush=True)\npause()"
    with program(title, "-c", deaf, executable=sys.executable, stdout=subprocess.PIPE) as other:
        assert other.stdout
        other.stdout.readline()
        make(local, stop_timeout=0.1).down()
        assert other.wait(DEADLINE) == -signal.SIGKILL


def test_a_server_whose_data_are_gone_is_taken_down_all_the_same(local: LocalProbe) -> None:
    local.make().up(quiet)
    pid = local.pid
    shutil.rmtree(local.data)
    assert f"server, process {pid}" in local.make().belongings()
    status = local.make().status()
    assert (status.state, status.detail) == ("failing", faults.DATA_GONE.message.format(data=local.data))
    local.make().down()
    assert process(pid) is None


def test_a_server_on_other_data_than_are_set_now_is_taken_down_all_the_same(local: LocalProbe) -> None:
    local.make().up(quiet)
    pid = local.pid
    make(local, data=str(local.directory / "other")).down()
    assert process(pid) is None
    assert (local.data / "PG_VERSION").exists()


def test_programs_that_mention_the_service_are_none_of_it(local: LocalProbe) -> None:
    mention = f"postgres: {local.places.tag}: -D {local.data} -c cluster_name={local.places.tag} here"
    with program(sys.executable, "-c", "import signal; signal.pause()", mention) as other:
        server = Server(make_provider("x", SERVICE, {"data": str(local.data)}, local.directory)._service)
        assert server.mains() == []
        local.make().down()
        assert other.poll() is None


def test_this_machine_s_processes_are_seen() -> None:
    with program("sleep", "600") as other:
        seen = Process(other.pid, os.getpid(), os.geteuid(), "sleep 600")
        until(lambda: process(other.pid) == seen, "it is what it became")
        assert seen in list(processes())
        other.kill()
        until(lambda: process(other.pid) is None, "it is dead, and waited for by nobody")


def test_ps_tells_the_same_of_processes_where_there_is_no_proc(
    running: LocalProbe, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    told = process(running.pid)
    monkeypatch.setattr("fleet_postgres_local.processes.PROC", tmp_path)
    assert process(running.pid) == told
    assert told in list(processes())
    assert running.make().status().state == "ready"


# The turns.


def test_a_lock_that_was_removed_meanwhile_is_nobody_s(local: LocalProbe) -> None:
    """As when another process destroys the service while this one waits."""
    with local.places.lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        told: list[str] = []

        def remove(report: str) -> None:
            told.append(report)
            if report == "waiting for another process":
                local.places.lock.unlink()

        assert local.make().up(remove).state == "ready"
    assert "waiting for another process" in told


def test_a_lock_that_is_removed_just_then_is_not_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between its opening and its locking, where the next one makes a new file."""
    path, lock = tmp_path / "a" / "b" / "c" / "lock", fcntl.flock
    removals = iter([path])

    def remove_and_lock(descriptor: int, how: int) -> None:
        for removed in removals:
            removed.unlink()
        lock(descriptor, how)

    monkeypatch.setattr("fcntl.flock", remove_and_lock)
    with turn(path, DEADLINE, lambda: None) as held:
        assert os.path.samestat(os.fstat(held), path.stat())


def test_a_failed_start_leaves_no_lock(new: LocalProbe) -> None:
    with pytest.raises(ServiceFailed):
        make(new, bin="/nosuch").up(quiet)
    assert list(new.directory.rglob("*")) == []


# The log.


LOG = """\
postgres: a line without a time
2026-01-02 10:00:00.000 UTC [1] ERROR:  first
2026-01-02 10:00:00.000 UTC [1] STATEMENT:  SELECT 1,
\t2
2026-01-02 11:00:00.500 UTC [1] LOG:  second \xff
2026-01-02 11:00:00.500 UTC [1] STATEMENT:  SELECT 3,
\t4
cut"""


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "log"
    path.write_bytes(LOG.encode("latin-1"))
    return path


def lines(log: Path, tail: int | None = None, since: datetime | None = None) -> list[str]:
    return list(read_log(log, tail, since, False, lambda: False))


def test_a_line_goes_on_with_the_time_of_the_one_before(log: Path) -> None:
    since = datetime(2026, 1, 2, 11, tzinfo=UTC)
    assert [line[-3:] for line in lines(log, since=since)] == ["d \ufffd", " 3,", "\t4", "cut"]


def test_the_last_ones_are_those_of_the_recent_ones(log: Path) -> None:
    assert lines(log, tail=2, since=datetime(2026, 1, 2, 11, tzinfo=UTC)) == ["\t4", "cut"]
    assert lines(log, tail=9, since=datetime(2026, 1, 3, tzinfo=UTC)) == []


def test_a_log_that_is_not_there_has_no_lines(tmp_path: Path) -> None:
    assert lines(tmp_path / "none") == []


def test_who_follows_gets_each_line_whole(log: Path) -> None:
    following = read_log(log, 1, None, True, iter([True, False]).__next__)
    assert next(following) == "\t4"
    with log.open("a") as file:
        file.write(" short\nnext\nlast")
    assert list(following) == ["cut short", "next", "last"]


# The client.


def test_the_client_is_logged_in_and_shows_no_password(
    running: LocalProbe, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGHOSTADDR", "192.0.2.1")
    provider = running.make()
    assert isinstance(provider, Console)
    assert provider.console(["-Atc", "SELECT current_user || '@' || current_database()"]) == 0
    assert provider.console(["-c", r"\! ps -ww -o args -p $PPID"]) == 0
    said = capfd.readouterr().out
    assert said.startswith("fleettools@fleettools\n")
    assert running.places.password.read_text().strip() not in said


def test_the_client_s_exit_status_is_told(running: LocalProbe, capfd: pytest.CaptureFixture[str]) -> None:
    provider = running.make()
    assert isinstance(provider, Console)
    assert provider.console(["-v", "ON_ERROR_STOP=1", "-c", "SELECT nonsense"]) == 1
    assert "nonsense" in capfd.readouterr().err


# What is said.


def test_a_status_says_where_things_are(running: LocalProbe) -> None:
    status: ServiceStatus = running.make().status()
    assert (status.service, status.state) == (SERVICE, "ready")
    assert status.version.startswith("15.")
    assert status.facts == {
        "process": str(servers_on(running.data)[0]),
        "data": str(running.data),
        "log": str(running.places.log),
    }


def test_programs_are_found_by_where_systems_install_them(
    new: LocalProbe, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from fleet_postgres_local.programs import installed

    monkeypatch.setenv("PATH", str(tmp_path))
    assert BINARIES in [each.folder for each in installed()]
