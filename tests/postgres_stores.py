"""What tests of the PostgreSQL store share: opening it, looking behind its back, a proxy that misbehaves."""

import select
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Literal

import psycopg

from fleet_core.api import Batch, EventCodec, NewEvent, Stream, system_clock
from fleet_msgspec.codecs import JsonCodec
from fleet_postgres.database import Address
from fleet_postgres.settings import Settings
from fleet_postgres.store import PostgresStore

ONE = Stream("test", "one")
TWO = Stream("test", "two")

DAWDLE = """
CREATE FUNCTION {schema}.dawdle() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM pg_sleep(random() * 0.008); RETURN NULL; END $$;
CREATE TRIGGER dawdle AFTER INSERT ON {schema}.events FOR EACH ROW EXECUTE FUNCTION {schema}.dawdle();
"""
"""Makes every append take uneven time between its position and its commit, so that others overtake it."""


def open_postgres(dsn: str, schema: str, **settings: Any) -> PostgresStore:
    """The store of a schema, with the JSON codec."""
    address = Address.parse(dsn, "the test's address")
    return PostgresStore(address, schema, EventCodec(JsonCodec()), system_clock, Settings(**settings))


def event(data: Any = "something", **fields: Any) -> NewEvent:
    """An event of a type nobody knows."""
    return NewEvent(data=data, type=fields.pop("type", "noted"), **fields)


def batch(*data: Any, stream: Stream = ONE) -> Batch:
    """Events that say these things."""
    return Batch(stream, [event(each) for each in data])


def execute(dsn: str, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """Run a statement as a stranger would, behind the store's back; gives its rows, if it has any."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        cursor = connection.execute(sql, values or None)
        return cursor.fetchall() if cursor.description else []


Fault = Literal["none", "cut answers", "silence"]


class Proxy:
    """Stands between a store and its server: passes all on, until it is told to misbehave.

    `cut answers` breaks the connection instead of passing an answer on; `silence` takes everything and says
    nothing.
    """

    def __init__(self, port: int) -> None:
        self.fault: Fault = "none"
        self.cuts = 0
        self._server = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                thread = threading.Thread(target=self._pass_on, args=(client,), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _pass_on(self, client: socket.socket) -> None:
        with client, socket.create_connection(("127.0.0.1", self._server)) as server, suppress(OSError):
            while not self._over.is_set():
                for source in select.select([client, server], [], [], 0.05)[0]:
                    data = source.recv(65536)
                    if not data:
                        return
                    if self.fault == "cut answers" and source is server:
                        self.fault = "none"
                        self.cuts += 1
                        return
                    if self.fault != "silence" or source is client:
                        (server if source is client else client).sendall(data)

    def close(self) -> None:
        """End it."""
        self._over.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(10)


@contextmanager
def proxied(tcp_dsn: str) -> Iterator[tuple[Proxy, str]]:
    """A proxy before a server, and the address that leads through it."""
    parts = dict(part.split("=", 1) for part in tcp_dsn.split())
    proxy = Proxy(int(parts["port"]))
    try:
        yield proxy, " ".join(f"{key}={value}" for key, value in {**parts, "port": proxy.port}.items())
    finally:
        proxy.close()
