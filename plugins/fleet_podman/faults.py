"""Every way in which a service in Podman goes wrong: how it is recognised, what is said, what to do.

Here is what Podman says of itself, ports and containers; `image_faults` is of images and registries,
`server_faults` of what PostgreSQL says. Messages and remedies may hold these facts, which are given for
every fault: `service`, `image`, `port`, `container`, `volume`, `database`, `user`. Some hold more: `waited`,
what was waited for; `seconds`, how long; `owner`, whose a thing is; `removal`, how it is removed; `secret`;
`folder`; `processes`. A fault without a pattern is seen in another way than by a text.

No text may fit two faults, or which one is named would depend on their order here. Patterns are loose,
because texts change between the releases of Podman: these are of 4.3 to 5.7 and of PostgreSQL 13 to 18.
"""

from typing import Final

from fleet_core.api import Fault
from fleet_podman.image_faults import IMAGE_FAULTS
from fleet_podman.server_faults import SERVER_FAULTS


def _set(name: str, *lines: str) -> str:
    """The command that writes lines to a settings file of Podman."""
    folder = "/etc/containers/containers.conf.d"
    quoted = " ".join(f"'{line}'" for line in lines)
    return f"`sudo mkdir -p {folder} && printf '%s\\n' {quoted} | sudo tee {folder}/fleet-{name}.conf`"


# Podman itself.

PODMAN_MISSING: Final = Fault(
    "podman-missing",
    r"podman: (command )?not found|No such file or directory: 'podman'",
    "Podman is not installed, or not in PATH",
    "install it: macOS `brew install podman && podman machine init && podman machine start`;"
    " Debian or Ubuntu `sudo apt-get install podman`; Fedora `sudo dnf install podman`;"
    " Arch `sudo pacman -S podman`; Windows `winget install RedHat.Podman`."
    ' Or do without: `provider = "postgres-local"` in [services.{service}] of fleet.toml runs a PostgreSQL'
    " that is installed on this machine",
)
MACHINE_MISSING: Final = Fault(
    "machine-missing",
    r"VM does not exist|(?s:Cannot connect to Podman.*dial unix /+(private/)?var/folders/)",
    "Podman has no virtual machine to run containers in",
    "`podman machine init && podman machine start`, then try again",
)
MACHINE_NOT_RUNNING: Final = Fault(
    "machine-not-running",
    r"(?s:Cannot connect to Podman(?!.*dial unix))|Error: failed to connect: dial tcp"
    r"|Error: failed to create sshClient",
    "the virtual machine of Podman does not run, or does not answer",
    "`podman machine start`, or have fleet do it: `start_machine = true` in [services.{service}]; when it"
    " claims to run: `podman machine stop && podman machine start`",
)
MACHINE_AS_ROOT: Final = Fault(
    "machine-as-root",
    r'cannot run command "podman machine .*" as root',
    "the virtual machine of Podman can't be used by root",
    "run fleet as an ordinary user, without sudo",
)
API_SOCKET_GONE: Final = Fault(
    "api-socket-gone",
    r"(?s:Cannot connect to Podman.*dial unix (?!/+(private/)?var/folders/))",
    "the Podman that this shell points to does not answer",
    "`podman system connection list` shows where it points to; `unset CONTAINER_HOST` uses the Podman of this"
    " machine, `systemctl --user start podman.socket` starts the one behind a socket",
)
PODMAN_SILENT: Final = Fault(
    "podman-silent",
    "",
    "Podman did not answer within {seconds} s when it was asked for {waited}",
    "`podman ps` shows whether Podman answers at all; if it does not: `podman machine stop && podman machine"
    " start` on macOS and Windows, elsewhere end hanging podman processes; if it does, try again",
)
UNKNOWN_FLAG: Final = Fault(
    "podman-too-old",
    r"unknown (shorthand )?flag|unrecognized command .podman|unknown command .* for .podman",
    "this Podman does not know what fleet asks of it: it is older than 4.3",
    "`podman --version` shows its version; install Podman 4.3 or newer",
)
BROKEN_CONFIG: Final = Fault(
    "broken-config",
    r"decode configuration|decoding configuration|validating containers config|CONTAINERS_CONF file: |toml: ",
    "Podman can't read its configuration",
    "mend the file that Podman names; it looks into the file in CONTAINERS_CONF, ~/.config/containers and"
    " /etc/containers",
)
NO_SUBUID: Final = Fault(
    "no-subuid",
    r"no sub[ug]id ranges found|cannot find UID/GID for user|insufficient UIDs or GIDs",
    "this user has no range of user ids for containers",
    "`sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 $USER && podman system migrate`",
)
STALE_RUNTIME: Final = Fault(
    "stale-runtime",
    r"unknown FS magic on|boot ID differs from cached boot ID",
    "Podman still believes in containers from before the last reboot, because /run is not emptied at boot",
    "`sudo rm -rf /run/libpod /run/containers/storage /run/runc /run/crun /run/netns/netns-*`, and try again:"
    " images and volumes stay",
)
_LOWER_LIMITS: Final = _set(
    "limits", "[containers]", 'default_ulimits = ["nofile=8192:8192", "nproc=8192:8192"]'
)
LIMITS_NOFILE: Final = Fault(
    "limit-of-files",
    r"RLIMIT_NOFILE|error setting rlimit type 7",
    "Podman may not raise the number of open files to what it gives a container",
    f"{_LOWER_LIMITS}; `ulimit -Hn` is the most that is allowed",
)
LIMITS_NPROC: Final = Fault(
    "limit-of-processes",
    r"RLIMIT_NPROC|error setting rlimit type 6",
    "Podman may not raise the number of processes to what it gives a container",
    f"{_LOWER_LIMITS}; the most that is allowed is the smaller one of `ulimit -Hu` and `cat"
    " /proc/sys/kernel/pid_max`",
)
CGROUPS_HYBRID: Final = Fault(
    "cgroups-hybrid",
    r"cgroups in hybrid mode not supported",
    "crun does not run on a machine with both kinds of cgroups",
    "install runc, then " + _set("runtime", "[engine]", 'runtime = "runc"'),
)
RUNTIME_MISSING: Final = Fault(
    "runtime-missing",
    r"OCI runtime \"[^\"]*\" not found",
    "the program with which Podman starts containers is not installed",
    "install crun or runc; the setting `runtime` in containers.conf says which one Podman looks for",
)
NETWORK_TOOLS_MISSING: Final = Fault(
    "network-tools-missing",
    r"netavark: No such file|could not find \"(netavark|aardvark-dns|slirp4netns|pasta|rootlessport)\""
    r"|unable to find network backend",
    "Podman lacks a program that it needs for the network of containers",
    "install netavark, aardvark-dns, passt or slirp4netns, and iptables or nftables; PATH must"
    " hold /usr/sbin",
)
SYSTEMD_MISSING: Final = Fault(
    "systemd-missing",
    r"systemd not running on this host|unable to get systemd connection",
    "Podman is set to use systemd, which does not run here",
    _set("cgroups", "[engine]", 'cgroup_manager = "cgroupfs"', 'events_logger = "file"'),
)

# The port.

PORT_IN_USE: Final = Fault(
    "port-in-use",
    r"[aA]ddress already in use|proxy already running",
    "port {port} is in use by another program or container",
    'choose a free one: `port = "auto"` in [services.{service}]; or see who has it: `podman ps`,'
    " `ss -ltnp` (Linux), `lsof -i :{port}` (macOS)",
)
PORT_PRIVILEGED: Final = Fault(
    "port-privileged",
    r"cannot expose privileged port|Failed to bind port \d+ \(Permission denied\)|bind: permission denied",
    "port {port} is reserved for root",
    'choose one from 1024 on, or any free one: `port = "auto"` in [services.{service}]',
)
PORT_INVALID: Final = Fault(
    "port-invalid",
    r"port numbers must be between|invalid (host|container) port|invalid port number",
    "{port} is not a port",
    'choose one from 1 to 65535, or any free one: `port = "auto"` in [services.{service}]',
)
ADDRESS_NOT_OURS: Final = Fault(
    "address-not-ours",
    r"[cC]annot assign requested address",
    "the address that the port is published on is not one of this machine",
    "`ip address` shows those of this machine; 127.0.0.1 must be among them: `sudo ip link set lo up`",
)

# The container, its volume, and what else it is made of.

NAME_TAKEN: Final = Fault(
    "name-taken",
    r"container name \"[^\"]*\" is already in use",
    "another process made container {container} at the same time",
    "try again; when it stays: `podman rm --force {container}`, the data is in volume {volume} and stays",
)
FOREIGN_CONTAINER: Final = Fault(
    "foreign-container",
    "",
    "there is a container {container} that belongs to {owner}; it is left alone",
    'choose another name: `container = "..."` in [services.{service}]; or, if nobody needs it any more,'
    " {removal}",
)
CONTAINER_MISSING: Final = Fault(
    "container-missing",
    r"no such container|no such object|no container with name or ID",
    "container {container} is gone",
    "`fleet services up {service}` makes it anew; the data is in volume {volume}",
)
CONTAINER_RUNNING: Final = Fault(
    "container-running",
    r"cannot remove container .* as it is running",
    "container {container} runs, and so it can't be removed",
    "`fleet services down {service}` first",
)
NOT_RUNNING: Final = Fault(
    "not-running",
    r"can only .* running containers|is not running, can't pause|container not running",
    "container {container} does not run",
    "`fleet services up {service}`",
)
STATE_IMPROPER: Final = Fault(
    "state-improper",
    r"must be in .* state to be started",
    "Podman has lost sight of container {container}: the process that watched over it is gone",
    "`fleet services up {service}` makes it anew; the data is in volume {volume} and stays",
)
PAUSED: Final = Fault(
    "paused",
    r"is already paused|running or paused, refusing|container in a paused or unknown state",
    "container {container} is paused, so PostgreSQL answers nobody",
    "`fleet services up {service}`, or `podman unpause {container}`, lets it go on",
)
EXITED: Final = Fault(
    "exited",
    "",
    "container {container} ended by itself",
    "`fleet services up {service}` starts it again; `fleet services logs {service} --tail 50` shows what"
    " PostgreSQL said last",
)
FOREIGN_VOLUME: Final = Fault(
    "foreign-volume",
    "",
    "there is a volume {volume} that belongs to {owner}; it is left alone",
    'choose another name: `volume = "..."` in [services.{service}]; or, if nobody needs its data any more,'
    " {removal}",
)
VOLUME_MISSING: Final = Fault(
    "volume-missing",
    r"no such volume|no volume with name",
    "volume {volume} is gone, and the data of service {service} with it",
    "`fleet services up {service}` starts with an empty database; restore a backup into it",
)
VOLUME_IN_USE: Final = Fault(
    "volume-in-use",
    r"volume .*is being used",
    "volume {volume} is used by another container",
    "`podman ps --all --filter volume={volume}` shows which; remove that one first",
)
SERVER_REMAINS: Final = Fault(
    "server-remains",
    "",
    "a server works on volume {volume} that Podman does not know any more (process {processes}); a second one"
    " would destroy the data",
    "`kill -INT {processes}` ends it, or `kill -KILL {processes}` when it hangs: as root, or within"
    " `podman unshare`; then try again, the data stays",
)
VOLUME_EXISTS: Final = Fault(
    "volume-exists",
    r"volume already exists|volume with name .* already exists",
    "another process made volume {volume} at the same time",
    "try again",
)
HOST_FOLDER_MISSING: Final = Fault(
    "host-folder-missing",
    r"statfs .*: no such file or directory",
    "a folder of this machine that container {container} is to see does not exist",
    "make the folder that Podman names (`mkdir -p`); on macOS, `podman machine init --volume` says which"
    " folders the virtual machine sees",
)
FOREIGN_SECRET: Final = Fault(
    "foreign-secret",
    "",
    "there is a secret {secret} that belongs to {owner}; it is left alone",
    'choose another name for the container, from which that of its secret is made: `container = "..."` in'
    " [services.{service}]; or, if nobody needs it any more, {removal}",
)
SECRET_MISSING: Final = Fault(
    "secret-missing",
    r"no such secret|no secret with name or id",
    "the password of container {container} is gone from Podman's secrets",
    "`fleet services down {service} && fleet services up {service}` hands it over anew",
)
SECRET_EXISTS: Final = Fault(
    "secret-exists",
    r"secret name in use",
    "another process handed the password of container {container} over at the same time",
    "try again",
)
NETWORK_MISSING: Final = Fault(
    "network-missing",
    r"network not found|unable to find network",
    "Podman does not know the network that container {container} is to join",
    "`podman network ls` shows those there are; its own one comes back with `podman network create podman`",
)
DISK_FULL: Final = Fault(
    "disk-full",
    r"[nN]o space left on device|[dD]isk quota exceeded",
    "the disk is full",
    "make room: `df -h` and `podman system df` show where it went, `podman image prune` removes images that"
    " nothing uses; nothing that was acknowledged is lost",
)

# This project's side.

BUSY: Final = Fault(
    "busy",
    "",
    "another process starts, stops or destroys it, and was not done within {seconds} s",
    "try again; `fuser {folder}/lock` shows who it is",
)
FOLDER_UNUSABLE: Final = Fault(
    "folder-unusable",
    "",
    "what the service must remember can't be kept in {folder}",
    "mend the permissions of that folder: it must be yours, and writable",
)

OTHER: Final = Fault(
    "other",
    "",
    "Podman failed in a way that fleet does not know",
    "its own words say more; `fleet services logs {service} --tail 50` and `podman ps --all` may, too",
)

FAULTS: Final[tuple[Fault, ...]] = (
    PODMAN_MISSING,
    MACHINE_MISSING,
    MACHINE_NOT_RUNNING,
    MACHINE_AS_ROOT,
    API_SOCKET_GONE,
    PODMAN_SILENT,
    UNKNOWN_FLAG,
    BROKEN_CONFIG,
    NO_SUBUID,
    STALE_RUNTIME,
    LIMITS_NOFILE,
    LIMITS_NPROC,
    CGROUPS_HYBRID,
    RUNTIME_MISSING,
    NETWORK_TOOLS_MISSING,
    SYSTEMD_MISSING,
    PORT_IN_USE,
    PORT_PRIVILEGED,
    PORT_INVALID,
    ADDRESS_NOT_OURS,
    NAME_TAKEN,
    FOREIGN_CONTAINER,
    CONTAINER_MISSING,
    CONTAINER_RUNNING,
    NOT_RUNNING,
    STATE_IMPROPER,
    PAUSED,
    EXITED,
    FOREIGN_VOLUME,
    VOLUME_MISSING,
    VOLUME_IN_USE,
    SERVER_REMAINS,
    VOLUME_EXISTS,
    HOST_FOLDER_MISSING,
    FOREIGN_SECRET,
    SECRET_MISSING,
    SECRET_EXISTS,
    NETWORK_MISSING,
    DISK_FULL,
    *IMAGE_FAULTS,
    *SERVER_FAULTS,
    BUSY,
    FOLDER_UNUSABLE,
    OTHER,
)
"""Every fault that this provider can name, the fallback last."""


def recognise(text: str) -> Fault:
    """The fault that a text of Podman or of the server tells of; `OTHER` when none is known."""
    return next((fault for fault in FAULTS if fault.matches(text)), OTHER)
