"""Podman. This is the only place that runs it.

Every call has a time-out, looks at the exit status and keeps what was said on stdout and stderr apart. No
secret is ever an argument: other users see those, and Podman writes them down.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
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
from fleet_podman.forking import ctrl_c_noted
from fleet_podman.inspected import Container, Seat, Thing
from fleet_podman.password import VARIABLE
from fleet_podman.service import Service

PROMPT: Final = 20.0
"""Seconds for what Podman does at once, on a machine that is busy."""

MAKING: Final = 60.0
"""Seconds to make or start a container."""

READING: Final = 30.0
"""Seconds to read a log."""

GRACE: Final = 0.5
"""Seconds that a Podman has to end what it may not leave half done, when nobody waits for it any more."""

SHOWN: Final = 200
"""Characters of an answer that nobody understands which go with the error."""

FAILURE: Final = "Error: "
"""How Podman begins to say why it fails."""

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

    def container(self, timeout: float = PROMPT, *, name: str = "") -> Container | None:
        """The container of the service's name, or of another one; None when there is none."""
        name = name or self._container
        answer = self._ask("container", "inspect", name, timeout=timeout, waited="what runs")
        if answer.status and CONTAINER_MISSING.matches(answer.err):
            return None
        # Podman also takes the beginning of an id for a name.
        found = self._read(inspected.containers, self._accepted(answer).out)
        return next((each for each in found if each.name == name), None)

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

    def unpause(self, container: str = "") -> None:
        """Let a paused container go on."""
        self._do("unpause", container or self._container, waited="the container to go on")

    def stop(self, seconds: int, container: str = "") -> None:
        """Stop a container; it is killed when it has not ended by then."""
        arguments = ("stop", "--time", str(seconds), container or self._container)
        self._do(*arguments, timeout=seconds + 2.0, waited="the container to stop")

    def kill(self, container: str = "") -> None:
        """Kill all that runs of a container."""
        self._do("kill", container or self._container, waited="the container to end")

    def remove(self, container: str = "") -> None:
        """Remove a container, but not its volume; nothing happens when there is none.

        For one that is at rest, see `stopping.take_away`: of another, Podman may leave the server running.
        """
        arguments = ("rm", "--force", "--ignore", "--volumes", "--time", "0", container or self._container)
        self._do(*arguments, waited="the container to be removed")

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
            yield from self._lines(process)
        finally:
            _end(process)  # who asked for it has gone

    def _lines(self, process: Any) -> Iterator[str]:
        """The lines that a process writes; its last words are an error when it fails."""
        held = ""
        with suppress(sh.ErrorReturnCode):  # told by its status
            for line in process:
                if held:
                    yield held
                held, text = "", line.rstrip("\r\n")
                if text.startswith(FAILURE):
                    held = text
                else:
                    yield text
        if process.process.exit_code:
            raise self._service.error(recognise(held), said=held)
        if held:
            yield held

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
        with _pipe(given or "") as pipe:
            with ctrl_c_noted() as noted:
                running = self._command()(
                    *arguments,
                    _in=pipe,
                    _err_to_out=merged,
                    _bg=True,
                    _bg_exc=False,
                    _new_session=True,
                    **_usual(),
                )
            with _ended_after(running, timeout) as late:
                noted.heed()
                answer = _answer(running)
        if late.is_set():
            seconds = f"{timeout:.0f}" if timeout >= 1 else f"{timeout:.1f}"
            raise self._service.error(PODMAN_SILENT, waited=waited, seconds=seconds)
        return answer

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


@contextmanager
def _ended_after(running: Any, seconds: float) -> Iterator[threading.Event]:
    """Let a Podman run for so long, and no longer than it is waited for; the event tells that it was late.

    Ctrl-C reaches this process and not Podman, which is in a session of its own.
    """
    late = threading.Event()

    def end() -> None:
        late.set()
        _end(running)

    # A timer of `sh` itself would keep this process from ending until it is over.
    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield late
    finally:
        timer.cancel()
        _end(running)


def _end(running: Any) -> None:
    """End a Podman, if it still runs: it gets a moment to leave things whole, and then it is killed."""
    with suppress(ProcessLookupError):
        if running.is_alive():
            running.terminate()
        killed_at = time.monotonic() + GRACE
        while running.is_alive() and time.monotonic() < killed_at:
            threading.Event().wait(0.01)
        if running.is_alive():
            running.kill()


def _answer(running: Any) -> Answer:
    """What a run of Podman comes to, when it is over."""
    with suppress(sh.ErrorReturnCode):  # by a signal; its status says so
        running.wait()
    ended = running.process
    return Answer(ended.exit_code, _text(ended.stdout), _text(ended.stderr))


def _usual() -> dict[str, Any]:
    return {"_tty_out": False, "_ok_code": _STATUSES, "_env": _environment()}


def _environment() -> dict[str, str]:
    """That of this process, without the password: nothing that is started here needs it."""
    kept = {name: value for name, value in os.environ.items() if name != VARIABLE}
    # Podman's network needs programs that lie where not everybody's PATH leads.
    return kept | {"PATH": os.pathsep.join([kept.get("PATH", os.defpath), "/usr/sbin", "/sbin"])}


def _labels(labels: Mapping[str, str]) -> list[str]:
    return [part for name, value in labels.items() for part in ("--label", f"{name}={value}")]


def _text(said: bytes) -> str:
    return said.decode(errors="replace")


def _without_chatter(said: str) -> str:
    """What Podman says, without warnings beside it that could be taken for the cause."""
    lines = said.strip().splitlines()
    return "\n".join([line for line in lines if not line.startswith("time=")] or lines)
