"""Every way in which a PostgreSQL of this machine goes wrong: how it is recognised, what is said, what to do.

What the programs say is English whatever the user's language, because they are started so. No text may fit
two faults. Messages and remedies may hold these facts, which are always given: `data`, `folder`, `log`,
`port`, `port_file`, `password_file`, `database`, `user`, `account` (as whom the server runs), `bin` (where
its programs are). Some hold more, which are named beside them.
"""

from typing import Final

from fleet_core.api import Fault

_INSTALL: Final = (
    "Debian or Ubuntu `sudo apt-get install postgresql`; Fedora `sudo dnf install postgresql-server`;"
    " Arch `sudo pacman -S postgresql`; macOS `brew install postgresql@17`;"
    " Windows: inside of WSL, as on Ubuntu"
)

# The programs.

PROGRAMS_MISSING: Final = Fault(
    "programs-missing",
    "",
    "PostgreSQL is not installed, or not where it is looked for",
    f"install it: {_INSTALL}. If it is, name the folder of `initdb` and `postgres` in `bin` of"
    " [services.{service}]",
)
BIN_WRONG: Final = Fault(
    "bin-wrong",
    "",
    "the setting `bin` names {bin}, where there are no working programs `initdb` and `postgres`",
    "set `bin` in [services.{service}] to the folder of both, or leave it out to have them looked for",
)
VERSION_MISMATCH: Final = Fault(  # data_version, version
    "version-mismatch",
    "",
    "its data were made by PostgreSQL {data_version}, and the programs in {bin} are of {version}",
    "install PostgreSQL {data_version}, or name the folder of its programs in `bin` of [services.{service}]."
    " To move on to another version: dump with the old one (`pg_dump`), `fleet services destroy {service}`,"
    " and restore",
)
CLIENT_MISSING: Final = Fault(
    "client-missing",
    "",
    "there is no `psql` on this machine",
    "install it: Debian or Ubuntu `sudo apt-get install postgresql-client`;"
    " Fedora `sudo dnf install postgresql`; Arch `sudo pacman -S postgresql-libs`;"
    " macOS `brew install libpq`",
)

# The account.

ACCOUNT_MISSING: Final = Fault(
    "account-missing",
    "",
    "there is no account {account} on this machine to run PostgreSQL, which refuses to run as root",
    "name an account that exists in `run_as` of [services.{service}], or make one:"
    " `useradd --system --no-create-home {account}`",
)
ACCOUNT_ROOT: Final = Fault(
    "account-root",
    r"must not be run as root|cannot be run as root|execution of the PostgreSQL server is not permitted",
    "PostgreSQL refuses to run as root",
    "name another account in `run_as` of [services.{service}], or leave it out",
)
ACCOUNT_DENIED: Final = Fault(
    "account-denied",
    "",
    "the setting `run_as` asks for the account {account}, as whom only root may run something",
    "leave `run_as` out of [services.{service}]: the server then runs as you",
)

# The data.

DATA_FOREIGN: Final = Fault(
    "data-foreign",
    "",
    "{data} holds something that this service did not make; it is left alone",
    "set `data` in [services.{service}] to another folder, which need not exist",
)
DATA_TAKEN: Final = Fault(  # owner
    "data-taken",
    "",
    "the data in {data} are those of another service or project, {owner}; they are left alone",
    "set `data` in [services.{service}] to another folder; if this is a copy of that project,"
    " remove {folder}, and the service starts anew",
)
DATA_IN_USE: Final = Fault(
    "data-in-use",
    r'lock file "postmaster.pid" already exists',
    "a server that this service did not start works on the data in {data}; it is left alone",
    "stop that one first: `pg_ctl stop -D {data}`, as the account that started it",
)
DATA_UNREACHABLE: Final = Fault(
    "data-unreachable",
    r"(access|open|create|change permissions of|read permissions of) (directory|file) .*Permission denied",
    "the account {account} can't work in {data}",
    "let it enter the folders above (`namei -l {data}` shows who may), or set `data` in [services.{service}]"
    " to a folder that it can reach",
)
DATA_PERMISSIONS: Final = Fault(
    "data-permissions",
    r"has wrong ownership|has invalid permissions|has group or world access",
    "the folder {data} must belong to the account {account}, and to nobody else",
    "`chown -R {account} {data} && chmod 700 {data}`; or name its owner in `run_as` of [services.{service}]",
)
DATA_DAMAGED: Final = Fault(
    "data-damaged",
    r"could not locate a valid checkpoint record|invalid (primary )?checkpoint"
    r"|incorrect checksum in control file|could not find the database system"
    r"|is not a valid data directory|global/pg_control"
    r"|(PANIC|FATAL): .*could not (open|read) (file|directory) .*No such file",
    "the data in {data} are damaged",
    "keep a copy of that folder; then `fleet services destroy {service}`, `fleet services up {service}`, and"
    " restore a backup",
)
DATA_GONE: Final = Fault(
    "data-gone",
    "",
    "a server of it runs, but not on data in {data}: they were removed, or `data` was set anew",
    "`fleet services down {service}` ends that server",
)
CONFIGURATION: Final = Fault(
    "configuration",
    r"configuration file .* contains errors|unrecognized configuration parameter|invalid value for parameter"
    r"|could not load .*pg_hba\.conf|could not access the server configuration file",
    "PostgreSQL can't read its configuration in {data}",
    "mend the line that the log names in postgresql.conf, postgresql.auto.conf or pg_hba.conf there",
)
LIBRARY_MISSING: Final = Fault(
    "library-missing",
    r'could not access file "[^"$]*": No such file',
    "PostgreSQL is told to load a library that is not installed",
    "install it, or take it out of `shared_preload_libraries` in {data}/postgresql.conf",
)
PASSWORD_LOST: Final = Fault(
    "password-lost",
    "",
    "there are data in {data}, but their password is not in {password_file} any more",
    "put it back there; if nobody knows it, `fleet services destroy {service}` removes the data, and"
    " `fleet services up {service}` starts anew",
)

# The machine.

DISK_FULL: Final = Fault(
    "disk-full",
    r"(?m)^(?!.*shared memory).*(No space left on device|Disk quota exceeded|Check free disk space)",
    "the disk is full",
    "make room (`df -h {data}` shows where it is needed), then `fleet services up {service}`",
)
MEMORY: Final = Fault(
    "memory",
    r"could not (map anonymous|create|resize) shared memory|could not create semaphores",
    "the machine does not give PostgreSQL the memory that it asks for",
    "lower `shared_buffers` or `max_connections` in {data}/postgresql.conf; on macOS, end other servers of"
    " PostgreSQL",
)
FOLDER_UNUSABLE: Final = Fault(
    "folder-unusable",
    "",
    "what belongs to it can't be written or read",
    "mend the permissions of the file that is named; its own files are in {folder}, its data in {data}",
)

# The port.

PORT_IN_USE: Final = Fault(
    "port-in-use",
    r"[aA]ddress already in use",
    "port {port} is in use by another program, which is left alone",
    'set `port` in [services.{service}] to another one, or to "auto"; a picked one is picked anew after'
    " `rm {port_file}`. `ss -ltnp` (Linux) and `lsof -i :{port}` (macOS) show who has it",
)
PORT_PRIVILEGED: Final = Fault(
    "port-privileged",
    r"could not bind .*: Permission denied",
    "port {port} is reserved for root",
    'set `port` in [services.{service}] to one from 1024 on, or to "auto"',
)

# The start, the end, and what is between.

NOT_READY: Final = Fault(  # waited, seconds
    "not-ready",
    "",
    "it did not let fleet in within {seconds} s; it was waited for {waited}",
    "if the log shows that it recovers, it goes on: `fleet services up {service}` waits again, and"
    " `start_timeout` in [services.{service}] says how long; if not, `fleet services restart {service}`",
)
INITDB_FAILED: Final = Fault(
    "initdb-failed",
    "",
    "the database could not be made; nothing of it is kept",
    "see what PostgreSQL says to it, and try again",
)
DIED: Final = Fault(
    "died",
    "",
    "the server ended by itself while it started",
    "`fleet services logs {service} --tail 50` shows what it said last",
)
CRASHED: Final = Fault(
    "crashed",
    "",
    "the server ended without being stopped: it was killed, or the machine went down",
    "`fleet services up {service}` starts it; what was acknowledged is recovered",
)
UNFINISHED: Final = Fault(
    "unfinished",
    "",
    "its first start, or its removal, was interrupted",
    "`fleet services up {service}` starts anew; `fleet services destroy {service}` removes what there is",
)
HUNG: Final = Fault(  # pid
    "hung",
    "",
    "the server, process {pid}, runs and does not answer",
    "`fleet services restart {service}`; `ps -o stat= -p {pid}` shows T when somebody stopped it",
)
ENDING: Final = Fault(
    "ending",
    "",
    "the server is shutting down",
    "wait, or `fleet services down {service}`, which makes it end",
)
PASSWORD_REJECTED: Final = Fault(
    "password-rejected",
    "",
    "PostgreSQL rejects the password in {password_file} of user {user}, or does not know that user",
    "put the right password there, or the user of the first start into `user` of [services.{service}]",
)
DATABASE_MISSING: Final = Fault(
    "database-missing",
    "",
    "the server has no database {database}: it was made under another name, or removed",
    "set `database` in [services.{service}] back, or make it:"
    " `fleet services psql {service} -d postgres -c 'CREATE DATABASE \"{database}\"'`",
)
LOGIN_REFUSED: Final = Fault(
    "login-refused",
    r"pg_hba\.conf (entry|rejects)",
    "the server lets nobody in",
    "see what it says to it; in {data}, pg_hba.conf says who may enter, and max_connections in"
    " postgresql.conf how many",
)
NOT_RUNNING: Final = Fault(
    "not-running",
    "",
    "it does not run",
    "`fleet services up {service}`",
)
BUSY: Final = Fault(  # seconds
    "busy",
    "",
    "another process has been starting, stopping or removing it for more than {seconds} s",
    "see which one hangs with `fuser {folder}/lock` and end it, then try again",
)
STUCK: Final = Fault(  # pid
    "stuck",
    "",
    "the server, process {pid}, does not end, not even when it is killed",
    "`ps -o stat= -p {pid}` shows D when a disk does not answer; if not, end it as the account that"
    " started it",
)

FAULTS: Final[tuple[Fault, ...]] = (
    PROGRAMS_MISSING,
    BIN_WRONG,
    VERSION_MISMATCH,
    CLIENT_MISSING,
    ACCOUNT_MISSING,
    ACCOUNT_ROOT,
    ACCOUNT_DENIED,
    DATA_FOREIGN,
    DATA_TAKEN,
    DATA_IN_USE,
    DATA_UNREACHABLE,
    DATA_PERMISSIONS,
    DATA_DAMAGED,
    DATA_GONE,
    CONFIGURATION,
    LIBRARY_MISSING,
    PASSWORD_LOST,
    DISK_FULL,
    MEMORY,
    FOLDER_UNUSABLE,
    PORT_IN_USE,
    PORT_PRIVILEGED,
    NOT_READY,
    INITDB_FAILED,
    DIED,
    CRASHED,
    UNFINISHED,
    HUNG,
    ENDING,
    PASSWORD_REJECTED,
    DATABASE_MISSING,
    LOGIN_REFUSED,
    NOT_RUNNING,
    BUSY,
    STUCK,
)


def fault_in(text: str, otherwise: Fault) -> Fault:
    """Which fault a text of PostgreSQL's tells of."""
    return next((fault for fault in FAULTS if fault.matches(text)), otherwise)
