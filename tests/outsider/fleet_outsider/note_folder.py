"""A folder of a note server, as seen from outside: who is logged in where, what runs, whether it answers."""

import fcntl
import json
import secrets
import socket
import time
from pathlib import Path

ANSWER = 1.0
"""Seconds that a server may take for an answer."""


class NoteFolder:
    """What is known of one server. All of it lies in the folder."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.log = path / "log.txt"
        self.wanted = path / "wanted"
        """There while the server should run."""

    def make(self, port: int) -> None:
        """Lay a new folder out, where no other users may look."""
        self.path.mkdir(mode=0o700)
        for name in ("notes.txt", "log.txt", "server.lock"):
            (self.path / name).touch()
        (self.path / "login.json").touch(mode=0o600)
        self.choose_login(port)

    def choose_login(self, port: int) -> None:
        """Choose a password, and a port if it is 0."""
        login = {"port": port or _free_port(), "password": secrets.token_urlsafe(16)}
        (self.path / "login.json").write_text(json.dumps(login))

    @property
    def port(self) -> int:
        """Where the server listens."""
        return int(str(self._login()["port"]))

    @property
    def password(self) -> str:
        """What a client must say first."""
        return str(self._login()["password"])

    def _login(self) -> dict[str, object]:
        login: dict[str, object] = json.loads((self.path / "login.json").read_text())
        return login

    def pid(self) -> int | None:
        """The server's process id, if it runs: then it holds the lock, which no dead process does."""
        with (self.path / "server.lock").open() as lock:
            while not _is_free(lock.fileno()):
                lock.seek(0)
                if text := lock.read():
                    return int(text)
                time.sleep(0.001)  # it has just begun
        return None

    def forget_pid(self) -> None:
        """Before a start: the id of the last server may by now be another process's."""
        (self.path / "server.lock").write_text("")

    def answers(self) -> bool:
        """Whether the server answers a client who is logged in.

        Raises:
            TimeoutError: it listens, and does not answer.
        """
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=ANSWER) as connection:
                connection.sendall(f"{self.password}\nping\n".encode())
                return connection.recv(5) == b"pong\n"
        except ConnectionError:
            return False


def _is_free(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port
