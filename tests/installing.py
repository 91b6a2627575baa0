"""Distributions that are really installed, and the `fleet` command as a process that sees them."""

import os
import subprocess
import sys
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path

HERE = Path(__file__).parent
FLEET = Path(sys.executable).with_name("fleet")

RunFleet = Callable[..., subprocess.CompletedProcess[str]]
RunHere = Callable[..., tuple[int, str, str]]
"""Gives the exit status, and what went to stdout and to stderr."""


def environment(*installed: Path, **variables: str) -> dict[str, str]:
    """The environment of a process that sees these installed distributions, and no settings of ours."""
    ours = ("FLEET_", "_FLEET_", "NO_COLOR", "FORCE_COLOR", "PYTHONPATH", "PYTHONUNBUFFERED")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return kept | {"PYTHONPATH": os.pathsep.join(map(str, installed))} | variables


def run_fleet_in(
    *arguments: str,
    cwd: Path,
    installed: tuple[Path, ...] = (),
    variables: Mapping[str, str] | None = None,
    **options: object,
) -> subprocess.CompletedProcess[str]:
    """Run `fleet` in a process of its own that sees these directories of installed distributions."""
    env = environment(*installed, HOME=str(cwd), **(variables or {}))
    return subprocess.run(  # type: ignore[call-overload,no-any-return]
        [FLEET, *arguments], env=env, cwd=cwd, text=True, capture_output=True, timeout=60, **options
    )


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


def install_wheel(source: Path, wheels: Path, site: Path) -> None:
    """Build a distribution's wheel in `wheels` and install it in `site`, with what is on this machine."""
    offline = ["--no-deps", "--no-index", "--quiet", "--disable-pip-version-check"]
    _pip("wheel", *offline, "--no-build-isolation", "--wheel-dir", str(wheels), str(source))
    (wheel,) = wheels.glob("*.whl")
    _pip("install", *offline, "--target", str(site), str(wheel))


def _pip(*arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pip", *arguments], text=True, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
