"""What PostgreSQL says when it does not start in its container, or lets nobody in.

For the facts of the texts see `faults`.
"""

from typing import Final

from fleet_core.api import Fault

# The data, as the server finds it.

DATA_LAYOUT_18: Final = Fault(
    "data-layout-18",
    r"in 18\+, these Docker images are configured",
    "image {image} expects the data of PostgreSQL 18 and later in another folder of volume {volume}",
    "remove the container, not the volume: `fleet services down {service} && podman rm {container}`, then"
    " `fleet services up {service}`",
)
VERSION_MISMATCH: Final = Fault(
    "version-mismatch",
    r"was initialized by PostgreSQL version|CATALOG_VERSION_NO",
    "the data in volume {volume} was written by another major version of PostgreSQL than that of {image}",
    "set `image` in [services.{service}] back to that version; to move on, dump with the old one"
    " (`pg_dump`), set `volume` to a new name, and restore",
)
DATA_NOT_A_CLUSTER: Final = Fault(
    "data-not-a-cluster",
    r"directory \"[^\"]*\" exists but is not empty",
    "volume {volume} holds files, but no database of PostgreSQL",
    "`podman volume export {volume} --output volume.tar` keeps a copy of them; then set `volume` in"
    " [services.{service}] to a new name, or `fleet services destroy {service}`",
)
DATA_IN_USE: Final = Fault(
    "data-in-use",
    r"lock file \"postmaster.pid\" already exists|pre-existing shared memory block",
    "another server works on the data in volume {volume}",
    "`podman ps --all --filter volume={volume}` shows who; stop that one first",
)
CLUSTER_CORRUPT: Final = Fault(
    "cluster-corrupt",
    r"could not locate a valid checkpoint record|invalid (primary )?checkpoint|pg_control|control file"
    r"|PG_CONTROL_VERSION|is not a valid data directory|pg_filenode\.map"
    r"|(PANIC|FATAL): .*could not (open|read) (file|directory)",
    "the data in volume {volume} is damaged",
    "`podman volume export {volume} --output volume.tar` keeps a copy; then"
    " `fleet services destroy {service}`, `fleet services up {service}`, and restore a backup",
)
NO_PASSWORD: Final = Fault(
    "no-password",
    r"superuser password is not specified",
    "the database in volume {volume} is new, and no password came with it",
    "`podman rm --force {container}`, then `fleet services up {service}`, which hands one over",
)

# The login.

PASSWORD_REJECTED: Final = Fault(
    "password-rejected",
    r"password authentication failed|no password supplied",
    "PostgreSQL rejects user {user} with this password: volume {volume} was made with another, and a new one"
    " changes nothing there",
    "give the one from before in POSTGRES_PASSWORD; or set it anew inside of the container:"
    " `podman exec -it {container} psql -U {user} -d {database}` and there `\\password`",
)
PASSWORD_LOST: Final = Fault(
    "password-lost",
    "",
    "volume {volume} has a database, but its password is not kept here any more",
    "give it in POSTGRES_PASSWORD; if nobody knows it, `fleet services destroy {service}` removes the data,"
    " and `fleet services up {service}` starts anew",
)
DATABASE_MISSING: Final = Fault(
    "database-missing",
    r"database \"[^\"]*\" does not exist",
    "the server has no database {database}: volume {volume} was made with another one",
    "set `database` in [services.{service}] back, or make it inside of the container:"
    " `podman exec {container} createdb -U {user} {database}`",
)
ROLE_MISSING: Final = Fault(
    "user-missing",
    r"role \"[^\"]*\" does not exist",
    "the server has no user {user}: volume {volume} was made with another one",
    "set `user` in [services.{service}] back to that one",
)
HALF_MADE: Final = Fault(
    "half-made",
    r"no pg_hba\.conf entry for host",
    "the first start of the database in volume {volume} was interrupted, and left it half-made",
    "if no data of yours is in it, `fleet services destroy {service}` and `fleet services up {service}` start"
    " anew; else complete {volume}'s pg_hba.conf with `host all all all scram-sha-256`",
)
NOT_READY: Final = Fault(
    "not-ready",
    "",
    "not ready after {seconds} s, still waiting for {waited}",
    "`fleet services logs {service} --tail 50` shows what PostgreSQL does; a slow machine needs a longer"
    " time-out in [services.{service}]",
)
HUNG: Final = Fault(
    "hung",
    r"timeout expired|no answer within",
    "container {container} runs, but PostgreSQL in it does not answer",
    "`fleet services restart {service}`",
)
STARTING: Final = Fault(
    "starting",
    r"the database system is|not yet accepting connections",
    "PostgreSQL lets nobody in yet: it starts, stops or recovers",
    "wait, and try again; `fleet services logs {service} --tail 50` shows what it does",
)
SERVER_GONE: Final = Fault(
    "server-gone",
    r"Connection refused|closed the connection unexpectedly|unexpected postmaster exit|Connection reset by",
    "nobody listens on port {port}",
    "`fleet services up {service}`; `fleet services logs {service} --tail 50` shows what happened",
)

SERVER_FAULTS: Final[tuple[Fault, ...]] = (
    DATA_LAYOUT_18,
    VERSION_MISMATCH,
    DATA_NOT_A_CLUSTER,
    DATA_IN_USE,
    CLUSTER_CORRUPT,
    NO_PASSWORD,
    PASSWORD_REJECTED,
    PASSWORD_LOST,
    DATABASE_MISSING,
    ROLE_MISSING,
    HALF_MADE,
    NOT_READY,
    HUNG,
    STARTING,
    SERVER_GONE,
)
