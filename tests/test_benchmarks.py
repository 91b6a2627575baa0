"""The benchmarks run, and say of every demand how it stands. No time is judged here."""

import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from functools import partial
from pathlib import Path

import pytest

from benchmarks import coordination
from benchmarks.chart import chart
from benchmarks.gates import GATES
from benchmarks.rounds import Gate, Result, judge, table
from fleet_bench.arena import interleaved
from postgres_servers import SharedServer

ROOT = Path(__file__).parents[1]
FASTER = Gate("1", "speed <of> a & b", "memory append-1 a", "memory append-1 b", demand=0.5, stretch=0.8)
SOONER = Gate("2", "wait", "wait", None, demand=300, at_most=True, unit="ms")


@pytest.fixture(scope="module")
def quick(
    tmp_path_factory: pytest.TempPathFactory, postgres: SharedServer
) -> tuple[subprocess.CompletedProcess[str], Path]:
    output = tmp_path_factory.mktemp("benchmarks")
    command = [
        sys.executable,
        "-m",
        "benchmarks.ratios",
        "--quick",
        "--output",
        str(output),
        "--disk",
        str(output),
    ]
    environ = os.environ | {"FLEET_PLUGINS__POSTGRES__DSN": postgres.dsn}
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    return done, output


def test_a_quick_run_measures_every_gate(quick: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    done, _ = quick
    assert done.returncode == 0, done.stderr
    rows = {line.split()[0]: line for line in done.stdout.splitlines()[1 : len(GATES) + 1]}
    assert list(rows) == [gate.number for gate in GATES]
    assert not [line for line in rows.values() if "not measured" in line]


def test_a_quick_run_draws_every_gate(quick: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    words = "".join(ElementTree.parse(quick[1] / "performance.svg").getroot().itertext())
    assert not [gate.what for gate in GATES if gate.what not in words]


def test_a_quick_run_keeps_the_figures_of_every_gate(
    quick: tuple[subprocess.CompletedProcess[str], Path],
) -> None:
    kept = json.loads((quick[1] / "performance.json").read_text())
    assert all(kept["gates"][gate.number] for gate in GATES)


def test_the_suites_of_pytest_benchmark_run_for_every_installed_store(tmp_path: Path) -> None:
    command = [
        "-m",
        "pytest",
        "benchmarks",
        "--quick",
        "--rounds=1",
        "--benchmark-disable",
        "--place",
        str(tmp_path),
        "-q",
        "-p",
        "no:cacheprovider",
    ]
    done = subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_coordination_is_measured_on_a_small_log(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    command = ["--events", "3000", "--rounds", "3", "--json", str(figures), "--disk", str(tmp_path)]
    assert coordination.main(command) == 0
    lines = json.loads(figures.read_text())
    assert [line["verb"] for line in lines] == ["append", "reserve", "claim", "inbox", "ready"]
    assert all(line["events"] == 3000 and 0 < line["p50"] <= line["p99"] for line in lines)


def test_everyone_measures_once_in_a_round_and_begins_in_turn() -> None:
    turns: list[str] = []

    def measure(name: str) -> dict[str, float]:
        turns.append(name)
        return {name: float(len(turns))}

    figures = interleaved([partial(measure, name) for name in "abc"], 3)
    assert "".join(turns) == "abcbcacab"
    assert figures == {"a": [1, 6, 8], "b": [2, 4, 9], "c": [3, 5, 7]}


def test_a_ratio_is_the_median_of_those_within_a_round() -> None:
    figures = {"memory append-1 a": [10.0, 90.0, 20.0], "memory append-1 b": [10.0, 300.0, 10.0]}
    assert judge(FASTER, figures).values == [1.0, 0.3, 2.0]
    assert judge(FASTER, figures).measured == 1.0


@pytest.mark.parametrize(
    ("gate", "value", "verdict"),
    [
        (FASTER, 0.49, "MISSED"),
        (FASTER, 0.5, "met"),
        (FASTER, 0.8, "beyond"),
        (SOONER, 300, "met"),
        (SOONER, 301, "MISSED"),
    ],
)
def test_a_gate_is_met_from_its_demand_on(gate: Gate, value: float, verdict: str) -> None:
    assert Result(gate, [value]).verdict == verdict


def test_a_gate_without_figures_is_told_as_not_measured() -> None:
    results = [judge(FASTER, {}), judge(SOONER, {"wait": [12.0]})]
    assert [line.split()[-1] for line in table(results).splitlines()[1:]] == ["measured", "met"]
    assert "not measured" in chart(results, "here")


def test_the_chart_is_well_formed_whatever_the_words() -> None:
    drawn = chart([Result(FASTER, [0.6]), Result(SOONER, [5000.0])], "on <this> & that")
    words = "".join(ElementTree.fromstring(drawn).itertext())
    assert FASTER.what in words
    assert "on <this> & that" in words


@pytest.mark.parametrize("value", [-3.0, 0.0, 0.5, 1e9])
@pytest.mark.parametrize("at_most", [False, True])
def test_any_value_can_be_drawn(value: float, at_most: bool) -> None:
    """A busy machine measures nothing, or less than nothing, where one figure is taken from another."""
    result = Result(Gate("1", "what", "figure", None, 1.0, at_most=at_most), [value])
    assert ElementTree.fromstring(chart([result], "a note")).tag.endswith("svg")
