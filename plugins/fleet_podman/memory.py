"""What a service must remember, beside what Podman knows: a small file in the project's directory.

The first start of a database can be interrupted and then leaves a volume with a half-made cluster. Whether a
volume ever got ready is written down here, so that one with data in it is never mistaken for that.
"""

import os
import secrets
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from fleet_podman.service import Service

FILE: Final = "cluster.json"
BIRTH: Final = "io.fleettools.birth"
"""Label of a volume that tells it from another one of the same name."""


class Cluster(msgspec.Struct, frozen=True):
    """What is known of the database in a volume."""

    birth: str = ""
    """The label `BIRTH` of the volume that this is about."""
    ready: bool = False
    """Whether somebody was ever let in."""
    version: str = ""
    """The server's version when it was ready last, such as `16.4`."""
    wanted: bool = False
    """Whether it should run: it was started, and was not stopped since."""

    @property
    def major(self) -> str:
        """The major version, such as `16`; empty when it was never ready."""
        return self.version.partition(".")[0]


class Memory(NamedTuple):
    """The file."""

    path: Path

    def read(self) -> Cluster:
        """What is remembered; of a file that is gone, or was cut short by a crash, nothing."""
        try:
            return msgspec.json.decode(self.path.read_bytes(), type=Cluster)
        except (FileNotFoundError, msgspec.DecodeError):
            return Cluster()

    def begin(self) -> Cluster:
        """Remember that a volume is made now, before it is; what was known of an earlier one is forgotten."""
        return self._write(Cluster(birth=secrets.token_hex(8), wanted=True))

    def ready(self, version: str, birth: str) -> None:
        """Remember that the database of a volume has let somebody in."""
        known = Cluster(birth=birth, ready=True, version=version, wanted=True)
        if self.read() != known:
            self._write(known)

    def want(self, wanted: bool) -> None:
        """Remember whether it should run."""
        known = self.read()
        if known.wanted != wanted:
            self._write(msgspec.structs.replace(known, wanted=wanted))

    def _write(self, known: Cluster) -> Cluster:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self.path.with_name(f"{self.path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(known) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self.path)
        return known

    def remove(self) -> None:
        """Forget everything; nothing happens when nothing is known."""
        self.path.unlink(missing_ok=True)


def memory_of(service: Service) -> Memory:
    """What a service remembers."""
    return Memory(service.folder / FILE)
