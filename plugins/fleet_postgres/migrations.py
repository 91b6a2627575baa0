"""Schema migrations: numbered SQL files, each applied once, in one transaction, by one process."""

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final, NamedTuple
from zlib import crc32

from fleet_core.api import Clock, Damaged, Unavailable
from fleet_postgres.connections import Connections
from fleet_postgres.database import Connection, sqlstate

_FOLDER: Final = Path(__file__).parent / "migrations"

_PLACE: Final = "{schema}"

_TABLE: Final = """\
CREATE TABLE IF NOT EXISTS {schema}.schema_migrations (
    number integer PRIMARY KEY,
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at bigint NOT NULL
)"""

_APPLIED: Final = "SELECT number, name, checksum FROM {schema}.schema_migrations ORDER BY number"

_EXISTS: Final = "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = %s)"

_RECORD: Final = "INSERT INTO {schema}.schema_migrations VALUES (%s, %s, %s, %s)"

_UNDEFINED: Final = frozenset({"42P01", "3F000"})
"""Codes of a table or schema that is not there."""

_LOCK: Final = crc32(b"fleet migrations")
"""Half of the name of the lock that one migrating process holds; the other half stands for the schema."""


class Migration(NamedTuple):
    """One step of the schema's history. What was released is never changed; a change is another step."""

    number: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """Tells whether the step that a schema has seen is this one."""
        return sha256(self.sql.encode()).hexdigest()


def shipped() -> list[Migration]:
    """The migrations that come with this version, in order."""
    files = sorted(_FOLDER.glob("*.sql"))
    return [Migration(int(file.stem[:4]), file.stem[5:], file.read_text(encoding="utf-8")) for file in files]


def migrate(connections: Connections, schema: str, migrations: Sequence[Migration], clock: Clock) -> None:
    """Bring a schema to the newest step, creating it when need be. Costs one query when it is there already.

    Raises:
        Unavailable: it was written by a newer version of fleet, or this user may not create it.
        Damaged: it has seen migrations that are not ours.
    """
    if _missing(_applied(connections, schema), migrations):
        connections.transaction(lambda connection: _apply_missing(connection, schema, migrations, clock))


def _applied(connections: Connections, schema: str) -> list[tuple[int, str, str]]:
    try:
        return connections.read(_APPLIED.replace(_PLACE, schema))
    except Exception as error:
        if sqlstate(error) in _UNDEFINED:
            return []
        raise


def _missing(applied: Sequence[tuple[int, str, str]], migrations: Sequence[Migration]) -> list[Migration]:
    known = {migration.number: migration for migration in migrations}
    for number, name, checksum in applied:
        if number not in known:
            raise Unavailable(
                f"the database has schema {number} ({name}); this version of fleet knows schemas up to"
                f" {max(known)}",
                remedy="upgrade fleet: 'pip install --upgrade fleettools'",
                schema_version=number,
            )
        if checksum != known[number].checksum:
            raise Damaged(
                f"migration {number} ({name}) was not applied to this database as fleet ships it",
                remedy="restore a backup, or use the version of fleet that made the database",
                schema_version=number,
            )
    return [migration for migration in migrations if migration.number not in {row[0] for row in applied}]


def _apply_missing(
    connection: Connection, schema: str, migrations: Sequence[Migration], clock: Clock
) -> None:
    # All steps in one transaction: a schema is never half-way. Others wait here, then find nothing missing.
    connection.execute(
        "SELECT pg_advisory_xact_lock(%s::bigint)", (_LOCK << 31 | crc32(schema.encode()) >> 1,)
    )
    [(exists,)] = connection.execute(_EXISTS, (schema,)).fetchall()
    if not exists:  # asked first, because IF NOT EXISTS wants the right to create even where it is there
        connection.execute(f"CREATE SCHEMA {schema}")
    connection.execute(_TABLE.replace(_PLACE, schema))
    for migration in _missing(connection.execute(_APPLIED.replace(_PLACE, schema)).fetchall(), migrations):
        connection.execute(migration.sql.replace(_PLACE, schema))
        values = (migration.number, migration.name, migration.checksum, clock())
        connection.execute(_RECORD.replace(_PLACE, schema), values)
