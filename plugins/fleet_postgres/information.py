"""What the store says of itself."""

import shlex
from typing import Final

from fleet_core.api import StoreInfo
from fleet_postgres.connections import Connections

_COUNTS: Final = """\
SELECT
    (SELECT count(*) FROM {schema}.events),
    (SELECT count(*) FROM {schema}.streams),
    (SELECT max(number) FROM {schema}.schema_migrations),
    (SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint FROM pg_class c
     WHERE c.relnamespace = '{schema}'::regnamespace AND c.relkind = 'r'),
    {schema}.settled(),
    current_setting('server_version'),
    current_setting('fsync'),
    current_setting('synchronous_commit'),
    current_setting('full_page_writes')"""


def info(connections: Connections, schema: str, codec: str) -> StoreInfo:
    """What and how much there is, and how other programs can read it."""
    [row] = connections.read(_COUNTS.replace("{schema}", schema))
    events, streams, migration, size, head, version, fsync, synchronous, full_pages = row
    parameters = connections.address.parameters
    login = " ".join(
        f"{key}={parameters[key]}" for key in ("host", "port", "user", "dbname") if parameters.get(key)
    )
    return StoreInfo(
        backend="postgres",
        path=f"{connections.address}, schema {schema}",
        events=events,
        streams=streams,
        bytes=size,
        schema_version=migration,
        head=head,
        details={
            "postgres": version.split()[0],
            "schema": schema,
            "fsync": fsync,
            "synchronous_commit": synchronous,
            "full_page_writes": full_pages,
            "codec": codec,
        },
        open_with=[
            f"psql {shlex.quote(login)} -c {shlex.quote(f'SELECT * FROM {schema}.event_log LIMIT 10')}"
        ],
    )
