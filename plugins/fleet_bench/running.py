"""Runs the suites under pytest in a process of its own, where nothing else disturbs them.

Neither what this process has imported and opened does so, nor pytest settings of the folder one is in.
"""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Final, NamedTuple

from fleet_core.api import Catalog, FleetError, NotFound, Unavailable, Usage

NEEDED: Final = ("pytest", "pytest_benchmark")

SUITES: Final = Path(__file__).parent / "suites"

FIXTURES: Final = "fleet_bench.suites.fixtures"

PREFIX: Final = "FLEET_PLUGINS__"


class Wishes(NamedTuple):
    """What a run is to measure. `settings` leads from STORE.KEY to a value."""

    stores: Sequence[str]
    peers: Sequence[str]
    workloads: Sequence[str]
    settings: Mapping[str, str]
    place: Path
    quick: bool
    events: int | None
    rounds: int | None


def check_installed() -> None:
    """Say what is missing.

    Raises:
        Unavailable: pytest or pytest-benchmark is not installed.
    """
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise Unavailable(
            f"benchmarks need {' and '.join(missing).replace('_', '-')}, which is not installed",
            remedy="pip install 'fleettools[bench]'",
            missing=missing,
        )


def run_suites(wishes: Wishes, catalog: Catalog, path: Path) -> None:
    """Measure, and save the run in a file.

    Raises:
        FleetError: it broke off; with the last words of it.
    """
    with tempfile.TemporaryFile("w+") as talk:
        status = _run(_arguments(wishes, path), _environment(wishes, catalog), path.parent, talk)
        talk.seek(0)
        if status or not path.exists():
            words = [line[1:].strip() for line in talk if line.startswith("E  ")]
            raise FleetError(
                f"the suites broke off: {words[-1] if words else f'status {status}'}",
                remedy=f"run one by hand: python -m pytest -p {FIXTURES} {SUITES}/bench_appending.py",
            )


def _run(arguments: list[str], environment: dict[str, str], folder: Path, talk: IO[str]) -> int:
    """Run pytest to its end; gives its status. Interrupted, it cleans up before it ends."""
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", *arguments],
        env=environment,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=talk,
        process_group=0,  # so that it is interrupted once, by us: twice would keep it from cleaning up
    )
    try:
        return process.wait()
    except BaseException:
        process.send_signal(signal.SIGINT)
        process.wait()
        raise


def _arguments(wishes: Wishes, path: Path) -> list[str]:
    arguments = [
        "-q",
        "-s",
        "-p",
        "pytest_benchmark.plugin",
        "-p",
        FIXTURES,
        "-p",
        "no:cacheprovider",
        "-c",
        os.devnull,
    ]
    arguments += ["--rootdir", str(SUITES), "--import-mode=importlib", str(SUITES)]
    arguments += ["-o", "python_files=bench_*.py", "--place", str(wishes.place), "--save-run", str(path)]
    for option, names in (("store", wishes.stores), ("peer", wishes.peers), ("workload", wishes.workloads)):
        arguments += [f"--{option}={name}" for name in names]
    arguments += ["--quick"] if wishes.quick else []
    numbers = {"events": wishes.events, "rounds": wishes.rounds}
    return arguments + [f"--{name}={value}" for name, value in numbers.items() if value is not None]


def _environment(wishes: Wishes, catalog: Catalog) -> dict[str, str]:
    """Settings go by the environment, where no other user reads them."""
    off = ",".join(entry.spelling for entry in catalog.entries if catalog.is_off(entry))
    ours = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": "", "FLEET_WITHOUT": off}
    told = {PREFIX + key.upper().replace(".", "__", 1): value for key, value in wishes.settings.items()}
    return {**os.environ, **ours, **told}


def as_settings(texts: Sequence[str], catalog: Catalog) -> dict[str, str]:
    """`STORE.KEY=VALUE` as a mapping.

    Raises:
        Usage: a text is not of that form.
        NotFound: no store has that name.
    """
    settings = {}
    for text in texts:
        key, equals, value = text.partition("=")
        store, dot, name = key.partition(".")
        if not (equals and dot and name):
            raise Usage(
                f"--setting {key!r} is not STORE.KEY=VALUE", remedy="for instance sqlite.path=other.db"
            )
        catalog.find("fleet.stores", store)
        settings[key] = value
    return settings


def check_workloads(names: Sequence[str], known: Sequence[str]) -> None:
    """Refuse names that no workload has.

    Raises:
        NotFound: with those there are.
    """
    for name in names:
        if name not in known:
            raise NotFound(
                f"no workload is called {name!r}", remedy=f"there are {', '.join(known)}", name=name
            )
