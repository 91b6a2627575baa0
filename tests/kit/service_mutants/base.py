"""The outsider's provider, about to be broken. `caught_by` names the property that must not let it pass."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import ClassVar, NamedTuple

from fleet_core.services import Fault, ServiceProvider
from note_probe import NoteProbe
from outsider.fleet_outsider.service import NoteProvider
from outsider.fleet_outsider.settings import NoteServerSettings

BROKEN = Fault("broken", "", "it is broken", "mend it")


class ProviderMutant(NoteProvider):
    """A provider of note servers, about to be broken."""

    caught_by: ClassVar[str]
    lacks: ClassVar[dict[str, str]] = {}

    def broken(self) -> Exception:
        """An error for those that raise one where none belongs."""
        return BROKEN.error(self._service)


class Making(NamedTuple):
    """Makes a mutant."""

    mutant: type[ProviderMutant]
    service: str
    directory: Path

    def __call__(self) -> ServiceProvider:
        return self.mutant(self.service, NoteServerSettings(), self.directory)


class MutantProbe(NoteProbe):
    """The probe of one kind of mutant."""

    mutant: ClassVar[type[ProviderMutant]]

    def __init__(self, directory: Path, service: str) -> None:
        super().__init__(directory, service)
        self.make = Making(self.mutant, service, directory)

    def clear(self) -> None:
        """Mutants leave things about."""
        super().clear()
        for path in self.directory.glob("*"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def detached(script: str, *arguments: object) -> None:
    """Run a shell script in the background, as nobody's child."""
    command = ["sh", "-c", f"({script}) >/dev/null 2>&1 &", "sh", *map(str, arguments)]
    subprocess.run(command, check=True)


def idle(*arguments: object) -> None:
    """Start a process with these last arguments that does nothing."""
    detached('exec "$@"', sys.executable, "-c", "import time; time.sleep(60)", *arguments)
