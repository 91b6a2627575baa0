"""A project on the real store, with a toy domain installed, and the command line in this process."""

import os
from pathlib import Path

import pytest

from installing import install
from sites import Site

DESCRIPTION = """
name = "toys"
version = "1.0"
files = {}
[entry_points."fleet.domains"]
boxes = "toys"
[entry_points."fleet.stores"]
bare = "toys"
twin = "fleet_sqlite.plugin"
[entry_points."fleet.providers"]
toy = "toy_services"
mute = "toy_services"
crashing = "toy_services"
nothing = "toy_services"
"""


@pytest.fixture(scope="session")
def toys_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory where the toy domain is installed."""
    folder = tmp_path_factory.mktemp("toys")
    description = folder / "toys.toml"
    description.write_text(DESCRIPTION)
    install(description, folder)
    return folder


@pytest.fixture
def outside(
    tmp_path: Path, toys_site: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Site:
    """The command line in a folder that belongs to no project."""
    for name in os.environ:
        if name.startswith("FLEET_") or name in ("NO_COLOR", "FORCE_COLOR"):
            monkeypatch.delenv(name)
    root = tmp_path / "apollo"
    root.mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    monkeypatch.syspath_prepend(str(toys_site))
    monkeypatch.chdir(root)
    return Site(root, toys_site, capsys)


@pytest.fixture
def project(outside: Site) -> Site:
    """The command line in a new project."""
    assert outside.run("init").status == 0
    return outside
