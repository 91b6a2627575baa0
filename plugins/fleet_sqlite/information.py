"""What the store says of itself."""

import shlex
from typing import Final

from fleet_core.api import StoreInfo
from fleet_sqlite.connections import Connections
from fleet_sqlite.database import LIBRARY

_COUNTS: Final = """\
SELECT
    (SELECT count(*) FROM events),
    (SELECT count(*) FROM streams),
    (SELECT max(number) FROM schema_migrations),
    coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'events'), 0)"""


def info(connections: Connections, codec: str) -> StoreInfo:
    """What and how much there is, and how other programs can read it."""
    [(events, streams, schema, head)] = connections.read(_COUNTS)
    path = connections.path
    files = [file for file in (path, path.with_name(f"{path.name}-wal")) if file.exists()]
    return StoreInfo(
        backend="sqlite",
        path=str(path),
        events=events,
        streams=streams,
        bytes=sum(file.stat().st_size for file in files),
        schema_version=schema,
        head=head,
        details={
            "sqlite": LIBRARY,
            "journal": connections.read("PRAGMA journal_mode")[0][0],
            "synchronous": connections.synchronous,
            "codec": codec,
            "files": [file.name for file in files],
        },
        open_with=[
            f"sqlite3 -readonly {shlex.quote(str(path))} 'SELECT * FROM event_log LIMIT 10'",
            f"datasette {shlex.quote(str(path))}",
        ],
    )
