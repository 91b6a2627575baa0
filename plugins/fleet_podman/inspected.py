"""What Podman says of things, as plain values: only what is needed, whatever else its releases add."""

from typing import Final, Literal, NamedTuple

import msgspec

PORT: Final = "5432/tcp"
"""Where PostgreSQL listens within its container."""

State = Literal["created", "running", "paused", "exited", "stopping", "improper"]
"""What a container is. improper: anything that fits none of the others, so that it has to be made anew."""


class Container(NamedTuple):
    """A container."""

    name: str
    state: State
    exit_code: int
    pid: int
    """The server's process on the machine that it runs on; 0 when it does not run."""
    started: str
    """When it was started last, as `podman logs --since` takes it."""
    image: str
    labels: dict[str, str]
    environment: dict[str, str]
    volumes: tuple[str, ...]
    """The names of those it uses."""
    port: int | None
    """Its port on this machine; kept when it stops."""

    @property
    def is_at_rest(self) -> bool:
        """Whether nothing of it runs, and it can be started."""
        return self.state in ("created", "exited")


class Thing(NamedTuple):
    """A volume or a secret."""

    name: str
    labels: dict[str, str]


class Seat(NamedTuple):
    """A container as a list of them shows it."""

    name: str
    runs: bool
    labels: dict[str, str]


class _State(msgspec.Struct, rename="pascal"):
    status: str = ""
    exit_code: int = 0
    pid: int = 0
    started_at: str = ""


class _Config(msgspec.Struct, rename="pascal"):
    labels: dict[str, str] | None = None
    env: list[str] | None = None


class _Binding(msgspec.Struct, rename="pascal"):
    host_port: str = ""


class _Host(msgspec.Struct, rename="pascal"):
    port_bindings: dict[str, list[_Binding] | None] | None = None


class _Mount(msgspec.Struct, rename="pascal"):
    name: str = ""


class _Container(msgspec.Struct, rename="pascal"):
    name: str
    state: _State
    config: _Config
    host_config: _Host
    mounts: list[_Mount] | None = None
    image_name: str = ""


class _Volume(msgspec.Struct, rename="pascal"):
    name: str
    labels: dict[str, str] | None = None


class _Spec(msgspec.Struct, rename="pascal"):
    name: str
    labels: dict[str, str] | None = None


class _Secret(msgspec.Struct, rename="pascal"):
    spec: _Spec


class _Listed(msgspec.Struct, rename="pascal"):
    names: list[str]
    state: str = ""
    labels: dict[str, str] | None = None


class _Image(msgspec.Struct, rename="pascal"):
    config: _Config


_STATES: Final[dict[str, State]] = {
    "created": "created",
    "configured": "created",
    "initialized": "created",
    "running": "running",
    "paused": "paused",
    "stopping": "stopping",
    "stopped": "exited",
    "exited": "exited",
}


def containers(text: str) -> list[Container]:
    """What `podman container inspect` prints."""
    return [_container(each) for each in msgspec.json.decode(text, type=list[_Container])]


def _container(said: _Container) -> Container:
    bindings = (said.host_config.port_bindings or {}).get(PORT) or [_Binding()]
    port = bindings[0].host_port
    return Container(
        name=said.name.removeprefix("/"),
        state=_STATES.get(said.state.status.lower(), "improper"),
        exit_code=said.state.exit_code,
        pid=said.state.pid,
        started=said.state.started_at,
        image=said.image_name,
        labels=said.config.labels or {},
        environment=_pairs(said.config.env or []),
        volumes=tuple(each.name for each in said.mounts or [] if each.name),
        port=int(port) if port.isdigit() and port != "0" else None,
    )


def seats(text: str) -> list[Seat]:
    """What `podman ps --format json` prints."""
    return [
        Seat(name, each.state in ("running", "paused", "stopping"), each.labels or {})
        for each in msgspec.json.decode(text, type=list[_Listed])
        for name in each.names
    ]


def volumes(text: str) -> list[Thing]:
    """What `podman volume ls --format json` prints."""
    return [Thing(each.name, each.labels or {}) for each in msgspec.json.decode(text, type=list[_Volume])]


def secrets(text: str) -> list[Thing]:
    """What `podman secret inspect` prints."""
    found = msgspec.json.decode(text, type=list[_Secret])
    return [Thing(each.spec.name, each.spec.labels or {}) for each in found]


def image_environment(text: str) -> dict[str, str]:
    """The environment that an image gives its containers, of what `podman image inspect` prints."""
    found = msgspec.json.decode(text, type=list[_Image])
    return _pairs([pair for image in found for pair in image.config.env or []])


def _pairs(environment: list[str]) -> dict[str, str]:
    return {name: value for name, _, value in (each.partition("=") for each in environment)}
