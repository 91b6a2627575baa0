"""The peer `eventsourcing` on PostgreSQL, in a schema of its own."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from eventsourcing.application import Application
from eventsourcing.persistence import StoredEvent
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from fleet_bench.contestants import Door
from fleet_bench.limits.postgres import drop, dsn_of, new_schema
from fleet_bench.peers.eventsourcing import Peer, PeerApplication, PeerRecorder

CONNECTIONS = "32"
"""As many as there may be clients: nobody is to wait for a connection."""


class OnPostgres(Peer):
    """An application with a schema, which goes away with it."""

    def __init__(self, directory: Path, preload: int = 0, settings: Mapping[str, Any] | None = None) -> None:
        self._dsn = dsn_of(settings or {})
        self._schema = new_schema()
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(self._schema)))
        try:
            super().__init__(directory, preload, self._environment())
        except BaseException:
            drop(self._dsn, self._schema)
            raise

    def _environment(self) -> dict[str, str]:
        told = conninfo_to_dict(self._dsn)
        return {
            "PERSISTENCE_MODULE": "eventsourcing.postgres",
            "POSTGRES_DBNAME": str(told.get("dbname") or told.get("user")),
            "POSTGRES_HOST": str(told.get("host") or "localhost"),
            "POSTGRES_PORT": str(told.get("port") or 5432),
            "POSTGRES_USER": str(told.get("user")),
            "POSTGRES_PASSWORD": str(told.get("password") or ""),
            "POSTGRES_SCHEMA": self._schema,
            "POSTGRES_MAX_OVERFLOW": CONNECTIONS,
        }

    def close(self) -> int | None:
        """See `Contestant`."""
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            [(size,)] = connection.execute(
                "SELECT coalesce(sum(pg_total_relation_size(oid)), 0)::bigint FROM pg_class "
                "WHERE relnamespace = to_regnamespace(%s) AND relkind = 'r'",
                (self._schema,),
            ).fetchall()
        self.application.close()
        drop(self._dsn, self._schema)
        return int(size)


class PeerApplicationOnPostgres(OnPostgres, PeerApplication):
    """See `PeerApplication`."""


class RecorderClient:
    """The recorder of an application whose tables are there."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._application: Application[UUID] = Application(env={**environment, "CREATE_TABLE": "no"})

    def append(self, call: Sequence[StoredEvent]) -> None:
        """See `PeerRecorder.append`."""
        self._application.recorder.insert_events(call)

    def close(self) -> None:
        """Close its connections."""
        self._application.close()


class PeerRecorderOnPostgres(OnPostgres, PeerRecorder):
    """See `PeerRecorder`."""

    def door(self) -> Door:
        """See `Joinable`."""
        return partial(RecorderClient, self._environment())
