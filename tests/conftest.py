"""What many tests need: the `fleet` command as a process, and distributions that are really installed."""

import os
import signal
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

import machines
from fleet_core.cli import run
from installing import HERE, RunFleet, RunHere, install, install_wheel, run_fleet_in
from postgres_servers import SharedServer


def pytest_configure() -> None:
    machines.find_system_programs()
    # A shell that starts us in the background has us ignore Ctrl-C, and all our children with us.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def run_fleet(tmp_path: Path) -> RunFleet:
    """Runs `fleet` in a process of its own, in an empty folder unless told where."""
    return partial(run_fleet_in, cwd=tmp_path)


@pytest.fixture(scope="session")
def broken_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory where every kind of broken plugin is installed; see `tests/broken`."""
    site = tmp_path_factory.mktemp("broken")
    for description in sorted((HERE / "broken").glob("*.toml")):
        if description.stem != "clumsy":
            install(description, site)
    return site


@pytest.fixture(scope="session")
def clumsy_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a distribution whose commands load well and then fail."""
    site = tmp_path_factory.mktemp("clumsy")
    install(HERE / "broken" / "clumsy.toml", site)
    return site


@pytest.fixture(scope="session")
def outsider_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory where a stranger's distribution is installed from its own wheel; see `tests/outsider`."""
    wheels, site = tmp_path_factory.mktemp("wheels"), tmp_path_factory.mktemp("outsider")
    install_wheel(HERE / "outsider", wheels, site)
    return site


@pytest.fixture(scope="session")
def podman_machine() -> Iterator[None]:
    """Podman and the images of the tests are there, and nothing that a killed test run left behind."""
    machines.require()
    machines.sweep()
    yield
    machines.sweep()


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SharedServer]:
    """The PostgreSQL server of this test run; all workers share it."""
    base = tmp_path_factory.getbasetemp()
    server = SharedServer(base.parent if "PYTEST_XDIST_WORKER" in os.environ else base)
    yield server
    server.release()


@pytest.fixture
def here(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, clumsy_site: Path
) -> Iterator[RunHere]:
    """Runs a command line in this process, where the clumsy distribution is installed too."""
    for name in ("FLEET_WITHOUT", "FLEET_TRACEBACK", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.syspath_prepend(str(clumsy_site))

    def run_here(*arguments: str) -> tuple[int, str, str]:
        status = run(arguments)
        return status, *capsys.readouterr()

    yield run_here
    for name in [name for name in sys.modules if name.startswith("fleet_clumsy")]:
        del sys.modules[name]
