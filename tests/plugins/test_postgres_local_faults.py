"""What goes wrong with a PostgreSQL of this machine is done for real, and told with what to do about it."""

import fcntl
import os
import pwd
import re
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from fleet_core.api import Console, Fault, ServiceFailed
from fleet_core.testing.services import providing
from fleet_postgres_local import faults, programs
from fleet_postgres_local.faults import FAULTS
from local_probe import LocalProbe, Template, give_to_account, servers_on
from postgres_servers import BINARIES, Server

SERVICE = "pilots"
IS_ROOT = os.geteuid() == 0
SOON = 2.0
"""Seconds of patience in tests of what never comes about."""

NOT_PROVOKED = {
    "data-gone": "see test_postgres_local",
    "stuck": "only a process that waits for a broken disk outlives SIGKILL",
}


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


@pytest.fixture
def new(tmp_path: Path) -> Iterator[LocalProbe]:
    """A service that was never up."""
    new = LocalProbe(tmp_path, SERVICE)
    yield new
    new.clear()


def quiet(report: str) -> None:
    """A report that nobody reads."""


def make(local: LocalProbe, **settings: Any) -> Any:
    """The provider of a service, with other settings than before."""
    given = {"port": "auto", "data": str(local.data), **settings}
    return providing("fleet_postgres_local.plugin", local.directory, local.service, **given)()


def told(fault: Fault, work: Callable[[], object]) -> ServiceFailed:
    """The error of work that must fail with this fault, and can be taken for no other."""
    with pytest.raises(ServiceFailed) as failed:
        work()
    error = failed.value
    assert error.details["fault"] == fault.name, error.as_dict()
    assert error.details["service"] == SERVICE
    assert error.remedy
    assert "{" not in error.message + error.remedy
    if fault.pattern:
        said = str(error.details["said"])
        assert [each.name for each in FAULTS if each.matches(said)] == [fault.name], said
    return error


def up(local: LocalProbe, **settings: Any) -> Callable[[], object]:
    return lambda: make(local, **settings).up(quiet)


def configure(local: LocalProbe, *lines: str) -> None:
    with (local.data / "postgresql.conf").open("a") as settings:
        settings.writelines(f"{line}\n" for line in lines)


# The programs.


def test_without_postgresql_it_is_said_how_to_install_it(
    new: LocalProbe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(programs, "_INSTALLED", ())
    error = told(faults.PROGRAMS_MISSING, lambda: new.make().up(quiet))
    for system in ("Debian", "Fedora", "Arch", "macOS", "Windows"):
        assert system in error.remedy
    assert new.remains() == []


def test_without_postgresql_status_is_an_answer(
    new: LocalProbe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(programs, "_INSTALLED", ())
    status = new.make().status()
    assert status.state == "absent"
    assert "not installed" in status.detail
    assert "apt-get install" in status.remedy


@pytest.mark.parametrize("content", ["#!/bin/sh\necho something else", "#!/bin/sh\nexit 1", "no program"])
def test_a_setting_that_names_no_programs_is_told(new: LocalProbe, tmp_path: Path, content: str) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("initdb", "postgres"):
        (folder / name).write_text(content)
        (folder / name).chmod(0o755)
    error = told(faults.BIN_WRONG, lambda: make(new, bin=str(folder)).up(quiet))
    assert str(folder) in error.message


def test_data_of_another_version_are_told_and_kept(local: LocalProbe) -> None:
    (local.data / "PG_VERSION").write_text("9.6\n")
    error = told(faults.VERSION_MISMATCH, up(local))
    assert "PostgreSQL 9.6" in error.message
    assert "15." in error.message
    assert local.make().status().state == "stopped"
    (local.data / "PG_VERSION").write_text("15\n")
    up(local)()


def test_a_missing_client_is_told(local: LocalProbe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("initdb", "postgres"):
        (folder / name).symlink_to(BINARIES / name)
    up(local)()
    monkeypatch.setenv("PATH", str(tmp_path))
    told(faults.CLIENT_MISSING, lambda: make(local, bin=str(folder)).console([]))


def test_a_database_that_can_t_be_made_leaves_nothing(new: LocalProbe, tmp_path: Path) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "initdb").write_text(f'#!/bin/sh\nexec {BINARIES}/initdb -L /nosuch "$@"\n')
    (folder / "initdb").chmod(0o755)
    (folder / "postgres").symlink_to(BINARIES / "postgres")
    for path in (tmp_path, *tmp_path.parents):
        if path.stat().st_uid == os.geteuid() and path != Path("/"):
            path.chmod(path.stat().st_mode | 0o711)
    error = told(faults.INITDB_FAILED, lambda: make(new, bin=str(folder)).up(quiet))
    assert "/nosuch" in str(error.details["said"])
    assert new.remains() == []
    assert new.make().status().state == "absent"


# The account.


def test_an_account_that_does_not_exist_is_told(new: LocalProbe) -> None:
    error = told(faults.ACCOUNT_MISSING, lambda: make(new, run_as="nosuchaccount").up(quiet))
    assert "nosuchaccount" in error.message


def test_running_it_as_root_is_refused(new: LocalProbe) -> None:
    refused = faults.ACCOUNT_ROOT if IS_ROOT else faults.ACCOUNT_DENIED
    told_unsaid(refused, lambda: make(new, run_as="root").up(quiet))


def test_only_root_may_choose_an_account(tmp_path: Path) -> None:
    with as_nobody(tmp_path):
        made = providing("fleet_postgres_local.plugin", tmp_path, SERVICE, run_as="root", port="auto")
        told(faults.ACCOUNT_DENIED, lambda: made().up(quiet))


@contextmanager
def as_nobody(folder: Path) -> Iterator[None]:
    """Be an ordinary user for a while, who may write into a folder."""
    if not IS_ROOT:
        yield
        return
    account = pwd.getpwnam("nobody")
    for path in (folder, *folder.parents[:3]):
        path.chmod(0o755)
    os.chown(folder, account.pw_uid, account.pw_gid)
    os.setegid(account.pw_gid)
    os.seteuid(account.pw_uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


# The data.


def test_a_folder_with_something_else_in_it_is_left_alone(new: LocalProbe, tmp_path: Path) -> None:
    other = tmp_path / "letters"
    other.mkdir()
    (other / "dear.txt").write_text("grandmother")
    provider = make(new, data=str(other))
    told(faults.DATA_FOREIGN, lambda: provider.up(quiet))
    assert provider.status().state == "failing"
    provider.down()
    provider.destroy()
    assert [path.name for path in other.iterdir()] == ["dear.txt"]


def test_a_cluster_that_somebody_else_made_is_left_alone(new: LocalProbe) -> None:
    server = Server.create()
    server.start()
    try:
        provider = make(new, data=str(server.data))
        told(faults.DATA_FOREIGN, lambda: provider.up(quiet))
        told(faults.DATA_FOREIGN, lambda: provider.restart(quiet))
        provider.down()
        provider.destroy()
        with psycopg.connect(server.tcp_dsn) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        assert (server.data / "postmaster.pid").exists()
    finally:
        server.remove()


def test_data_of_another_project_are_left_alone(local: LocalProbe, new: LocalProbe) -> None:
    up(local)()
    provider = make(new, data=str(local.data))
    error = told(faults.DATA_TAKEN, lambda: provider.up(quiet))
    assert str(local.places.folder) in error.message
    assert provider.status().state == "failing"
    provider.down()
    provider.destroy()
    assert local.make().status().state == "ready"


def test_a_server_that_somebody_else_started_on_the_data_is_left_alone(local: LocalProbe) -> None:
    server = Server(local.data.parent)
    log = local.directory / "log"
    log.touch()
    give_to_account(log)
    server.run("pg_ctl", "start", "-s", "-D", local.data, "-l", log, "-o", f"-p {server.port} -k ''")
    provider = local.make()
    try:
        told_unsaid(faults.DATA_IN_USE, lambda: provider.up(quiet))
        told_unsaid(faults.DATA_IN_USE, lambda: provider.restart(quiet))
        told_unsaid(faults.DATA_IN_USE, provider.down)
        told_unsaid(faults.DATA_IN_USE, provider.destroy)
        status = provider.status()
        assert status.state == "failing"
        assert "left alone" in status.detail
        assert len(servers_on(local.data)) == 1
    finally:
        server.run("pg_ctl", "stop", "-s", "-D", local.data)
    up(local)()


def told_unsaid(fault: Fault, work: Callable[[], object]) -> None:
    """Work that fails with a fault before PostgreSQL could say so."""
    with pytest.raises(ServiceFailed) as failed:
        work()
    assert failed.value.details["fault"] == fault.name


def test_data_that_the_account_can_t_reach_are_told(new: LocalProbe, tmp_path: Path) -> None:
    """Root's server is another account's, which root's folders are closed to; a user's own, to the user."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700 if IS_ROOT else 0o500)
    fault = faults.DATA_UNREACHABLE if IS_ROOT else faults.FOLDER_UNUSABLE
    told(fault, lambda: make(new, data=str(closed / "data")).up(quiet))


def test_data_that_others_may_read_are_told(local: LocalProbe) -> None:
    local.data.chmod(0o777)
    told(faults.DATA_PERMISSIONS, up(local))


def test_data_that_are_damaged_are_told(local: LocalProbe) -> None:
    (local.data / "global" / "pg_control").unlink()
    told(faults.DATA_DAMAGED, up(local))


def test_a_missing_log_of_writes_is_told(local: LocalProbe) -> None:
    for segment in (local.data / "pg_wal").glob("0*"):
        segment.unlink()
    told(faults.DATA_DAMAGED, up(local))


@pytest.mark.parametrize("line", ["shared_buffers = 'much'", "nonsense = 1", "work_mem = -5"])
def test_a_broken_configuration_is_told(local: LocalProbe, line: str) -> None:
    configure(local, line)
    told(faults.CONFIGURATION, up(local))


def test_a_broken_list_of_who_may_enter_is_told(local: LocalProbe) -> None:
    (local.data / "pg_hba.conf").write_text("nonsense\n")
    told(faults.CONFIGURATION, up(local))


def test_a_library_that_is_missing_is_told(local: LocalProbe) -> None:
    configure(local, "shared_preload_libraries = 'nosuchlibrary'")
    told(faults.LIBRARY_MISSING, up(local))


def test_a_password_that_is_gone_is_told(local: LocalProbe) -> None:
    local.places.password.unlink()
    told(faults.PASSWORD_LOST, up(local))
    assert local.running() == []
    told(faults.PASSWORD_LOST, local.make().url)


def test_a_password_that_is_wrong_is_told(local: LocalProbe) -> None:
    local.places.password.write_text("not-that-one\n")
    error = told(faults.PASSWORD_REJECTED, up(local))
    assert "not-that-one" not in str(error.as_dict())
    assert local.make().status().state == "failing"


def test_another_user_than_that_of_the_first_start_is_told(local: LocalProbe) -> None:
    told(faults.PASSWORD_REJECTED, up(local, user="somebody"))


def test_another_database_than_that_of_the_first_start_is_told_with_how_to_make_it(local: LocalProbe) -> None:
    error = told(faults.DATABASE_MISSING, up(local, database="reports"))
    command = re.search(r"-d postgres -c '(.*)'`", error.remedy)
    assert command
    assert make(local, database="reports").console(["-d", "postgres", "-qc", command[1]]) == 0
    assert make(local, database="reports").up(quiet).state == "ready"


def test_a_server_that_lets_nobody_in_is_told(local: LocalProbe) -> None:
    (local.data / "pg_hba.conf").write_text("host all all all reject\n")
    told(faults.LOGIN_REFUSED, up(local))
    assert local.make().status().state == "failing"


# The machine.


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk with too little room for a database. Only root can have one made."""
    folder = Path(f"/tmp/fleet-small-{os.getpid()}")
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=20m,mode=755", "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", folder], check=True)
    folder.rmdir()


def test_a_full_disk_is_told_and_nothing_is_left_on_it(new: LocalProbe, small_disk: Path) -> None:
    told(faults.DISK_FULL, lambda: make(new, data=str(small_disk / "data")).up(quiet))
    assert list(small_disk.iterdir()) == []


def test_too_little_memory_is_told(local: LocalProbe) -> None:
    configure(local, "shared_buffers = '4TB'")
    told(faults.MEMORY, up(local))


def test_a_place_where_nothing_can_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "services").write_text("")
    provider = providing("fleet_postgres_local.plugin", tmp_path, SERVICE, port="auto")()
    error = told(faults.FOLDER_UNUSABLE, lambda: provider.up(quiet))
    assert str(tmp_path / "services") in str(error.details["said"])
    assert provider.status().state == "failing"


# The port.


def test_a_port_that_is_taken_is_told_and_nothing_is_made(new: LocalProbe) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ServiceFailed, match=f"port {port} is in use") as failed:
            make(new, port=port).up(quiet)
    assert failed.value.details["fault"] == faults.PORT_IN_USE.name
    assert new.remains() == []
    assert new.make().status().state == "absent"


def test_a_port_that_is_taken_just_then_is_told(local: LocalProbe, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the look at the port and the server's own try."""
    monkeypatch.setattr("fleet_postgres_local.ports.is_free", lambda port: True)
    with socket.create_server(("127.0.0.1", 0)) as other:
        told(faults.PORT_IN_USE, up(local, port=other.getsockname()[1]))


def test_another_postgresql_on_the_port_is_not_taken_for_this_service(local: LocalProbe) -> None:
    server = Server.create()
    server.start()
    try:
        told_unsaid(faults.PORT_IN_USE, up(local, port=server.port))
        assert make(local, port=server.port).status().state == "stopped"
        make(local, port=server.port).down()
        with psycopg.connect(server.tcp_dsn) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    finally:
        server.remove()


def test_a_port_of_root_s_is_told(local: LocalProbe) -> None:
    told(faults.PORT_PRIVILEGED, up(local, port=free_privileged_port()))


def free_privileged_port() -> int:
    first = int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text())
    assert first > 600, "this machine reserves no port for root"
    return 599


# The start, the end, and what is between.


def test_a_start_that_takes_too_long_is_told_with_the_last_lines_and_goes_on(local: LocalProbe) -> None:
    (local.data / "recovery.signal").touch()
    configure(local, "restore_command = 'sleep 600'")
    error = told(faults.NOT_READY, up(local, start_timeout=SOON))
    assert "start up or recover" in error.message
    assert f"within {SOON:g} s" in error.message
    assert "listening on IPv4 address" in str(error.details["said"])
    assert make(local).status().state == "starting"


def test_a_server_that_hangs_is_told(local: LocalProbe) -> None:
    up(local)()
    local.hang()
    error = told(faults.NOT_READY, up(local, start_timeout=SOON))
    assert "an answer of the server" in error.message
    status = local.make().status()
    assert status.state == "failing"
    assert status.detail == faults.HUNG.message.format(pid=local.pid)
    assert local.make().restart(quiet).state == "ready"


def test_a_server_that_ends_for_a_reason_of_its_own_is_told_in_its_words(local: LocalProbe) -> None:
    configure(local, "ssl = on")
    error = told(faults.DIED, up(local))
    assert "could not load server certificate file" in str(error.details["said"])


def test_only_words_of_this_start_are_told(local: LocalProbe) -> None:
    configure(local, "ssl = on")
    told(faults.DIED, up(local))
    configure(local, "ssl = off", "shared_preload_libraries = 'nosuchlibrary'")
    error = told(faults.LIBRARY_MISSING, up(local))
    assert "certificate" not in str(error.details["said"])


def test_a_server_that_was_killed_is_told(local: LocalProbe) -> None:
    up(local)()
    local.crash()
    status = local.make().status()
    assert (status.state, status.detail) == ("failing", faults.CRASHED.message)
    assert status.remedy == f"`fleet services up {SERVICE}` starts it; what was acknowledged is recovered"


def test_an_interrupted_start_or_removal_is_told(new: LocalProbe) -> None:
    new.places.draft.mkdir(parents=True)
    status = new.make().status()
    assert (status.state, status.detail) == ("failing", faults.UNFINISHED.message)
    assert new.make().down().state == "absent"


def test_a_server_that_takes_long_to_end_is_told_and_made_to(local: LocalProbe) -> None:
    """It waits for its last log of writes to be archived, which never comes about."""
    configure(local, "archive_mode = on", "archive_command = 'sleep 600'")
    up(local)()
    with psycopg.connect(local.make().url(), autocommit=True) as connection:
        connection.execute("SELECT pg_switch_wal()")
        connection.execute("CREATE TABLE kept (n int)")
        connection.execute("SELECT pg_switch_wal()")
    provider = make(local, stop_timeout=SOON)
    ending = threading.Thread(target=provider.down)
    ending.start()
    seen = set()
    while ending.is_alive():
        seen.add(local.make().status().detail)
    assert faults.ENDING.message in seen
    assert local.running() == []
    assert local.make().status().state == "stopped"
    configure(local, "archive_mode = off")
    up(local)()
    with psycopg.connect(local.make().url()) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)


def test_a_client_for_a_server_that_does_not_run_is_told(local: LocalProbe) -> None:
    provider = local.make()
    assert isinstance(provider, Console)
    told(faults.NOT_RUNNING, lambda: provider.console([]))


def test_another_process_that_never_gets_done_is_told(local: LocalProbe) -> None:
    heard: list[str] = []
    with local.places.lock.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        told(faults.BUSY, lambda: make(local, start_timeout=SOON).up(heard.append))
    assert heard == ["waiting for another process"]


# The table.


def test_every_fault_is_provoked_here() -> None:
    names = {fault.name: constant for constant, fault in vars(faults).items() if isinstance(fault, Fault)}
    assert set(names) == {fault.name for fault in FAULTS}
    here = Path(__file__).read_text()
    assert [name for name, constant in names.items() if f"faults.{constant}" not in here] == list(
        NOT_PROVOKED
    )


def test_names_of_faults_are_names_of_one() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)
