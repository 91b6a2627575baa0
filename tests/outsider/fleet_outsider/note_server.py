"""A server that keeps notes: `python note_server.py FOLDER`, which goes on in the background.

Talks in lines: the password first, then `write TEXT`, `read` or `ping`. While it runs it holds a lock on
`server.lock`, which the system takes away however it ends. Knows nothing of fleet.
"""

import fcntl
import json
import os
import signal
import socketserver
import sys
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock


class NoteServer(socketserver.ThreadingTCPServer):
    """Serves the notes of one folder."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        login = json.loads((folder / "login.json").read_text())
        super().__init__(("127.0.0.1", login["port"]), NoteHandler)
        self.password: str = login["password"]
        self.notes = (folder / "notes.txt").open("r+b", buffering=0)
        self.one_at_a_time = Lock()
        whole, end, _ = self.notes.read().rpartition(b"\n")
        self.notes.truncate(len(whole + end))  # a kill may have cut the last one short

    def write(self, note: bytes) -> None:
        """Keep a note; it is on the disk when this returns."""
        with self.one_at_a_time:
            self.notes.seek(0, os.SEEK_END)
            self.notes.write(note + b"\n")
            os.fsync(self.notes.fileno())

    def read(self) -> bytes:
        """All notes, a line each."""
        with self.one_at_a_time:
            self.notes.seek(0)
            return self.notes.read()


class NoteHandler(socketserver.StreamRequestHandler):
    """One client's requests."""

    server: NoteServer

    def handle(self) -> None:
        """Answer request after request, if the first line is the password."""
        if self.rfile.readline().strip().decode() != self.server.password:
            say("a login was refused", sys.stderr)
            return
        for line in self.rfile:
            self.wfile.write(self.answer(*line.rstrip(b"\n").partition(b" ")))

    def answer(self, request: bytes, _: bytes, text: bytes) -> bytes:
        """The answer to one request."""
        if request == b"ping":
            return b"pong\n"
        if request == b"read":
            notes = self.server.read()
            return b"%d\n%s" % (notes.count(b"\n"), notes)
        if request == b"write":
            self.server.write(text)
            return b"kept\n"
        say(f"what is {(request + b' ' + text).decode(errors='replace')!r}?", sys.stderr)
        return b"what?\n"


def say(text: str, stream: object = sys.stdout) -> None:
    """Write a line to the log, with the time."""
    print(f"{datetime.now(UTC).isoformat()} {text}", file=stream, flush=True)  # type: ignore[call-overload]


def main(folder: Path) -> None:
    """Take the lock, and serve in the background until SIGTERM."""
    lock = os.open(folder / "server.lock", os.O_WRONLY)  # not a file of Python's, which closes when it likes
    fcntl.flock(lock, fcntl.LOCK_EX)
    if os.fork():
        os._exit(0)  # the child holds the lock as well
    os.setsid()
    os.write(lock, str(os.getpid()).encode())
    log = os.open(folder / "log.txt", os.O_WRONLY | os.O_APPEND)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for stream, target in ((0, nothing), (1, log), (2, log)):
        os.dup2(target, stream)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    serve(folder)


def serve(folder: Path) -> None:
    """Serve until the process is told to end."""
    try:
        server = NoteServer(folder)
    except OSError as error:
        say(f"can't listen: {error}", sys.stderr)
        sys.exit(1)
    say("serving notes")
    try:
        server.serve_forever()
    finally:
        say("no longer serving notes")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
