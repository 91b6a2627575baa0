"""Podman. This is the only place that runs it.

Every call has a time-out, looks at the exit status and keeps what was said on stdout and stderr apart. No
secret is ever an argument: other users see those, and Podman writes them down.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple, TypeVar

import msgspec
import sh

from fleet_podman import inspected
from fleet_podman.faults import (
    CONTAINER_MISSING,
    OTHER,
    PODMAN_MISSING,
    PODMAN_SILENT,
    SECRET_MISSING,
    recognise,
)
from fleet_podman.inspected import Container, Seat, Thing
from fleet_podman.password import VARIABLE
from fleet_podman.service import Service

PROMPT: Final = 20.0
"""Seconds for what Podman does at once, on a machine that is busy."""

MAKING: Final = 60.0
"""Seconds to make or start a container."""

READING: Final = 30.0
"""Seconds to read a log."""

SHOWN: Final = 200
"""Characters of an answer that nobody understands which go with the error."""

T = TypeVar("T")

_STATUSES: Final = range(256)


class Answer(NamedTuple):
    """What a run of Podman came to."""

    status: int
    out: str
    err: str


class Podman:
    """Podman, asked about the things of one service. What it refuses is a `ServiceFailed`."""

    def __init__(self, service: Service, program: str = "podman") -> None:
        self._service = service
        self._container = service.settings.container
        self._volume = service.settings.volume
        self._program = program

    # What there is.

    def container(self, timeout: float = PROMPT) -> Container | None:
        """The container of the service's name; None when there is none."""
        answer = self._ask("container", "inspect", self._container, timeout=timeout, waited="what runs")
        if answer.status and CONTAINER_MISSING.matches(answer.err):
            return None
        # Podman also takes the beginning of an id for a name.
        found = self._read(inspected.containers, self._accepted(answer).out)
        return next((each for each in found if each.name == self._container), None)

    def volume(self, timeout: float = PROMPT) -> Thing | None:
        """The volume of the service's name; None when there is none."""
        # `volume inspect` would take the beginning of another volume's name.
        pattern = f"name=^{self._volume.replace('.', '[.]')}$"
        out = self._do(
            "volume", "ls", "--filter", pattern, "--format", "json", timeout=timeout, waited="its volumes"
        )
        return next((each for each in self._read(inspected.volumes, out) if each.name == self._volume), None)

    def secret(self) -> Thing | None:
        """The secret of the service's name; None when there is none."""
        name = self._service.secret
        answer = self._ask("secret", "inspect", name, timeout=PROMPT, waited="its secrets")
        if answer.status and SECRET_MISSING.matches(answer.err):
            return None
        found = self._read(inspected.secrets, self._accepted(answer).out)
        return next((each for each in found if each.name == name), None)

    def at_the_volume(self) -> list[Seat]:
        """All containers that use the volume, whosever they are."""
        arguments = ("ps", "--all", "--filter", f"volume={self._volume}", "--format", "json")
        return self._read(inspected.seats, self._do(*arguments, waited="its containers"))

    def has_image(self) -> bool:
        """Whether the image is on this machine."""
        answer = self._ask(
            "image", "exists", self._service.settings.image, timeout=PROMPT, waited="its images"
        )
        return self._accepted(answer, also=1).status == 0

    def image_major(self) -> str:
        """The major version of PostgreSQL in the image, such as `16`; empty when it does not say."""
        out = self._do("image", "inspect", self._service.settings.image, waited="its images")
        return self._read(inspected.image_environment, out).get("PG_MAJOR", "")

    # Making and removing.

    def pull(self, timeout: float) -> None:
        """Fetch the image from its registry."""
        image = self._service.settings.image
        self._do("pull", "--quiet", image, timeout=timeout, waited=f"image {image} to be fetched")

    def make_volume(self, labels: Mapping[str, str]) -> None:
        """Make the volume."""
        self._do("volume", "create", *_labels(labels), self._volume, waited="a new volume")

    def make_secret(self, password: str) -> None:
        """Hand the password over, by a pipe."""
        name = self._service.secret
        labels = _labels(self._service.labels)
        self._do("secret", "create", *labels, name, "-", given=password, waited="a new secret")

    def run(self, arguments: Sequence[str]) -> None:
        """Make and start the container."""
        self._do("run", *arguments, timeout=MAKING, waited="a new container")

    def start(self) -> None:
        """Start the container that there is."""
        self._do("start", self._container, timeout=MAKING, waited="the container to start")

    def unpause(self) -> None:
        """Let a paused container go on."""
        self._do("unpause", self._container, waited="the container to go on")

    def stop(self, seconds: int) -> None:
        """Stop the container; it is killed when it has not ended by then."""
        arguments = ("stop", "--time", str(seconds), self._container)
        self._do(*arguments, timeout=seconds + 2.0, waited="the container to stop")

    def remove(self, container: str = "", *, seconds: int = 0) -> None:
        """Remove a container, but not its volume; nothing happens when there is none.

        One that runs has so many seconds to stop by itself.
        """
        name = container or self._container
        arguments = ("rm", "--force", "--ignore", "--volumes", "--time", str(seconds), name)
        self._do(*arguments, timeout=PROMPT + seconds, waited="the container to be removed")

    def remove_volume(self) -> None:
        """Remove the volume, which holds the data."""
        self._do("volume", "rm", self._volume, waited="the volume to be removed")

    def remove_secret(self) -> None:
        """Remove the secret; the container keeps its own copy."""
        self._do("secret", "rm", self._service.secret, waited="the secret to be removed")

    def start_machine(self, timeout: float) -> None:
        """Start the virtual machine that containers run in on macOS and Windows."""
        self._do("machine", "start", timeout=timeout, waited="its virtual machine")

    # What the container says, and talking to it.

    def log(self, *, since: str = "") -> list[str]:
        """Lines of stdout and stderr, which is where PostgreSQL logs, oldest first."""
        arguments = self._log_arguments(since)
        answer = self._ask(*arguments, timeout=READING, waited="its log", merged=True)
        return self._accepted(answer).out.splitlines()

    def follow(self, *, since: str = "") -> Iterator[str]:
        """The same lines, and new ones as they come until the container stops."""
        arguments = self._log_arguments(since, "--follow")
        process = self._command()(*arguments, _iter=True, _err_to_out=True, _bg_exc=False, **_usual())
        try:
            for line in process:
                yield line.rstrip("\r\n")
        finally:
            # Who asked for it has gone: no process stays behind.
            if process.is_alive():
                process.kill()

    def _log_arguments(self, since: str, *options: str) -> list[str]:
        return ["logs", *options, *(["--since", since] if since else []), self._container]

    def converse(self, arguments: Sequence[str], *, terminal: bool) -> int:
        """Run a program in the container with this process's stdin, stdout and stderr; gives its status."""
        how = ("--interactive", "--tty") if terminal else ("--interactive",)
        try:
            self._command()("exec", *how, self._container, *arguments, _fg=True, _env=_environment())
        except sh.ErrorReturnCode as ended:
            return int(ended.exit_code)
        return 0

    # How it is run.

    def _do(self, *arguments: str, timeout: float = PROMPT, waited: str, given: str | None = None) -> str:
        return self._accepted(self._ask(*arguments, timeout=timeout, waited=waited, given=given)).out

    def _read(self, parse: Callable[[str], T], said: str) -> T:
        try:
            return parse(said)
        except msgspec.MsgspecError as error:
            raise self._service.error(OTHER, said=f"{error}, in what it printed: {said[:SHOWN]}") from None

    def _accepted(self, answer: Answer, *, also: int = 0) -> Answer:
        if answer.status in (0, also):
            return answer
        words = _without_chatter(answer.err or answer.out)
        raise self._service.error(recognise(words), said=words)

    def _ask(
        self, *arguments: str, timeout: float, waited: str, given: str | None = None, merged: bool = False
    ) -> Answer:
        options: dict[str, Any] = {"_timeout": max(timeout, 0.1), "_err_to_out": merged}
        try:
            with _pipe(given or "") as pipe:
                done = self._command()(*arguments, _in=pipe, _return_cmd=True, **_usual(), **options)
        except sh.TimeoutException:
            seconds = f"{timeout:.0f}" if timeout >= 1 else f"{timeout:.1f}"
            raise self._service.error(PODMAN_SILENT, waited=waited, seconds=seconds) from None
        except sh.ErrorReturnCode as killed:
            return Answer(killed.exit_code, _text(killed.stdout), _text(killed.stderr))
        return Answer(done.exit_code, _text(done.stdout), _text(done.stderr))

    def _command(self) -> Any:
        try:
            return sh.Command(self._program)
        except sh.CommandNotFound:
            raise self._service.error(PODMAN_MISSING) from None


def moment(when: datetime) -> str:
    """A time as `podman logs --since` takes it."""
    return when.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _pipe(text: str) -> Any:
    """A pipe with a text in it, to be read to its end.

    Given the text itself, `sh` would write the beginning of it to its debug log, and it may be a password.
    """
    reading, writing = os.pipe()
    with os.fdopen(writing, "w", encoding="utf-8") as file:
        file.write(text)
    return os.fdopen(reading)


def _usual() -> dict[str, Any]:
    return {"_tty_out": False, "_ok_code": _STATUSES, "_env": _environment()}


def _environment() -> dict[str, str]:
    """That of this process, without the password: nothing that is started here needs it."""
    return {name: value for name, value in os.environ.items() if name != VARIABLE}


def _labels(labels: Mapping[str, str]) -> list[str]:
    return [part for name, value in labels.items() for part in ("--label", f"{name}={value}")]


def _text(said: bytes) -> str:
    return said.decode(errors="replace")


def _without_chatter(said: str) -> str:
    """What Podman says, without warnings beside it that could be taken for the cause."""
    lines = said.strip().splitlines()
    return "\n".join([line for line in lines if not line.startswith("time=")] or lines)
