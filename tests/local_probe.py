"""PostgreSQL from programs of this machine as the kit for providers looks at it: by /proc and psycopg."""

import contextlib
import hashlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import psycopg

from fleet_core.testing.services import Probe, providing
from fleet_postgres_local.places import ROOTS_DATA, places_of
from postgres_servers import CARELESS, Server

ATTEMPT: Final = 3
"""Seconds that a login may take."""

DEADLINE: Final = 60.0
"""Seconds after which what should have happened never will."""


def quick_place() -> Path:
    """Where making and removing data takes no time: in memory, if there is enough of it."""
    memory = Path("/dev/shm")
    free = os.statvfs(memory) if memory.is_dir() else None
    roomy = free is not None and free.f_bavail * free.f_frsize > 2**30
    return memory if roomy else Path(tempfile.gettempdir())


class LocalProbe(Probe):
    """One service with data, a port and a password of its own.

    Its data lie where it is quick, unless a setting says otherwise; `data=None` is where users have them.
    """

    def __init__(self, directory: Path, service: str, **settings: Any) -> None:
        super().__init__(directory, service)
        digest = hashlib.sha256(os.fsencode(directory)).hexdigest()[:12]
        given = {"port": "auto", "data": str(quick_place() / f"fleet-local-{digest}-{service}"), **settings}
        self.make = providing("fleet_postgres_local.plugin", directory, service, **given)
        self.places = places_of(directory, service, given["data"])
        self.data = self.places.data

    def write(self, url: str, text: str) -> None:
        with psycopg.connect(url, connect_timeout=ATTEMPT) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS notes (number serial, text text)")
            connection.execute("INSERT INTO notes (text) VALUES (%s)", [text])

    def read(self, url: str) -> list[str]:
        with psycopg.connect(url, connect_timeout=ATTEMPT) as connection:
            try:
                rows = connection.execute("SELECT text FROM notes ORDER BY number").fetchall()
            except psycopg.errors.UndefinedTable:
                return []
        return [text for (text,) in rows]

    def log(self, url: str, text: str) -> None:
        with psycopg.connect(url, connect_timeout=ATTEMPT) as connection:
            connection.execute(f"DO $$ BEGIN RAISE LOG '{text}'; END $$".encode())

    def running(self) -> list[str]:
        return [f"server {pid}" for pid in servers_on(self.data)]

    def remains(self) -> list[str]:
        places = self.places
        files = (places.data, places.draft, places.password, places.port, places.log)
        return [str(path) for path in files if path.exists()]

    def crash(self) -> None:
        deadline = time.monotonic() + DEADLINE
        while pids := _workers(self.data):
            assert time.monotonic() < deadline, f"{pids} live on"
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.005)

    def clear(self) -> None:
        self.crash()
        for folder in (self.data, self.places.draft, self.directory / "services" / self.service):
            shutil.rmtree(folder, ignore_errors=True)
        with contextlib.suppress(OSError):
            ROOTS_DATA.rmdir()

    def hang(self) -> None:
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        for pid in servers_on(self.data):
            os.kill(pid, signal.SIGCONT)

    @property
    def pid(self) -> int:
        """The server, which runs."""
        (pid,) = servers_on(self.data)
        return pid

    @contextmanager
    def stranger(self) -> Iterator[Callable[[], bool]]:
        folder = Path(f"{self.data}-2")
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir()
        server = Server(folder, settings=(*CARELESS, f"cluster_name={self.places.tag}-2"))
        try:
            give_to_account(folder)
            server.run("initdb", "-D", server.data, "-A", "trust", "-U", "fleet", "-N")
            server.start()
            before = servers_on(server.data)
            yield lambda: servers_on(server.data) == before and _answers(server)
        finally:
            server.remove()


def servers_on(data: Path) -> list[int]:
    """The servers that work on these data: those of its processes whose parents do not."""
    parents = {
        pid: _parent(pid) for pid in _workers(data) if _title(pid).endswith(b"\0") and _serves(pid, data)
    }
    return sorted(pid for pid, parent in parents.items() if parent not in parents)


def _serves(pid: int, data: Path) -> bool:
    words = _title(pid).split(b"\0")
    return words[0].endswith(b"/postgres") and os.fsencode(data) in words


def _workers(data: Path) -> list[int]:
    """All processes in these data, or in the draft of them, or told to make them."""
    marks = (os.fsencode(data), os.fsencode(f"{data}.draft"))
    found = []
    for pid in [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal()]:
        words = _title(pid)
        if words and pid != os.getpid() and (_folder(pid).startswith(marks) or _names(words, marks)):
            found.append(pid)
    return found


def _names(words: bytes, marks: tuple[bytes, ...]) -> bool:
    return any(mark + end in words for mark in marks for end in (b"\0", b"/data\0"))


def _title(pid: int) -> bytes:
    """What a process calls itself; empty for one that is gone, or a zombie."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def _folder(pid: int) -> bytes:
    try:
        return os.fsencode(Path(f"/proc/{pid}/cwd").readlink())
    except OSError:
        return b""


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def _answers(server: Server) -> bool:
    with psycopg.connect(server.tcp_dsn, connect_timeout=ATTEMPT) as connection:
        return connection.execute("SELECT 1").fetchone() == (1,)


def give_to_account(path: Path) -> None:
    """Make a file or folder that of the account which runs root's servers."""
    if os.geteuid() == 0:
        account = pwd.getpwnam("postgres")
        os.chown(path, account.pw_uid, account.pw_gid)


class Template:
    """A stopped service, from which others are copied: that is quicker than making each of them anew."""

    def __init__(self, service: str) -> None:
        self.service = service
        self._made: list[LocalProbe] = []
        self._probe = self._new()
        self._probe.make().up(lambda report: None)
        self._probe.make().down()

    def copy(self, **settings: Any) -> LocalProbe:
        """Another service with the same password, port and data, which are its own."""
        copied = self._new(**settings)
        shutil.rmtree(copied.places.folder)
        # Also the owner, which shutil leaves behind.
        subprocess.run(["cp", "-a", self._probe.places.folder, copied.places.folder], check=True)
        return copied

    def _new(self, **settings: Any) -> LocalProbe:
        """A service in a place of its own that the account of root's servers may enter."""
        directory = Path(tempfile.mkdtemp(prefix="fleet-local-", dir=quick_place()))
        folder = places_of(directory, self.service, None).folder
        folder.mkdir(parents=True)
        for path in (directory, folder):
            path.chmod(0o755)
        made = LocalProbe(directory, self.service, **{"data": str(folder / "data"), **settings})
        self._made.append(made)
        return made

    def clear(self) -> None:
        """Remove all of them."""
        for made in self._made:
            made.clear()
            shutil.rmtree(made.directory)
