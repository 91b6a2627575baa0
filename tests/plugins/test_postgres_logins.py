"""Logging in to PostgreSQL, and the password that it takes: whether a server lets us in, and why not."""

import json
import multiprocessing
import os
import signal
import socket
import stat
import threading
import time
from collections.abc import Iterator
from multiprocessing.synchronize import Barrier
from pathlib import Path

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg.conninfo import conninfo_to_dict

from fleet_core.api import Unavailable
from fleet_postgres.api import Login, LoginRefused, PasswordFile, server_version
from postgres_servers import Server, free_port

PASSWORD = "s3cret/with:all@sorts?of#signs%20"
GENEROUS = 30.0
"""Seconds in which whatever answers at all has answered."""

SHORT = 0.5
"""Seconds to wait for what never answers."""

PROCESSES = 8
DEADLINE = 60.0

text_in_urls = st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=20
)
hosts = st.sampled_from(["127.0.0.1", "db.example.org", "::1", "fe80::1", "/run/postgresql", "/tmp/a b%é"])


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server that lets `pilot` in over TCP, with a password."""
    server = Server.create()
    (server.data / "pg_hba.conf").write_text(
        "local all all trust\n"
        "host all nobodyknows 127.0.0.1/32 trust\n"
        "host all all 127.0.0.1/32 scram-sha-256\n"
    )
    server.start()
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE pilot LOGIN PASSWORD '{PASSWORD}'")
        connection.execute("CREATE DATABASE hangar OWNER pilot")
    yield server
    server.remove()


@pytest.fixture
def login(server: Server) -> Login:
    return Login("127.0.0.1", server.port, "hangar", "pilot", PASSWORD)


def refusal(login: Login, timeout: float = GENEROUS) -> LoginRefused:
    with pytest.raises(LoginRefused) as refused:
        server_version(login, timeout)
    assert login.password not in f"{refused.value} {refused.value!r}"
    return refused.value


def test_a_right_login_tells_the_version_of_the_server(server: Server, login: Login) -> None:
    with psycopg.connect(server.dsn) as connection:
        (said,) = connection.execute("SHOW server_version").fetchone() or ("",)
    assert server_version(login, GENEROUS) == said.split()[0]


def test_a_login_goes_through_a_socket_too(server: Server) -> None:
    assert server_version(Login(str(server.folder), server.port, "hangar", "pilot"), GENEROUS)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PGSSLMODE", "require"),
        ("PGOPTIONS", "-c nonsense=1"),
        ("PGTARGETSESSIONATTRS", "standby"),
        ("PGCLIENTENCODING", "nonsense"),
        ("PGUSER", "somebody"),
        ("PGPORT", "1"),
    ],
)
def test_what_the_environment_asks_of_other_servers_is_no_hindrance(
    login: Login, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    assert server_version(login, GENEROUS)


def test_a_wrong_password_is_told(login: Login) -> None:
    assert refusal(login._replace(password="guessed-badly")).reason == "password"


def test_a_missing_password_is_told(login: Login, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSFILE", str(tmp_path / "none"))
    with pytest.raises(LoginRefused) as refused:
        server_version(login._replace(password=""), GENEROUS)
    assert refused.value.reason == "password"


def test_an_unknown_database_is_told(login: Login) -> None:
    assert refusal(login._replace(database="garage")).reason == "database"


def test_an_unknown_user_is_told(login: Login) -> None:
    """Only where no password is asked for; else a server does not say which of the two is wrong."""
    assert refusal(login._replace(user="nobodyknows")).reason == "role"


def test_that_nobody_listens_is_told(login: Login) -> None:
    assert refusal(login._replace(port=free_port())).reason == "refused"


def test_a_socket_that_is_not_there_is_told(login: Login, tmp_path: Path) -> None:
    assert refusal(login._replace(host=str(tmp_path))).reason == "refused"


def test_one_who_hangs_up_is_told(login: Login) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def hang_up() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(1000)

        thread = threading.Thread(target=hang_up)
        thread.start()
        refused = refusal(login._replace(port=listener.getsockname()[1]))
        thread.join(DEADLINE)
    assert refused.reason == "refused"


def test_one_who_listens_and_says_nothing_is_told(login: Login) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        assert refusal(login._replace(port=mute.getsockname()[1]), SHORT).reason == "silent"


def test_a_server_that_hangs_is_told(server: Server, login: Login) -> None:
    pid = int((server.data / "postmaster.pid").read_text().split()[0])
    os.kill(pid, signal.SIGSTOP)
    try:
        assert refusal(login, SHORT).reason == "silent"
    finally:
        os.kill(pid, signal.SIGCONT)


@pytest.mark.parametrize("timeout", [0.0, 0.001])
def test_no_time_is_no_time(login: Login, timeout: float) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        assert refusal(login._replace(port=mute.getsockname()[1]), timeout).reason == "silent"


@pytest.fixture
def recovering() -> Iterator[Login]:
    """How to log in to a server that recovers, and waits for more to recover without end."""
    server = Server.create()
    (server.data / "recovery.signal").touch()
    with (server.data / "postgresql.conf").open("a") as settings:
        settings.write(f"restore_command = 'sleep {DEADLINE:.0f}'\nlisten_addresses = '127.0.0.1'\n")
        settings.write(f"port = {server.port}\nunix_socket_directories = ''\n")
    server.run("pg_ctl", "start", "--no-wait", "-s", "-D", server.data, "-l", server.folder / "log")
    yield Login("127.0.0.1", server.port, "postgres", "fleet", PASSWORD)
    server.run("pg_ctl", "stop", "-s", "-m", "immediate", "-D", server.data)
    server.remove()


def test_a_server_that_starts_is_told(recovering: Login) -> None:
    deadline = time.monotonic() + DEADLINE
    while (refused := refusal(recovering)).reason == "refused":
        assert time.monotonic() < deadline, refused
    assert refused.reason == "starting", refused


def test_a_login_shows_no_password(login: Login) -> None:
    shown = (repr(login), str(login), f"{login}", login.url())
    assert [text for text in shown if "s3cret" in text] == []


@given(text_in_urls, text_in_urls, text_in_urls, hosts, st.integers(1, 65535))
def test_a_url_says_what_the_login_says(
    user: str, password: str, database: str, host: str, port: int
) -> None:
    """As libpq reads it, through psycopg."""
    login = Login(host, port, database, user, password)
    assert conninfo_to_dict(login.url(secret=True)) == {
        "host": host,
        "port": str(port),
        "dbname": database,
        "user": user,
        "password": password,
    }
    assert "password" not in conninfo_to_dict(login.url())


def test_a_url_lets_one_in(login: Login) -> None:
    with psycopg.connect(login.url(secret=True)) as connection:
        assert connection.execute("SELECT current_user, current_database()").fetchone() == ("pilot", "hangar")


def test_a_password_is_made_once(tmp_path: Path) -> None:
    file = PasswordFile(tmp_path / "password")
    made = file.read_or_make()
    assert len(made) >= 24
    assert [file.read(), file.read_or_make()] == [made, made]


def test_two_passwords_are_two(tmp_path: Path) -> None:
    one, other = PasswordFile(tmp_path / "one"), PasswordFile(tmp_path / "other")
    assert one.read_or_make() != other.read_or_make()


def test_reading_makes_no_password(tmp_path: Path) -> None:
    assert PasswordFile(tmp_path / "new" / "password").read() is None
    assert list(tmp_path.iterdir()) == []


def test_a_password_that_is_removed_is_forgotten(tmp_path: Path) -> None:
    file = PasswordFile(tmp_path / "password")
    made = file.read_or_make()
    file.remove()
    file.remove()
    assert file.read() is None
    assert file.read_or_make() != made


def test_a_password_is_its_owner_s_alone_whatever_the_umask_says(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        PasswordFile(tmp_path / "new" / "password").read_or_make()
    finally:
        os.umask(before)
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "new", tmp_path / "new" / "password")]
    assert modes == [0o700, 0o600]


def test_a_password_that_somebody_put_there_is_taken(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("  from elsewhere\n\n")
    assert PasswordFile(tmp_path / "password").read_or_make() == "from elsewhere"


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe"])
def test_a_file_that_holds_no_password_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "password"
    path.write_bytes(content)
    with pytest.raises(Unavailable, match=str(path)) as refused:
        PasswordFile(path).read_or_make()
    assert refused.value.remedy


def test_a_folder_that_keeps_no_password_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match="Not a directory") as refused:
        PasswordFile(tmp_path / "file" / "password").read_or_make()
    assert str(tmp_path / "file") in refused.value.remedy


def _make_at_once(path: Path, told: Path, gate: Barrier) -> None:
    gate.wait(DEADLINE)
    (told / str(os.getpid())).write_text(json.dumps(PasswordFile(path).read_or_make()))


def test_of_many_processes_that_ask_at_once_all_get_one_password(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    gate, told = context.Barrier(PROCESSES), tmp_path / "told"
    told.mkdir()
    path = tmp_path / "new" / "password"
    workers = [context.Process(target=_make_at_once, args=(path, told, gate)) for _ in range(PROCESSES)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(DEADLINE)
    assert [worker.exitcode for worker in workers] == [0] * PROCESSES
    passwords = [json.loads(each.read_text()) for each in told.iterdir()]
    assert passwords == [PasswordFile(path).read()] * PROCESSES
    assert [each.name for each in path.parent.iterdir()] == ["password"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
