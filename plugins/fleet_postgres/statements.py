"""Statements of the hot path, spoken to the server in its own protocol: a cursor of the driver costs more
than the rest of an append.

A statement that a connection uses often is prepared there, which spares the server half of its work. Behind a
pooler that hands out another server for each transaction it may not be there the next time: then it is sent
whole from then on. Its name is made from its text, so that whoever has prepared a statement under that name
has prepared this one.
"""

from collections.abc import Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from psycopg import errors, generators
from psycopg.pq import ExecStatus, Format, TransactionStatus

if TYPE_CHECKING:
    from psycopg.pq.abc import PGresult

    from fleet_postgres.database import Connection

PREPARED_AFTER: Final = 5
"""Uses on one connection after which a statement is prepared; a command that appends once gains nothing."""

Value = bytes | None
"""A value as it is sent: text in UTF-8, or for types of `BINARY` the server's own format; None for NULL."""

_TYPES: Final = {
    "boolean": 16,
    "bytea": 17,
    "bigint": 20,
    "integer": 23,
    "text": 25,
    "boolean[]": 1000,
    "bytea[]": 1001,
    "integer[]": 1007,
    "text[]": 1009,
    "bigint[]": 1016,
    "jsonb": 3802,
}
"""Numbers of types; they are the same on every server (pg_type.dat)."""

BYTEA: Final = _TYPES["bytea"]

BINARY: Final = frozenset({"bytea", "bytea[]"})
"""Types whose values are sent in the server's own format: theirs as text would be twice as long."""


class Statement:
    """A statement, whose values have these types; the answer is one column of text."""

    def __init__(self, sql: str, types: Sequence[str] = ()) -> None:
        self._sql = sql.encode()
        self._name = b"fleet_" + blake2b(self._sql, digest_size=16).hexdigest().encode()
        self._types = [_TYPES[type] for type in types]
        self._formats = [Format.BINARY if type in BINARY else Format.TEXT for type in types]

    @classmethod
    def calling(cls, function: str, types: Sequence[str] = ()) -> "Statement":
        """The call of a function."""
        places = ", ".join(f"${number}" for number in range(1, len(types) + 1))
        return cls(f"SELECT {function}({places})", types)

    def ask(self, connection: "Connection", values: Sequence[Value] = ()) -> list[str]:
        """Run it; gives the answer's rows."""
        if self._is_prepared(connection):
            try:
                connection.pgconn.send_query_prepared(self._name, values, self._formats)
                return _answer(connection)
            except errors.InvalidSqlStatementName:
                connection.uses[self._name] = _NEVER
        connection.pgconn.send_query_params(self._sql, values, self._types, self._formats)
        return _answer(connection)

    def _is_prepared(self, connection: "Connection") -> bool:
        # Inside a transaction a statement that is not there would be the end of all that was done before.
        if connection.pgconn.transaction_status != TransactionStatus.IDLE:
            return False
        uses = connection.uses.get(self._name, 0)
        if uses == PREPARED_AFTER:
            self._prepare(connection)
        elif 0 <= uses < PREPARED_AFTER:
            connection.uses[self._name] = uses + 1
        return connection.uses[self._name] > PREPARED_AFTER

    def _prepare(self, connection: "Connection") -> None:
        connection.uses[self._name] = PREPARED_AFTER + 1
        try:
            connection.pgconn.send_prepare(self._name, self._sql, self._types)
            _answer(connection)
        except errors.DuplicatePreparedStatement:
            pass  # a pooler gave us a server on which another did it


_NEVER: Final = -1


def _answer(connection: "Connection") -> list[str]:
    results: list[PGresult] = connection.wait(generators.execute(connection.pgconn))
    # An error that comes after the answer is that of the commit: nothing is recorded.
    for result in results:
        if result.status == ExecStatus.FATAL_ERROR:
            raise errors.error_from_result(result)
    result = results[0]
    return [(result.get_value(row, 0) or b"").decode() for row in range(result.ntuples)]
