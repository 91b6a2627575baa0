"""The one place that knows the driver: connecting, deadlines, and what its errors mean.

peewee owns the connections and the transactions around read tables and migrations; statements on the hot path
go straight to psycopg. Nothing here relies on what a session keeps, so that a pooler which hands out a server
for one transaction at a time (PgBouncer) may stand in between: no SET, no session locks, and statements that
are prepared can do without it.
"""

import time
from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

import peewee
import psycopg
from psycopg import conninfo

from fleet_core.api import Damaged, FleetError, Unavailable, Usage

if TYPE_CHECKING:
    from psycopg.pq.abc import PGconn

T = TypeVar("T")

OLDEST: Final = 150000
"""The oldest server that this works on, as PostgreSQL numbers versions."""

REFUSED: Final = "unsupported startup parameter"
"""What poolers say to settings in the start-up message."""

_DEFAULTS: Final = {
    "application_name": "fleet",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "15000",
}
"""A machine that vanishes without a word is given up after 25 seconds at most (15 where it left what we sent
unacknowledged), so that there is time left to find another before the usual deadline."""


class PeerSilent(psycopg.OperationalError):
    """The server did not answer before the deadline; the connection is given up."""


class OnOneServer(psycopg.OperationalError):
    """Somebody cut short the wait for a synchronous standby: what was committed is on the primary alone.

    PostgreSQL acknowledges it all the same, with a warning. For us it is as if the answer had been lost: the
    append is sent again, finds its ids, and waits for the standby in its turn.
    """


class Connection(psycopg.Connection[tuple[Any, ...]]):
    """A connection that waits for the server until its deadline and no longer.

    Time-outs of the server and of TCP do not help against a peer that acknowledges what it is sent and never
    answers, such as a machine that is swapping to death, or a proxy before one.
    """

    deadline: float = float("inf")
    """Of the monotonic clock. Whoever uses the connection sets it first."""

    is_on_one_server = False
    """Whether the server has warned that it does not wait for a standby any more."""

    def __init__(self, pgconn: "PGconn") -> None:
        super().__init__(pgconn)
        self.uses: dict[bytes, int] = {}
        """How often statements were used here, by their names; see `statements`."""

    def hear(self, notice: psycopg.errors.Diagnostic) -> None:
        """Take in what the server says beside its answers. Words are in its language; names are not."""
        if notice.source_function == "SyncRepWaitForLSN":
            self.is_on_one_server = True

    def wait(self, gen: Any, *arguments: Any, **options: Any) -> Any:
        """See psycopg; it comes back ten times a second to look for signals, and for our deadline."""
        try:
            found = super().wait(_until(gen, self.deadline), *arguments, **options)
            if self.is_on_one_server:
                raise OnOneServer("the wait for a synchronous standby was cancelled")
        except (PeerSilent, OnOneServer):
            self.pgconn.finish()
            raise
        return found


def _forget(notification: psycopg.Notify) -> None:
    """Behind a pooler a server tells everybody who comes to use it what one of them asked to hear; without a
    handler the driver would keep all of it."""


def _until(generator: Generator[Any, Any, T], deadline: float) -> Generator[Any, Any, T]:
    try:
        wanted = next(generator)
        while True:
            ready = yield wanted
            if not ready and time.monotonic() > deadline:
                raise PeerSilent("the server did not answer in time")
            wanted = generator.send(ready)
    except StopIteration as end:
        result: T = end.value
        return result


class Address(NamedTuple):
    """Where a database is, as parameters of the driver. Its text holds no secret."""

    parameters: dict[str, Any]

    @classmethod
    def parse(cls, dsn: str, origin: str) -> "Address":
        """An address from a URL or connection string.

        Raises:
            Usage: it is neither. What it says is not repeated, as a password may be in it.
        """
        try:
            return cls(_DEFAULTS | conninfo.conninfo_to_dict(dsn))
        except psycopg.Error:
            raise Usage(
                f"{origin} is no address of a PostgreSQL database",
                remedy="write it as postgresql://user@host:5432/database, special characters percent-encoded",
            ) from None

    def __str__(self) -> str:
        """The address as people may see it, with what the driver's own defaults add."""
        known = {item.keyword.decode(): item.val for item in psycopg.pq.Conninfo.get_defaults()}
        told = {key: value.decode() for key, value in known.items() if value is not None} | self.parameters
        host = told.get("host") or told.get("hostaddr") or "localhost"
        return f"{told.get('dbname') or told.get('user')} at {host}:{told.get('port', 5432)}"

    def __repr__(self) -> str:
        return f"Address({self})"


class Database(peewee.PostgresqlDatabase):
    """peewee's, on our connection. One connection belongs to one object, which threads may use in turn."""

    def __init__(self, address: Address, deadline: float, startup: Sequence[str] = ()) -> None:
        super().__init__("fleet", autoconnect=False, thread_safe=False, prefer_psycopg3=True)
        self._address = address
        self._deadline = deadline
        self._startup = startup

    def _connect(self) -> Connection:
        parameters = dict(self._address.parameters)
        if self._startup:
            options = " ".join([parameters.get("options", ""), *(f"-c {each}" for each in self._startup)])
            parameters["options"] = options.strip()
        connection = Connection.connect(autocommit=True, prepare_threshold=None, **parameters)
        connection.deadline = self._deadline
        connection.add_notice_handler(connection.hear)
        connection.add_notify_handler(_forget)
        if connection.pgconn.server_version < OLDEST:
            version = connection.pgconn.server_version // 10000
            connection.close()
            raise Unavailable(
                f"{self._address} runs PostgreSQL {version}, which is older than 15",
                remedy="use PostgreSQL 15 or newer",
            )
        return connection

    @property
    def wire(self) -> Connection:
        """The driver's own connection."""
        connection: Connection = self.connection()  # type: ignore[no-untyped-call]
        return connection


def sqlstate(error: BaseException) -> str | None:
    """PostgreSQL's code at the bottom of an error; None when the server said nothing."""
    seen: BaseException | None = error
    while seen is not None:
        code: str | None = getattr(seen, "sqlstate", None)
        if code:
            return code
        seen = seen.__cause__ or seen.__context__
    return None


def of_driver(error: BaseException) -> bool:
    """Whether an error comes from the database at all."""
    return isinstance(error, psycopg.Error | peewee.PeeweeException)


def is_lost(error: BaseException) -> bool:
    """Whether the connection broke or could not be made: another may work, once the server is back."""
    if not isinstance(error, psycopg.OperationalError | psycopg.InterfaceError | peewee.PeeweeException):
        return False
    code = sqlstate(error)
    if code is None:
        return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError | peewee.OperationalError)
    return code.startswith("08") or code in ("57P01", "57P02", "57P03", "53300", "25006")


def leaves_open(error: BaseException) -> bool:
    """Whether it is open what became of a statement that was sent: nobody has said that it failed."""
    return is_lost(error) and sqlstate(error) not in ("57P03", "53300", "25006")


SEALED: Final = "sealed: "
"""What the answer to an append starts with where nothing may be appended any more; the reason follows."""

RETRIED: Final = frozenset({"23505", "40P01", "40001"})
"""Codes after which the same may succeed: another was quicker with an id, or writers waited in a circle."""

_EXPLAINED: Final[dict[str, tuple[str, str]]] = {
    "57014": (
        "took longer than `statement_timeout` over one statement",
        "try again; raise `statement_timeout` in [plugins.postgres] when it happens often",
    ),
    "55P03": (
        "kept another writer's lock beyond `lock_timeout`",
        "try again; 'SELECT * FROM pg_stat_activity' shows who is in the middle of a transaction",
    ),
    "53100": ("has no space left; nothing was recorded", "free some space on the server's disk"),
    "53300": ("has no connection left", "raise its max_connections, or lower `pool` in [plugins.postgres]"),
    "25006": (
        "is a standby, where nothing can be written",
        "name all hosts in the address, with target_session_attrs=read-write",
    ),
    "28P01": ("refuses the password", "set PGPASSWORD or PGPASSFILE, or mend the address"),
    "28000": ("lets this user not in", "look at the server's pg_hba.conf and at the user in the address"),
    "3D000": ("has no such database", "create it with 'createdb', or mend the address"),
    "42501": (
        "does not allow this to the user",
        "log in as a role that may; 'fleet store grant' prints what owners, writers and readers need",
    ),
    "57P01": ("was shut down", "start it, and try again"),
    "57P03": ("is starting up or shutting down", "wait a moment, and try again"),
}
"""What some codes mean (https://www.postgresql.org/docs/current/errcodes-appendix.html), and what to do."""


def explained(error: BaseException, address: Address) -> FleetError | None:
    """An error of the database as one of ours: what, whose, and the next step. None for any other error."""
    if isinstance(error, FleetError) or not of_driver(error):
        return None
    if isinstance(error, PeerSilent):
        return Unavailable(
            f"{address} did not answer before the deadline",
            remedy="look whether the server is up and reachable, then try again",
        )
    code = sqlstate(error)
    said = _words(error)
    if code in _EXPLAINED:
        what, remedy = _EXPLAINED[code]
        return Unavailable(f"{address} {what}", remedy=remedy, sqlstate=code)
    if code is not None and code.startswith("XX00"):
        return Damaged(f"{address} found damage: {said}", remedy="restore a backup", sqlstate=code)
    if code is None or is_lost(error):
        if "password" in said:
            return Unavailable(
                f"{address} refuses the password, or was told none", remedy=_EXPLAINED["28P01"][1]
            )
        return Unavailable(
            f"{address} can't be reached: {said}",
            remedy="look whether the server is up ('fleet services status'), then try again",
        )
    return FleetError(
        f"{address} refused a statement: {said}",
        remedy="nothing was recorded; report this as a fault of fleet",
        sqlstate=code,
    )


def _words(error: BaseException) -> str:
    """The first line of what the driver or the server says; the others may quote data."""
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__
