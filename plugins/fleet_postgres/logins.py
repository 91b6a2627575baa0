"""Logging in to a PostgreSQL server: the only proof that it is ready."""

from typing import Final, Literal, NamedTuple
from urllib.parse import quote

Reason = Literal["refused", "silent", "starting", "password", "database", "role", "other"]
"""Why a server does not let us in.

refused: nobody listens, or the connection was cut; silent: no answer in time; starting: the server starts,
stops or recovers; password, database, role: that is wrong or unknown; other: see the text.
"""

_REASONS: Final[tuple[tuple[str, Reason], ...]] = (
    ("password authentication failed", "password"),
    ("no password supplied", "password"),
    ("the database system is", "starting"),
    ("not yet accepting connections", "starting"),
    ("timeout expired", "silent"),
    ("Connection refused", "refused"),
    ("closed the connection unexpectedly", "refused"),
    ("Connection reset", "refused"),
    ("No such file or directory", "refused"),
)


class Login(NamedTuple):
    """Where a database is, and as whom to enter. Its text holds no password."""

    host: str
    port: int
    database: str
    user: str
    password: str = ""

    def url(self, *, secret: bool = False) -> str:
        """The URL that PostgreSQL's clients take; the password is in it only when asked for."""
        password = f":{quote(self.password, safe='')}" if secret and self.password else ""
        user, database = quote(self.user, safe=""), quote(self.database, safe="")
        return f"postgresql://{user}{password}@{self.host}:{self.port}/{database}"

    def __repr__(self) -> str:
        return f"Login({self.url()})"


class LoginRefused(Exception):
    """A server that does not let us in; `reason` says why, the text is the server's or the driver's."""

    def __init__(self, reason: Reason, text: str) -> None:
        super().__init__(text)
        self.reason = reason


def server_version(login: Login, timeout: float) -> str:
    """Log in, have a query answered, and return the server's version, such as `16.4`.

    `timeout` is in seconds; the driver rounds it up to whole ones, 2 at least.

    Raises:
        LoginRefused: the server does not let us in, or does not answer in time.
    """
    import psycopg

    try:
        with psycopg.connect(
            host=login.host,
            port=login.port,
            dbname=login.database,
            user=login.user,
            password=login.password or None,
            connect_timeout=max(2, round(timeout)),
            application_name="fleet",
        ) as connection:
            row = connection.execute("SHOW server_version").fetchone()
    except psycopg.Error as error:
        text = " ".join(str(error).split())
        raise LoginRefused(_reason(text), text) from None
    return str(row[0]).split()[0] if row else ""


def _reason(text: str) -> Reason:
    for words, reason in _REASONS:
        if words in text:
            return reason
    if "does not exist" in text:
        return "database" if 'database "' in text else "role"
    return "other"
