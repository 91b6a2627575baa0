"""What can be set in `[plugins.postgres]`."""

from typing import Annotated

import msgspec
from msgspec import Meta


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The PostgreSQL store's settings."""

    dsn: Annotated[
        str | None,
        Meta(
            description="Where the database is: a URL or a connection string, as PostgreSQL's own clients"
            " take it. Better without the password, which PGPASSWORD and PGPASSFILE may tell."
        ),
    ] = None
    service: Annotated[
        str | None,
        Meta(description="The project's service that runs the database, instead of `dsn`: its name."),
    ] = None
    schema: Annotated[
        Annotated[str, Meta(pattern="^(?!pg_)[a-z_][a-z0-9_]{0,62}$")] | None,
        Meta(
            description="The schema that holds the project's events. Not set, it is named after the project's"
            " directory; machines that share a project set the same one."
        ),
    ] = None
    deadline: Annotated[
        float,
        Meta(
            description="Seconds after which a call gives up, whatever the server does or fails to do.",
            gt=0,
            le=3600,
        ),
    ] = 60.0
    statement_timeout: Annotated[
        float, Meta(description="Seconds that the server may work on one statement.", gt=0, le=3600)
    ] = 30.0
    lock_timeout: Annotated[
        float, Meta(description="Seconds that the server may wait for one lock.", gt=0, le=3600)
    ] = 10.0
    connect_timeout: Annotated[int, Meta(description="Seconds that logging in may take.", ge=2, le=3600)] = 10
    pool: Annotated[
        int, Meta(description="Connections that threads may read on at the same moment.", ge=1, le=1000)
    ] = 8
