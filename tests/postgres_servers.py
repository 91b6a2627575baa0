"""A real PostgreSQL server for tests, started from the installed binaries and shared by all workers of a run.

A keeper process stops the server and removes its files as soon as nobody uses it any more, even when the
tests were killed: it waits for an exclusive lock on a file of which every user holds a shared one.
"""

import fcntl
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import IO, Any, Final

import machines

MAJOR: Final = int(os.environ.get("FLEET_POSTGRES", "15"))
"""The release that the tests run on; any that there is a test image of."""

BINARIES: Final = Path("/usr/lib/postgresql/15/bin")
ACCOUNT: Final = "postgres"
"""Whose server it is when the tests run as root: PostgreSQL refuses to run as that."""

DEADLINE: Final = 60.0
"""Seconds after which a server that has not started never will."""

DURABLE: Final = ("fsync=on", "synchronous_commit=on", "full_page_writes=on")
CARELESS: Final = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
"""How much a server does for what it acknowledges; tests that ask for durability say so."""

_OLD_CHILDREN: Final = "is still in use"
"""What a server says of its memory that children of its predecessor have not given back yet."""


class Server:
    """A cluster in a folder of its own, on a free port of 127.0.0.1 and a unix socket in that folder."""

    def __init__(
        self, folder: Path, *, settings: Sequence[str] = CARELESS, programs: Path = BINARIES
    ) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.port = free_port()
        self._programs = programs
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None

    @classmethod
    def create(cls, *, settings: Sequence[str] = CARELESS, major: int = MAJOR) -> "Server":
        """A new cluster, not started yet."""
        folder = new_folder()
        server = cls(folder, settings=settings, programs=_programs(major, folder))
        server.run(
            "initdb", "-D", server.data, "-A", "trust", "-U", "fleet", "-E", "UTF8", "--locale=C", "-N"
        )
        return server

    def create_standby(self, name: str, *, settings: Sequence[str]) -> "Server":
        """A copy of this one, which runs; started, it follows this one under a name."""
        standby = Server(new_folder(), settings=settings, programs=self._programs)
        follow = f"{self.dsn} application_name={name}"
        self.run("pg_basebackup", "-D", standby.data, "-d", follow, "-R", "-c", "fast", "--no-sync")
        return standby

    def promote(self) -> None:
        """Make a standby the primary."""
        self.run("psql", "-d", self.dsn, "-qc", "SELECT pg_promote()")

    @property
    def dsn(self) -> str:
        """How to log in."""
        return f"host={self.folder} port={self.port} user=fleet dbname=postgres"

    @property
    def tcp_dsn(self) -> str:
        """How to log in over TCP."""
        return f"host=127.0.0.1 port={self.port} user=fleet dbname=postgres"

    def run(self, program: str, *arguments: object) -> str:
        """Run one of PostgreSQL's programs to its end; gives what it prints."""
        done = subprocess.run(
            [self._programs / program, *map(str, arguments)],
            capture_output=True,
            text=True,
            cwd="/",
            env=self._environment(),
            **account(),
        )
        assert done.returncode == 0, f"{program}: {done.stderr}"
        said: str = done.stdout
        return said

    def _environment(self) -> dict[str, str]:
        # A server that follows another one must find the libpq of its own release.
        return os.environ | {"LD_LIBRARY_PATH": str(self._programs.parent / "lib")}

    def start(self) -> "Server":
        """Start it and wait until it answers. Children of one that was killed may have to end first."""
        deadline = time.monotonic() + DEADLINE
        log = self.folder / "log"
        log.touch()
        while True:
            old = log.stat().st_size
            if self._comes_up():
                return self
            words = log.read_text()[old:]
            assert _OLD_CHILDREN in words, words
            assert time.monotonic() < deadline, words
            time.sleep(0.02)

    def _comes_up(self) -> bool:
        options = [
            f"port={self.port}",
            "listen_addresses=127.0.0.1",
            f"unix_socket_directories={self.folder}",
            "max_connections=200",
            "shared_buffers=64MB",
            "log_min_messages=fatal",
            *self._settings,
        ]
        flags = [part for option in options for part in ("-c", option)]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._programs / "postgres", "-D", self.data, *flags],
                stdout=log,
                stderr=log,
                cwd="/",
                env=self._environment(),
                start_new_session=True,
                **account(),
            )
        return self._answers()

    def _answers(self) -> bool:
        """Wait until it does; False when it has ended instead."""
        import psycopg

        assert self._process is not None
        deadline = time.monotonic() + DEADLINE
        while self._process.poll() is None:
            try:
                psycopg.connect(self.dsn, connect_timeout=5).close()
                return True
            except psycopg.OperationalError:
                assert time.monotonic() < deadline, (self.folder / "log").read_text()
                time.sleep(0.02)
        return False

    def kill(self) -> None:
        """Kill the postmaster as a crash would. Its children notice by themselves, and soon."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(DEADLINE)

    def stop(self) -> None:
        """Stop it, cutting off whoever is connected."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(DEADLINE)

    def remove(self) -> None:
        """Stop it and remove its files."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def new_folder() -> Path:
    """A folder for a server, which may write to it. Its path is short, as a socket's must be."""
    folder = Path(tempfile.mkdtemp(prefix="fleet-pg-"))
    if os.getuid() == 0:
        owner = pwd.getpwnam(ACCOUNT)
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    return folder


def _programs(major: int, folder: Path) -> Path:
    """Where the programs of a release are: installed, or copied from its test image into a folder."""
    if major == int(BINARIES.parent.name):
        return BINARIES
    name = machines.new_name("programs")
    machines.podman("create", "--pull=never", f"--name={name}", machines.IMAGES[major])
    try:
        machines.podman("cp", f"{name}:/usr/lib/postgresql/{major}", str(folder / "programs"))
    finally:
        machines.podman("rm", "--volumes", name)
    return folder / "programs" / "bin"


def account() -> dict[str, Any]:
    """Under which account a server is to run, for `subprocess`: not as root."""
    if os.getuid() != 0:
        return {}
    owner = pwd.getpwnam(ACCOUNT)
    return {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}


def free_port() -> int:
    """A port on which nobody listens at the moment."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


class SharedServer:
    """This process's hold on the one server of a test run; `schema()` gives each test a place of its own."""

    def __init__(self, base: Path) -> None:
        self._users = (base / "postgres-users").open("w")
        fcntl.flock(self._users, fcntl.LOCK_SH)
        with (base / "postgres-start").open("w") as door:
            fcntl.flock(door, fcntl.LOCK_EX)
            told = base / "postgres-server.json"
            if not told.exists():
                _start_keeper(base, self._users, told)
        known = json.loads(told.read_text())
        self.base = base
        self.dsn: str = known["dsn"]
        self.tcp_dsn: str = known["tcp_dsn"]
        self._numbers = count()

    def schema(self) -> str:
        """The name of a schema that nobody has used."""
        return f"test_{os.getpid()}_{next(self._numbers)}"

    def release(self) -> None:
        """Let go of the server; the last one to do so ends it."""
        self._users.close()


def _start_keeper(base: Path, users: IO[str], told: Path) -> None:
    with (base / "postgres-keeper.log").open("w") as log:
        keeper = subprocess.Popen(
            [sys.executable, __file__, str(base)], stdout=log, stderr=log, start_new_session=True
        )
    deadline = time.monotonic() + DEADLINE
    while not told.exists():
        if keeper.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"no PostgreSQL: {(base / 'postgres-keeper.log').read_text()}")
        time.sleep(0.02)
    # The keeper outlives this process on purpose; its end is nobody's business here.
    keeper.returncode = 0


def _keep(base: Path) -> None:
    """What the keeper does: start a server, tell where it is, and end it when nobody holds the lock."""
    server = Server.create()
    try:
        server.start()
        draft = base / "postgres-server.draft"
        draft.write_text(json.dumps({"dsn": server.dsn, "tcp_dsn": server.tcp_dsn}))
        draft.rename(base / "postgres-server.json")
        with (base / "postgres-users").open() as users:
            fcntl.flock(users, fcntl.LOCK_EX)
    finally:
        (base / "postgres-server.json").unlink(missing_ok=True)
        server.remove()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _keep(Path(sys.argv[1]))
