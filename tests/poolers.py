"""PgBouncer in front of a PostgreSQL server: it hands out a server for one transaction at a time."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from postgres_servers import account, free_port, new_folder

DEADLINE: Final = 30.0
"""Seconds after which a pooler that does not listen never will."""

POOL: Final = 12
"""Servers that all clients share. Clients that wait for each other's locks keep one each."""


@contextmanager
def pooled(tcp_dsn: str, pool: int = POOL) -> Iterator[str]:
    """A pooler before a server, with so many connections to it; gives the address that leads through it."""
    parts = dict(part.split("=", 1) for part in tcp_dsn.split())
    folder, port = new_folder(), free_port()
    (folder / "pgbouncer.ini").write_text(
        f"""[databases]
{parts["dbname"]} = host={parts["host"]} port={parts["port"]} user={parts["user"]}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {pool}
max_client_conn = 500
"""
    )
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            ["pgbouncer", "--quiet", folder / "pgbouncer.ini"], stdout=log, stderr=log, cwd="/", **account()
        )
    try:
        _await_listening(process, port)
        yield " ".join(f"{key}={value}" for key, value in {**parts, "port": port}.items())
    finally:
        process.kill()
        process.wait(DEADLINE)
        shutil.rmtree(folder)


def _await_listening(process: "subprocess.Popen[bytes]", port: int) -> None:
    deadline = time.monotonic() + DEADLINE
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
            return
        except OSError:
            assert process.poll() is None, "the pooler has ended"
            assert time.monotonic() < deadline, "the pooler does not listen"
            time.sleep(0.01)
