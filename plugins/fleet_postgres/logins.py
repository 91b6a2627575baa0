"""Logging in to a PostgreSQL server: the only proof that it is ready."""

import re
import time
from typing import TYPE_CHECKING, Final, Literal, NamedTuple
from urllib.parse import quote

from fleet_core.api import Unavailable

if TYPE_CHECKING:
    from psycopg.pq.abc import PGconn

Reason = Literal["refused", "silent", "starting", "password", "database", "role", "other"]
"""Why a server does not let us in.

refused: nobody listens, or the connection was cut; silent: no answer in time; starting: the server starts,
stops or recovers; password, database, role: that is wrong or unknown; other: see the text. A server that
speaks another language than English gives `other` for what only its words could tell apart.
"""

_REASONS: Final[tuple[tuple[str, Reason], ...]] = (
    (r"password authentication failed|no password supplied", "password"),
    (r"the database system is|not yet accepting connections", "starting"),
    (r'database ".*" does not exist', "database"),
    (r'role ".*" does not exist', "role"),
    (r"Connection refused|closed the connection|Connection reset|No such file or directory", "refused"),
    (r"timeout expired|Connection timed out", "silent"),
)
_QUERY: Final = b"SHOW server_version"


class Login(NamedTuple):
    """Where a database is, and as whom to enter. Its text holds no password.

    `host` is a name, an address, or the folder of a Unix socket.
    """

    host: str
    port: int
    database: str
    user: str
    password: str = ""

    def url(self, *, secret: bool = False) -> str:
        """The URL that PostgreSQL's clients take; the password is in it only when asked for."""
        password = f":{quote(self.password, safe='')}" if secret and self.password else ""
        user, database = quote(self.user, safe=""), quote(self.database, safe="")
        return f"postgresql://{user}{password}@{self._url_host()}:{self.port}/{database}"

    def _url_host(self) -> str:
        return f"[{self.host}]" if ":" in self.host and "/" not in self.host else quote(self.host, safe="")

    def __repr__(self) -> str:
        return f"Login({self.url()})"


class LoginRefused(Exception):
    """A server that does not let us in; `reason` says why, the text is the server's or the driver's."""

    def __init__(self, reason: Reason, text: str) -> None:
        super().__init__(text)
        self.reason = reason


class _Late(Exception):
    """The time is up."""


def server_version(login: Login, timeout: float) -> str:
    """Log in, have a query answered, and return the server's version, such as `16.4`.

    All of that within `timeout` seconds, also when the server hangs; only the look-up of a host's name is not
    bounded.

    Raises:
        LoginRefused: the server does not let us in, or does not answer in time.
        Unavailable: psycopg is not installed.
    """
    try:
        import psycopg
        from psycopg.conninfo import make_conninfo
        from psycopg.pq import PGconn
    except ImportError as error:
        raise Unavailable(
            f"PostgreSQL's driver can't be loaded: {error}",
            remedy="pip install 'fleettools[postgres]'",
        ) from None

    deadline = time.monotonic() + timeout
    # libpq's own time-outs are whole seconds, two at least, and end at the login: too coarse, and too early.
    connection = PGconn.connect_start(
        make_conninfo(
            host=login.host,
            port=login.port,
            dbname=login.database,
            user=login.user,
            password=login.password or None,
            application_name="fleet",
            # Whatever PGSSLMODE, PGOPTIONS and others ask of the user's other servers.
            sslmode="prefer",
            options="",
            target_session_attrs="any",
            client_encoding="UTF8",
        ).encode()
    )
    try:
        _connect(connection, deadline)
        return _version(connection, deadline)
    except _Late:
        raise LoginRefused("silent", f"no answer within {timeout:g} s") from None
    except psycopg.Error as error:
        raise _refused(str(error)) from None
    finally:
        connection.finish()


def _connect(connection: "PGconn", deadline: float) -> None:
    from psycopg.pq import ConnStatus, PollingStatus

    # One that failed at once, such as at a socket that is not there, has no descriptor to wait for.
    failed = connection.status == ConnStatus.BAD
    status = PollingStatus.FAILED if failed else PollingStatus.WRITING
    while status != PollingStatus.OK:
        if status == PollingStatus.FAILED:
            raise _refused(connection.error_message.decode(errors="replace"))
        _wait(connection, deadline, writing=status == PollingStatus.WRITING)
        status = PollingStatus(connection.connect_poll())


def _version(connection: "PGconn", deadline: float) -> str:
    from psycopg.pq import ExecStatus

    connection.send_query(_QUERY)
    while connection.is_busy():
        _wait(connection, deadline, writing=False)
        connection.consume_input()
    result = connection.get_result()
    if result is None or result.status != ExecStatus.TUPLES_OK:
        raise _refused((result or connection).error_message.decode(errors="replace"))
    value = result.get_value(0, 0) or b""
    return value.decode().split()[0]


def _wait(connection: "PGconn", deadline: float, *, writing: bool) -> None:
    from select import POLLIN, POLLOUT, poll

    left = deadline - time.monotonic()
    poller = poll()  # not select, which knows no file descriptor above 1023
    poller.register(connection.socket, POLLOUT if writing else POLLIN)
    if left <= 0 or not poller.poll(left * 1000):
        raise _Late


def _refused(text: str) -> LoginRefused:
    text = " ".join(text.split())
    return LoginRefused(_reason(text), text)


def _reason(text: str) -> Reason:
    return next((reason for pattern, reason in _REASONS if re.search(pattern, text)), "other")
