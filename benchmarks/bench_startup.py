"""Commands, each in a process of its own; the tables show wall-clock time, `extra_info` CPU time."""

from collections.abc import Sequence
from pathlib import Path
from statistics import median

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.startup import BARE, FLEET, FLOOR, cpu_ms, make_project
from fleet_core.errors import FleetError

COMMANDS: dict[str, Sequence[str | Path]] = {
    "bare Python": BARE,
    "click, pluggy and entry points": FLOOR,
    "fleet --help": [FLEET, "--help"],
    "fleet mission list": [FLEET, "mission", "list"],
}


@pytest.fixture(scope="module")
def environ(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a project."""
    try:
        return make_project(tmp_path_factory.mktemp("project"))
    except FleetError as error:
        pytest.skip(f"{error.message}; {error.remedy}")


@pytest.mark.parametrize("command", COMMANDS)
def test_cold_start(benchmark: BenchmarkFixture, environ: dict[str, str], command: str) -> None:
    """What a command costs before it does anything of use."""
    spent: list[float] = []
    act = lambda: spent.append(cpu_ms(COMMANDS[command], environ))  # noqa: E731
    benchmark.group = "cold start"
    benchmark.pedantic(act, rounds=15, warmup_rounds=1)  # type: ignore[no-untyped-call]
    benchmark.extra_info["CPU ms"] = round(median(spent), 1)
