"""What many tests need: the `fleet` command as a process, and distributions that are really installed."""

from functools import partial
from pathlib import Path

import pytest

from installing import HERE, RunFleet, install, install_wheel, run_fleet_in


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
