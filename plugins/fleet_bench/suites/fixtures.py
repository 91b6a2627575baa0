"""What the suites need: everybody in one arena, and rounds that are told to pytest-benchmark."""

import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from fleet_bench import field, machine, results
from fleet_bench.arena import Arena, Match, Told
from fleet_bench.workloads import WORKLOADS
from fleet_bench.workloads.workload import FULL, QUICK, Scale

CHOSEN = pytest.StashKey[field.Field]()

PLACE: Final = "where the databases lie while they are measured; on the disk that matters"


class ToldClock:
    """Shows the times of rounds that are over.

    pytest-benchmark times a contestant's rounds one after another, but only rounds in which all take turns
    can be compared. So those are made first, and then told again, by this clock.
    """

    def __init__(self) -> None:
        self._now = 0.0

    def now(self) -> float:
        """The time, in seconds."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._now += seconds


CLOCK: Final = ToldClock()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Say who is measured, and how much."""
    group = parser.getgroup("fleet bench")
    group.addoption("--store", action="append", default=[], help="a store; repeatable, by default all")
    group.addoption("--peer", action="append", default=[], help="a peer; repeatable, by default all")
    group.addoption("--workload", action="append", default=[], help="a workload; repeatable, by default all")
    group.addoption("--quick", action="store_true", help="a smoke run; its figures mean nothing")
    group.addoption("--events", type=int, help=f"events there from the start; by default {FULL.events}")
    group.addoption("--rounds", type=int, help=f"rounds; by default {FULL.rounds}")
    group.addoption("--place", type=Path, default=Path(), help=PLACE)
    group.addoption("--save-run", type=Path, help="the file to save the run in, for `fleet bench compare`")


def pytest_configure(config: pytest.Config) -> None:
    """Gather everybody."""
    config.addinivalue_line("markers", "workloads(list): the workloads that a suite measures")
    config.stash[CHOSEN] = field.gather(
        config.getoption("--store"), config.getoption("--peer"), field.settings_in_force()
    )


def scale_of(config: pytest.Config) -> Scale:
    """How much work is asked for."""
    scale = QUICK if config.getoption("--quick") else FULL
    given = {name: config.getoption(f"--{name}") for name in ("events", "rounds")}
    return scale._replace(**{name: value for name, value in given.items() if value is not None})


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test for each workload of a suite and each contestant whom it suits."""
    marker = metafunc.definition.get_closest_marker("workloads")
    if marker is None:
        return
    wanted = metafunc.config.getoption("--workload")
    matches = [
        Match(workload, entrant.name)
        for workload in marker.args[0]
        for entrant in metafunc.config.stash[CHOSEN].entrants
        if workload.suits(entrant.type()) and (not wanted or workload.name in wanted)
    ]
    metafunc.parametrize(
        "match", matches, ids=[f"{each.workload.name}-{each.contestant}" for each in matches]
    )


def pytest_itemcollected(item: pytest.Item) -> None:
    """Times are told."""
    if item.get_closest_marker("workloads"):
        item.add_marker(pytest.mark.benchmark(timer=CLOCK.now))


@pytest.fixture(scope="session")
def arena(pytestconfig: pytest.Config) -> Iterator[Arena]:
    """Everybody, opened when first needed, closed at the end; then the run is saved."""
    before, scale = machine.load(), scale_of(pytestconfig)
    place, path = pytestconfig.getoption("--place"), pytestconfig.getoption("--save-run")
    tell = say if path else lambda text: None
    with tempfile.TemporaryDirectory(prefix=".fleet-bench-", dir=place) as directory:
        there = Path(directory).absolute()
        arena = Arena(pytestconfig.stash[CHOSEN], scale, there, field.settings_in_force(), tell)
        try:
            yield arena
        finally:
            arena.close()
        if path:
            about = machine.machine(there, before)
            results.save(
                results.run_of(arena, scale, WORKLOADS, about, pytestconfig.getoption("--quick")), path
            )


def say(text: str) -> None:
    """Tell who waits what goes on."""
    print(text, file=sys.__stderr__, flush=True)


@pytest.fixture
def told(arena: Arena, benchmark: BenchmarkFixture, pytestconfig: pytest.Config) -> Told:
    """Measures a workload, unless that is done, and tells pytest-benchmark what came of it."""

    asked = pytestconfig.getoption("--store")

    def tell(match: Match) -> None:
        arena.open_everybody()
        if not arena.absent.keys().isdisjoint(asked):
            pytest.exit("a store that was asked for can't be measured", returncode=0)
        rounds = arena.measured(match.workload).get(match.contestant)
        if rounds is None:
            pytest.skip(f"{match.contestant}: {arena.why_not(match.workload, match.contestant)}")
        turns = iter(rounds)
        benchmark.group = f"{match.workload.name}: {match.workload.what}"
        act: Callable[[], Any] = lambda: CLOCK.advance(next(turns).seconds)  # noqa: E731
        benchmark.pedantic(act, rounds=len(rounds))  # type: ignore[no-untyped-call]
        benchmark.extra_info.update(rounds[len(rounds) // 2].figures())

    return tell
