"""What tests of the SQLite store share: opening it, damaging its file, and a projection to keep."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from fleet_core.api import Batch, EventCodec, NewEvent, Projection, Recorded, Stream, system_clock
from fleet_msgspec.codecs import JsonCodec
from fleet_sqlite.database import connect
from fleet_sqlite.settings import Settings
from fleet_sqlite.store import SqliteStore

ONE = Stream("test", "one")
TWO = Stream("test", "two")


def open_sqlite(directory: Path, settings: Settings | None = None, **options: Any) -> SqliteStore:
    """The store of a directory, with the JSON codec."""
    return SqliteStore(
        directory / "events.db", EventCodec(JsonCodec()), system_clock, settings or Settings(), **options
    )


def event(data: Any = "something", **fields: Any) -> NewEvent:
    """An event of a type nobody knows."""
    return NewEvent(data=data, type=fields.pop("type", "noted"), **fields)


def batch(*data: Any, stream: Stream = ONE) -> Batch:
    """Events that say these things."""
    return Batch(stream, [event(each) for each in data])


def execute(directory: Path, *statements: str | tuple[str, Sequence[Any]]) -> list[tuple[Any, ...]]:
    """Run statements on the file as a stranger would, behind the store's back; gives the last one's rows."""
    database = connect(directory / "events.db", {}, 1.0)
    rows: list[tuple[Any, ...]] = []
    for statement in statements:
        sql, values = statement if isinstance(statement, tuple) else (statement, ())
        rows = database.connection().execute(sql, values).fetchall()
    database.close()
    return rows


def unguard(directory: Path) -> None:
    """Remove the triggers that keep events as they are, as somebody with ill intent would."""
    triggers = execute(directory, "SELECT name FROM sqlite_schema WHERE type = 'trigger'")
    execute(directory, *(f"DROP TRIGGER {name}" for (name,) in triggers))


def run_script(script: str, *arguments: object) -> str:
    """Run a script in a fresh process; gives what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


class Tally(msgspec.Struct, frozen=True):
    """How many events a stream has, and what the last one said."""

    events: int
    last: Any


def _evolve(state: Tally | None, recorded: Recorded) -> Tally | None:
    said = recorded.plain
    if said == "forget":
        return None
    if said == "break":
        raise ValueError("this projection can't read that")
    return Tally(1 if state is None else state.events + 1, said)


def _key(recorded: Recorded) -> str | None:
    return None if recorded.plain == "nobody" else recorded.stream_id


def tally(name: str = "tallies", version: int = 1) -> Projection[Tally]:
    """A projection that counts what streams have."""
    return Projection(name=name, state=Tally, types=("noted",), key=_key, evolve=_evolve, version=version)
