"""What can be set in `[services.NAME]` of a service that Podman runs."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from fleet_core.api import checked

FIRST: Final = "postgres"
"""The service that there is without any settings; the names of its things carry no service's name."""

_NAME: Final = "^[a-zA-Z0-9][a-zA-Z0-9_.-]*$"
_IDENTIFIER: Final = "^[a-zA-Z_][a-zA-Z0-9_-]*$"

Seconds = Annotated[float, Meta(gt=0, le=3600)]


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One PostgreSQL in Podman."""

    image: Annotated[
        str,
        Meta(
            description="The image: the official one, or one that keeps its ways. PostgreSQL 13 to 18.",
            pattern="^[a-zA-Z0-9]\\S*$",
        ),
    ] = "docker.io/library/postgres:16"
    container: Annotated[
        str,
        Meta(
            description="The container's name; `fleettools-pg`, or `fleettools-pg-SERVICE` for a service that"
            " is not called `postgres`.",
            pattern=f"{_NAME}|^$",
            max_length=50,
        ),
    ] = ""
    volume: Annotated[
        str,
        Meta(
            description="The name of the volume that keeps the data; the container's name and `-data`.",
            pattern=f"{_NAME}|^$",
        ),
    ] = ""
    port: Annotated[
        Annotated[int, Meta(ge=1, le=65535)] | Literal["auto"] | None,
        Meta(
            description="The port on 127.0.0.1, or `auto`: one that is free, which the container then keeps."
            " 5432; `auto` for a service that is not called `postgres`."
        ),
    ] = None
    database: Annotated[
        str,
        Meta(description="The database that is made and logged in to.", pattern=_IDENTIFIER, max_length=63),
    ] = "fleettools"
    user: Annotated[
        str, Meta(description="The database's owner, a superuser.", pattern=_IDENTIFIER, max_length=63)
    ] = "fleettools"
    pull: Annotated[
        Literal["missing", "never", "always", "newer"],
        Meta(
            description="Whether the image is fetched before a container is made: when it is `missing`,"
            " `never`, `always`, or when a `newer` one can be had."
        ),
    ] = "missing"
    start_timeout: Annotated[
        Seconds, Meta(description="Seconds to wait until the server lets fleet log in.")
    ] = 60.0
    pull_timeout: Annotated[
        Seconds, Meta(description="Seconds to wait instead, all in all, when the image is fetched first.")
    ] = 90.0
    stop_timeout: Annotated[
        Annotated[int, Meta(ge=0, le=3600)],
        Meta(
            description="Seconds that the server has to stop by itself; then it is killed, which costs a"
            " recovery at the next start and no data."
        ),
    ] = 6
    start_machine: Annotated[
        bool,
        Meta(description="Start the virtual machine of Podman when it does not run (macOS, Windows)."),
    ] = False


def settings_of(service: str, table: Mapping[str, Any]) -> Settings:
    """The settings of a service, its default names and port filled in.

    Raises:
        Invalid: a key is unknown or a value does not fit.
    """
    origin = f"[services.{service}]"
    given = checked(table, Settings, origin)
    first = service == FIRST
    container = given.container or ("fleettools-pg" if first else f"fleettools-pg-{service}")
    filled = msgspec.structs.replace(
        given,
        container=container,
        volume=given.volume or f"{container}-data",
        port=given.port or (5432 if first else "auto"),
    )
    # A service may have a name that is none for a container.
    return checked(msgspec.structs.asdict(filled), Settings, origin)
