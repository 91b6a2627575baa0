"""What many tests need: the `fleet` command as a process, and distributions that are really installed."""

import os
import subprocess
import sys
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

HERE = Path(__file__).parent
FLEET = Path(sys.executable).with_name("fleet")

RunFleet = Callable[..., subprocess.CompletedProcess[str]]


def environment(*installed: Path, **variables: str) -> dict[str, str]:
    """The environment of a process that sees these installed distributions, and no settings of ours."""
    ours = ("FLEET_", "_FLEET_", "NO_COLOR", "FORCE_COLOR", "PYTHONPATH")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return kept | {"PYTHONPATH": os.pathsep.join(map(str, installed))} | variables


@pytest.fixture
def run_fleet(tmp_path: Path) -> RunFleet:
    """Runs `fleet` in a process of its own, in an empty folder unless told where."""

    def run(
        *arguments: str,
        installed: tuple[Path, ...] = (),
        variables: Mapping[str, str] | None = None,
        cwd: Path = tmp_path,
        **options: object,
    ) -> subprocess.CompletedProcess[str]:
        env = environment(*installed, HOME=str(tmp_path), **(variables or {}))
        return subprocess.run(  # type: ignore[call-overload,no-any-return]
            [FLEET, *arguments], env=env, cwd=cwd, text=True, capture_output=True, timeout=60, **options
        )

    return run


def install(description: Path, site: Path) -> None:
    """Lay a distribution out in a directory as an installer does: its files, and its metadata beside them.

    `description` is TOML: `name`, `version`, `entry_points`, `files`, and further lines of `metadata`.
    """
    distribution = tomllib.loads(description.read_text())
    name, version = distribution["name"], distribution["version"]
    lines = [
        "Metadata-Version: 2.1",
        f"Name: {name}",
        f"Version: {version}",
        *distribution.get("metadata", []),
    ]
    info = f"{name.replace('-', '_')}-{version}.dist-info"
    files = distribution["files"] | {
        f"{info}/METADATA": "\n".join(lines) + "\n",
        f"{info}/entry_points.txt": _entry_points(distribution["entry_points"]),
    }
    for place, text in files.items():
        path = site / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def _entry_points(groups: Mapping[str, Mapping[str, str]]) -> str:
    sections = (
        f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in entries.items())
        for group, entries in groups.items()
    )
    return "\n".join(sections)


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
    offline = ["--no-deps", "--no-index", "--quiet", "--disable-pip-version-check"]
    source = str(HERE / "outsider")
    _pip("wheel", *offline, "--no-build-isolation", "--wheel-dir", str(wheels), source)
    (wheel,) = wheels.glob("*.whl")
    _pip("install", *offline, "--target", str(site), str(wheel))
    return site


def _pip(*arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pip", *arguments], text=True, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
