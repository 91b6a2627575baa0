"""Schema migrations: numbered SQL files, each applied once, in one transaction, by one process."""

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final, NamedTuple

from fleet_core.api import Clock, Damaged, Unavailable
from fleet_sqlite.connections import Connections
from fleet_sqlite.database import is_complete
from fleet_sqlite.lean import peewee

_FOLDER: Final = Path(__file__).parent / "migrations"

_TABLE: Final = """\
CREATE TABLE IF NOT EXISTS schema_migrations (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    checksum TEXT NOT NULL,
    applied_at INTEGER NOT NULL
)"""

_APPLIED: Final = "SELECT number, name, checksum FROM schema_migrations ORDER BY number"


class Migration(NamedTuple):
    """One step of the schema's history. What was released is never changed; a change is another step."""

    number: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """Tells whether the step that a file has seen is this one."""
        return sha256(self.sql.encode()).hexdigest()


def shipped(kind: str) -> list[Migration]:
    """The migrations that come with this version, in order, of a `kind` of database: `events` or `views`."""
    files = sorted((_FOLDER / kind).glob("*.sql"))
    return [Migration(int(file.stem[:4]), file.stem[5:], file.read_text(encoding="utf-8")) for file in files]


def migrate(connections: Connections, migrations: Sequence[Migration], clock: Clock) -> None:
    """Bring a file to the newest schema. Costs one query when it is there already.

    Raises:
        Unavailable: the file was written by a newer version of fleet.
        Damaged: it has seen migrations that are not ours.
    """
    # A file of no bytes was just created, perhaps by another process that is about to set it up: hands off
    # until then.
    applied = _applied(connections) if connections.path.stat().st_size else []
    if _missing(applied, migrations):
        connections.set_up(lambda database: _apply_missing(database, migrations, clock))


def _applied(connections: Connections) -> list[tuple[int, str, str]]:
    try:
        return connections.read(_APPLIED)
    except Unavailable as error:
        if "no such table" in str(error.__cause__):
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


def _apply_missing(database: peewee.SqliteDatabase, migrations: Sequence[Migration], clock: Clock) -> None:
    # Read again under the lock: another process may have been quicker.
    with database.atomic("IMMEDIATE"):
        database.execute_sql(_TABLE)
        missing = _missing(database.execute_sql(_APPLIED).fetchall(), migrations)
    for migration in missing:
        with database.atomic("IMMEDIATE"):
            for statement in statements(migration.sql):
                database.execute_sql(statement)
            database.execute_sql(
                "INSERT INTO schema_migrations VALUES (?, ?, ?, ?)",
                (migration.number, migration.name, migration.checksum, clock()),
            )


def statements(script: str) -> list[str]:
    """The statements of a script, one by one: the driver's own way to run a script would commit before
    each."""
    found, pending = [], ""
    for line in script.splitlines(keepends=True):
        pending += line
        if is_complete(pending):
            found.append(pending.strip())
            pending = ""
    return found
