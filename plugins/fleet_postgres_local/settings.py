"""What can be set in `[services.NAME]` of a service that `postgres-local` runs."""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

# Names that need no quoting in a shell or a URL. PostgreSQL cuts longer ones off.
_NAME: Final = r"^(?!pg_)[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}$"


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The settings of one service."""

    bin: Annotated[
        str | None,
        Meta(
            description="The folder of PostgreSQL's programs, `initdb` and `postgres`. Not set, it is looked"
            " for by `pg_config` and where systems install it; of several versions the newest is taken, or"
            " that of the data."
        ),
    ] = None
    data: Annotated[
        str | None,
        Meta(
            description="The folder of the data. A relative one is below the project's directory. Not set, it"
            " is `services/NAME/data` there, or for root a folder below /var/lib/fleettools."
        ),
    ] = None
    port: Annotated[
        Annotated[int, Meta(ge=1, le=65535)] | Literal["auto"] | None,
        Meta(
            description="The port on 127.0.0.1; `auto` picks a free one at the first start, and keeps to it."
            " Not set, it is 5432, or `auto` for a service that is not called `postgres`."
        ),
    ] = None
    database: Annotated[
        str, Meta(description="The database that is made at the first start.", pattern=_NAME)
    ] = "fleettools"
    user: Annotated[
        str, Meta(description="The user of the database, who may do everything in it.", pattern=_NAME)
    ] = "fleettools"
    start_timeout: Annotated[
        float,
        Meta(description="Seconds after which a start that has not come to its end failed.", gt=0, le=3600),
    ] = 60.0
    stop_timeout: Annotated[
        float,
        Meta(
            description="Seconds that the server has to end in an orderly way; then it is made to, which"
            " takes up to 3 more and loses nothing.",
            gt=0,
            le=3600,
        ),
    ] = 6.0
    run_as: Annotated[
        str | None,
        Meta(
            description="For root only, as whom PostgreSQL refuses to run: the account that runs it. Not set,"
            " it is `postgres`, or `nobody` where there is none of that name."
        ),
    ] = None
