"""One PostgreSQL in Podman that tests make go wrong, in ways that a machine does."""

import json
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from fleet_core.api import Fault, ServiceFailed, ServiceProvider
from fleet_podman.provider import make_provider
from fleet_podman.service import Service
from fleet_podman.settings import settings_of
from machines import IMAGES, new_name, podman

PASSWORD: Final = "never-to-be-told-b1f2"
"""The password of every server here, so that a text can be searched for it."""
IMAGE: Final = IMAGES[16]
OTHER_IMAGE: Final = IMAGES[15]


def quiet(text: str) -> None:
    """A report that nobody reads."""


class Trial(NamedTuple):
    """A service with names of its own."""

    directory: Path
    container: str

    @property
    def volume(self) -> str:
        return f"{self.container}-data"

    def settings(self, **settings: Any) -> dict[str, Any]:
        """The table of the service in fleet.toml."""
        own = {
            "image": IMAGE,
            "container": self.container,
            "port": "auto",
            "pull": "never",
            "stop_timeout": 1,
        }
        return own | settings

    def provider(self, **settings: Any) -> ServiceProvider:
        """Its provider, with some other settings."""
        return make_provider("podman", "postgres", self.settings(**settings), self.directory)

    def failure(self, **settings: Any) -> ServiceFailed:
        """What `up` fails with."""
        with pytest.raises(ServiceFailed) as caught:
            self.provider(**settings).up(quiet)
        return caught.value

    def labels(self) -> list[str]:
        """The arguments of `podman volume create` that make a volume its own."""
        service = Service("postgres", "podman", self.directory, settings_of("postgres", self.settings()))
        return [part for name, value in service.labels.items() for part in ("--label", f"{name}={value}")]

    def inspected(self, what: str) -> str:
        """What Podman says of the container."""
        return podman("inspect", self.container, "--format", f"{{{{{what}}}}}").stdout.strip()

    def hang(self) -> None:
        """Stop the server's process, but not its life."""
        os.kill(int(self.inspected(".State.Pid")), signal.SIGSTOP)

    def lose(self) -> None:
        """Kill the process with which Podman watches over the container, unless that was done before."""
        conmon = self.inspected(".State.ConmonPid")
        name = Path("/proc", conmon, "comm")
        if name.exists() and name.read_text() == "conmon\n":
            os.kill(int(conmon), signal.SIGKILL)

    def in_the_volume(self, script: str) -> None:
        """Run a shell script in the folder of the data, beside the server."""
        mount = f"{self.volume}:/trial"
        arguments = ("--rm", "--pull=never", "--network=none", "--volume", mount, "--workdir=/trial", IMAGE)
        podman("run", *arguments, "bash", "-ec", script)

    def remove(self) -> None:
        """Leave nothing of it, whatever state it is in."""
        # Of a container that is `stopping`, Podman would leave the server.
        podman("stop", "--ignore", "--time=0", self.container, check=False)
        podman("rm", "--force", "--ignore", "--volumes", "--time=0", self.container)
        podman("volume", "rm", "--force", self.volume, check=False)
        podman("secret", "rm", f"{self.container}-password", check=False)


def new_trial(directory: Path) -> Trial:
    """A service of which nothing exists yet."""
    directory.mkdir(parents=True, exist_ok=True)
    return Trial(directory, new_name("fault"))


def assert_tells(failed: ServiceFailed, fault: Fault) -> None:
    """The error names the fault, has a remedy and the right exit status, and holds no password."""
    told = json.dumps(failed.as_dict())
    assert failed.details["fault"] == fault.name, told
    assert failed.remedy
    assert int(failed.exit) == 8
    assert PASSWORD not in told


@contextmanager
def listener() -> Iterator[int]:
    """A port at which somebody listens, and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def closed_port() -> int:
    """A port at which nobody listens."""
    with listener() as port:
        return port


def engine_settings(path: Path, limit: str = "") -> str:
    """A containers.conf that says what Podman uses on this machine anyhow, and another limit."""
    runtime, manager = podman(
        "info", "--format", "{{.Host.OCIRuntime.Name}} {{.Host.CgroupManager}}"
    ).stdout.split()
    path.write_text(f'[containers]\n{limit}\n[engine]\nruntime = "{runtime}"\ncgroup_manager = "{manager}"\n')
    return str(path)
