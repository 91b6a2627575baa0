"""What can be set in `[plugins.sqlite]`."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The SQLite store's settings."""

    path: Annotated[
        str,
        Meta(
            description="The database file of the events, relative to the project's directory.", min_length=1
        ),
    ] = "events.db"
    views_path: Annotated[
        str,
        Meta(
            description="The database file of read tables beside another store, relative to the project's"
            " directory.",
            min_length=1,
        ),
    ] = "views.db"
    unsafe_synchronous: Annotated[
        Literal["normal", "off"] | None,
        Meta(
            description=(
                "Weakens durability: with `normal` a power cut may take the last acknowledged events,"
                " with `off` the whole file. Not set, each acknowledged event is on the disk."
            )
        ),
    ] = None
    busy_timeout: Annotated[
        float, Meta(description="Seconds to wait for other writers before giving up.", gt=0, le=3600)
    ] = 30.0
    wal_autocheckpoint: Annotated[
        int, Meta(description="Pages of write-ahead log after which they are moved into the database.", ge=1)
    ] = 4000
