"""peewee without the PostgreSQL driver that it would import besides, which takes longer than all the rest of
a short command. Whoever makes one of peewee's PostgreSQL databases later, in the same process, gets it then.
"""

import importlib
import sys
import threading
from typing import TYPE_CHECKING, Any, Final

__all__ = ["peewee"]

_DRIVER: Final = "psycopg"


def _without_driver() -> Any:
    # Other threads might miss the driver meanwhile, and who has it already is spared nothing.
    if threading.active_count() > 1 or {"peewee", _DRIVER} & sys.modules.keys():
        return importlib.import_module("peewee")
    sys.modules[_DRIVER] = None  # type: ignore[assignment]  # to Python: there is no such module
    try:
        orm = importlib.import_module("peewee")
    finally:
        del sys.modules[_DRIVER]
    _supply_later(orm)
    return orm


def _supply_later(orm: Any) -> None:
    """Have the first PostgreSQL database bring in what peewee did not find."""
    init = orm.PostgresqlDatabase.init

    def init_with_driver(self: Any, *arguments: Any, **options: Any) -> Any:
        orm.PostgresqlDatabase.init = init
        _supply(orm)
        return init(self, *arguments, **options)

    orm.PostgresqlDatabase.init = init_with_driver


def _supply(orm: Any) -> None:
    try:
        orm.psycopg = importlib.import_module(_DRIVER)
        status = importlib.import_module(f"{_DRIVER}.pq").TransactionStatus
        json = importlib.import_module(f"{_DRIVER}.types.json")
    except ImportError:
        return  # it is not installed: peewee itself will say so
    orm.TransactionStatus, orm.Json_pg3, orm.Jsonb_pg3 = status, json.Json, json.Jsonb
    adapter = orm.Psycopg3Adapter
    adapter.txn_idle, adapter.txn_inerror, adapter.txn_unknown = status.IDLE, status.INERROR, status.UNKNOWN


if TYPE_CHECKING:
    import peewee
else:
    peewee = _without_driver()
