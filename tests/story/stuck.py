"""`fleet` on the SQLite store, held up for ever before it commits an append: `stuck.py ARGUMENT...`."""

import sys
import threading

from fleet_core.cli import run
from fleet_sqlite.store import SqliteStore
from sqlite_gates import watched_by

_written: list[str] = []


def hold_up(sql: str) -> None:
    """Say so, and wait for the end, once events were written that are not committed."""
    if sql.startswith("INSERT INTO events"):
        _written.append(sql)
    if sql == "COMMIT" and _written:
        print("events are written", flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    defaults = SqliteStore.__init__.__kwdefaults__
    assert defaults is not None
    defaults["connect"] = watched_by(hold_up)
    run(sys.argv[1:])
