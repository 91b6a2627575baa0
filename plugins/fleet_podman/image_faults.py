"""What Podman says when it can't get an image, or can't do anything with it.

For the facts of the texts see `faults`.
"""

from typing import Final

from fleet_core.api import Fault

# A look-up of the registry's name that is itself refused or not answered is a matter of the name.
_PULL: Final = r"(?s:(initializing source|pinging container registry|reading manifest)(?!.*dial tcp: lookup)"

REGISTRY_UNKNOWN_HOST: Final = Fault(
    "registry-unknown-host",
    r"(?s:(initializing source|pinging container registry).*dial tcp: lookup)",
    "the registry of {image} can't be found: its name has no address",
    "see to the network and DNS, and to the name of the image; or bring it from another machine with"
    " `podman save` and `podman load`",
)
REGISTRY_REFUSED: Final = Fault(
    "registry-refused",
    _PULL + r".*(connection refused|no route to host|network is unreachable|connection reset))",
    "the registry of {image} refuses the connection",
    "see to the network, a proxy, and the name of the image; an image of your own must exist first:"
    " `podman image ls`",
)
REGISTRY_SILENT: Final = Fault(
    "registry-silent",
    _PULL + r".*(TLS handshake timeout|i/o timeout|context deadline exceeded|Client.Timeout))",
    "the registry of {image} does not answer",
    "see to the network and try again; `podman pull {image}` shows how far it gets",
)
REGISTRY_UNTRUSTED: Final = Fault(
    "registry-untrusted",
    r"x509: |server gave HTTP response to HTTPS client",
    "the registry of {image} can't prove who it is",
    "behind a company's proxy, install its certificate (`podman machine ssh` on macOS); a registry without"
    " TLS is allowed by `insecure = true` in /etc/containers/registries.conf",
)
REGISTRY_LIMIT: Final = Fault(
    "registry-limit",
    r"toomanyrequests|pull rate limit",
    "the registry of {image} allows no more pulls for now",
    "wait some hours, or `podman login` to the registry for a higher limit, then try again",
)
IMAGE_MISSING: Final = Fault(
    "image-missing",
    r"image not known",
    "there is no image {image} on this machine, and it may not be pulled",
    '`podman pull {image}`, or allow it: `pull = "missing"` in [services.{service}]',
)
IMAGE_UNKNOWN: Final = Fault(
    "image-unknown",
    r"manifest unknown|requested access to the resource is denied|name unknown|repository name not known"
    r"|unauthorized: |invalid username/password",
    "the registry has no image {image}, or does not show it to you",
    "see to the name and the tag of the image; a private one needs `podman login` first",
)
IMAGE_PLATFORM: Final = Fault(
    "image-platform",
    r"[eE]xec format error|no image found in (manifest list|image index) for architecture",
    "image {image} is not for this kind of processor",
    "choose an image that is made for it; `podman info --format '{{{{.Host.Arch}}}}'` names the kind",
)
IMAGE_IN_USE: Final = Fault(
    "image-in-use",
    r"image is in use by a container|image used by",
    "image {image} is used by a container",
    "`podman ps --all --filter ancestor={image}` shows which; remove that one first",
)
SHORT_NAME: Final = Fault(
    "short-name",
    r"did not resolve to an alias|short-name resolution enforced",
    "the name {image} does not say which registry the image comes from",
    'write it whole in [services.{service}], such as `image = "docker.io/library/postgres:16"`',
)
BAD_IMAGE_NAME: Final = Fault(
    "bad-image-name",
    r"invalid reference format|repository name must be lowercase|Invalid image name",
    "{image} is not a name of an image",
    "write it as registry/name:tag in [services.{service}], such as"
    ' `image = "docker.io/library/postgres:16"`',
)
COMMAND_MISSING: Final = Fault(
    "command-missing",
    r"command that was not found|executable file not found|exec: \"[^\"]*\": permission denied"
    r"|open executable: Permission denied",
    "image {image} has no such program as it is asked to run: it is not one of PostgreSQL",
    "choose an image that keeps the ways of the official one, such as docker.io/library/postgres:16",
)

IMAGE_FAULTS: Final[tuple[Fault, ...]] = (
    REGISTRY_UNKNOWN_HOST,
    REGISTRY_REFUSED,
    REGISTRY_SILENT,
    REGISTRY_UNTRUSTED,
    REGISTRY_LIMIT,
    IMAGE_MISSING,
    IMAGE_UNKNOWN,
    IMAGE_PLATFORM,
    IMAGE_IN_USE,
    SHORT_NAME,
    BAD_IMAGE_NAME,
    COMMAND_MISSING,
)
