"""What every part of the kit stands on: the probe that a suite gives, the fixtures, and a few words."""

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import ClassVar, Final, NamedTuple, Protocol, TypeVar
from urllib.parse import urlsplit

import pytest

from fleet_core.services import ServiceProvider, ServiceStatus, State
from fleet_core.testing.abilities import Kit

T = TypeVar("T")

ABILITIES: Final = {
    "password": "its url holds a password",
    "hanging": "the probe can make it hang (`hang` and `resume`)",
    "strangers": "the probe can make a foreign thing of a similar name (`stranger`)",
}
"""What a provider's suite may lack, when it says so with a reason."""

PROMPT: float = 10.0
"""Seconds after which an answer that is promised within two has not come. Generous: a machine may be busy."""

PATIENCE: float = 120.0
"""Seconds after which what should have happened never will."""

SHARED: Final = "kit-one"
"""The name of the service that tests share."""


class MakeProvider(Protocol):
    """Makes the provider on trial, of the same service each time. Picklable: other processes call it too."""

    def __call__(self) -> ServiceProvider:
        """Make it."""
        ...


class Probe(ABC):
    """One service on trial, as it can be known without its provider's words. The suite's author writes it.

    It is made with a directory, which stands for the project's `.fleet`, and the service's name. Each stands
    for another service, so let names and ports be its own. One that needs another directory, such as one that
    other users may enter, sets `directory` anew.
    """

    make: MakeProvider
    """Makes its provider; `fleet_core.testing.providing` gives one. To be set in `__init__`."""

    def __init__(self, directory: Path, service: str) -> None:
        self.directory = directory
        self.service = service

    @abstractmethod
    def write(self, url: str, text: str) -> None:
        """Log in to the service and have it keep a text; raises when it does not confirm that."""

    @abstractmethod
    def read(self, url: str) -> list[str]:
        """Log in to the service and read the texts that it keeps; raises when it does not answer.

        A service that keeps none yet gives an empty list, whether or not anything was ever written. Must come
        to an end when the service hangs: give the connection a time-out of a few seconds.
        """

    @abstractmethod
    def log(self, url: str, text: str) -> None:
        """Have the service write a line with this text to its own log, such as the complaint about a query
        that fails.
        """

    @abstractmethod
    def running(self) -> list[str]:
        """What of the service runs now, each once, with its process id, so that a new start is seen.

        Count what a provider starts (a container, a server), not the children of that. A dead process that
        nobody has waited for yet does not run.
        """

    @abstractmethod
    def remains(self) -> list[str]:
        """What of the service lasts on this machine, by name: containers, volumes, secrets, folders, files.

        The kit looks for these names in `belongings`, and itself at what is left in the directory.
        """

    @abstractmethod
    def crash(self) -> None:
        """Kill hard (SIGKILL) all that runs of the service, and see it dead; it may be that nothing runs."""

    @abstractmethod
    def clear(self) -> None:
        """Remove all of the service, running or not, whatever became of it. Called after each trial."""

    def hang(self) -> None:
        """Have the service answer nobody, without ending it, as SIGSTOP does."""
        raise NotImplementedError

    def resume(self) -> None:
        """Let a hanging service go on; it may have ended meanwhile."""
        raise NotImplementedError

    def stranger(self) -> AbstractContextManager[Callable[[], bool]]:
        """A foreign thing with a name that begins with, or ends in, one of the service; running, if it can.

        Gives a callable that says whether it is untouched, and removes it at the end.
        """
        raise NotImplementedError


class FirstStart(NamedTuple):
    """How the first start of a service went."""

    status: ServiceStatus
    reports: list[str]
    """What it reported, each text once, in the order of their first times."""
    seconds_after_last: float
    """From the first time of the last of them to the end."""
    refusal: Exception | None
    """What somebody met who used it at once."""


class ProviderKit(Kit):
    """The fixtures. Starting a service is slow, so whatever leaves no mark is tried on one that is shared."""

    abilities = ABILITIES

    probe: ClassVar[type[Probe]]
    """The one thing to give."""

    @pytest.fixture(scope="class")
    @classmethod
    def shared(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Probe]:
        """A service for all tests that leave it whole."""
        yield from on_trial(cls, tmp_path_factory, SHARED)

    @pytest.fixture(scope="class")
    @classmethod
    def first_start(cls, shared: Probe) -> FirstStart:
        """How the shared service was started first."""
        times: dict[str, float] = {}
        begin = time.monotonic()

        def report(text: str) -> None:
            times.setdefault(text, time.monotonic())

        status = shared.make().up(report)
        refusal = _refusal(shared)
        return FirstStart(status, list(times), time.monotonic() - max(times.values(), default=begin), refusal)

    @pytest.fixture
    def ready(self, shared: Probe, first_start: FirstStart) -> Probe:
        """The shared service, up."""
        if _refusal(shared):
            shared.make().up(quiet)
        return shared

    @pytest.fixture
    def stopped(self, shared: Probe, first_start: FirstStart) -> Probe:
        """The shared service, down."""
        shared.make().down()
        return shared

    @pytest.fixture
    def service(self, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Probe]:
        """A service of which nothing exists yet."""
        yield from on_trial(type(self), tmp_path_factory, "kit")


def on_trial(kit: type[ProviderKit], directories: pytest.TempPathFactory, name: str) -> Iterator[Probe]:
    """A service in a directory of its own, removed in the end whatever became of it."""
    if not hasattr(kit, "probe"):
        raise NotImplementedError("say `probe = ...` in your test class; see fleet_core.testing")
    # Not named after the test: sockets must have short paths.
    service = kit.probe(directories.mktemp("fleet"), name)
    try:
        yield service
    finally:
        service.clear()


def _refusal(service: Probe) -> Exception | None:
    try:
        kept_by(service)
    except Exception as refusal:
        return refusal
    return None


def quiet(report: str) -> None:
    """A report that nobody reads."""


def left_of(service: Probe) -> list[str]:
    """All that lasts of a service: what the probe knows of, and what lies in its directory."""
    return service.remains() + sorted(str(path) for path in service.directory.rglob("*"))


def kept_by(service: Probe) -> list[str]:
    """The texts that a service keeps, as one reads who logs in at its provider's url."""
    return service.read(service.make().url())


def keep(service: Probe, text: str) -> None:
    """Have a service keep a text."""
    service.write(service.make().url(), text)


def password_of(service: Probe) -> str:
    """The password in a service's url."""
    return urlsplit(service.make().url()).password or ""


def state_of(service: Probe) -> State:
    """What its provider says that it is, without hanging."""
    return promptly(service.make().status).state


def promptly(work: Callable[[], T]) -> T:
    """What work gives, or raises, that must answer soon whatever is wrong."""
    return _started(work)(PROMPT)


def patiently(work: Callable[[], T]) -> T:
    """What work gives, or raises, that must come to an end."""
    return started(work)()


def started(work: Callable[[], T]) -> Callable[[], T]:
    """Start work in a thread; what comes back waits for its result, and raises what it raised."""
    result = _started(work)
    return lambda: result(PATIENCE)


def _started(work: Callable[[], T]) -> Callable[[float], T]:
    results: list[T] = []
    faults: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as fault:
            faults.append(fault)

    # A daemon: a provider that hangs must not keep pytest from saying so.
    thread = threading.Thread(target=run, daemon=True)
    thread.start()

    def result(seconds: float) -> T:
        thread.join(seconds)
        assert not thread.is_alive(), f"it still hangs after {seconds:.0f} seconds"
        if faults:
            raise faults[0]
        return results[0]

    return result


def until(holds: Callable[[], bool], what: str) -> None:
    """Wait until something holds that must come about by itself."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, f"in vain: {what}"
        threading.Event().wait(0.02)
