"""`fleet bench`: whom it measures, what it tells, and when it says that something has changed."""

import json
import signal
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import msgspec
import pytest

from fleet_bench.comparison import compare
from fleet_bench.contestants import Unfit
from fleet_bench.limits.sqlite import SqliteDriver
from fleet_bench.machine import Machine
from fleet_bench.noise import FEWEST, change, spread_of
from fleet_bench.processes import clients, race
from fleet_bench.results import Result, Run, Who, load_run, save
from fleet_bench.schedule import Schedule, initial_streams
from fleet_bench.stores import StoreContestant
from fleet_bench.workloads import WORKLOADS
from fleet_bench.workloads.crowds import claims, mixed
from fleet_bench.workloads.workload import QUICK
from fleet_core.api import Invalid, NotFound, ProblemsFound, Unavailable, Usage
from installing import FLEET, RunFleet, environment, run_fleet_in
from postgres_servers import SharedServer

STEADY = [100.0, 101.0, 99.0, 100.5, 99.5, 100.2]
NOISY = [100.0, 180.0, 60.0, 140.0, 75.0, 110.0]


@pytest.fixture(scope="module")
def measured(
    tmp_path_factory: pytest.TempPathFactory, outsider_site: Path
) -> tuple[subprocess.CompletedProcess[str], Path]:
    """A quick run of the memory store, a stranger's and the default one, kept and drawn."""
    folder = tmp_path_factory.mktemp("bench")
    stores = ["--store", "memory", "--store", "jsonl", "--store", "sqlite"]
    files = ["--save", "run.json", "--chart", "run.svg"]
    done = run_fleet_in("bench", "--quick", "--json", *stores, *files, cwd=folder, installed=(outsider_site,))
    assert done.returncode == 0, done.stderr
    return done, folder


@pytest.fixture(scope="module")
def run(measured: tuple[subprocess.CompletedProcess[str], Path]) -> dict[str, Any]:
    return dict(json.loads(measured[0].stdout)["data"]["run"])


def results_of(run: dict[str, Any], contestant: str) -> dict[str, dict[str, list[float]]]:
    return {each["workload"]: each for each in run["results"] if each["contestant"] == contestant}


@pytest.mark.parametrize("store", ["memory", "sqlite", "jsonl"])
def test_every_store_does_every_workload_that_suits_it(run: dict[str, Any], store: str) -> None:
    excused = {"memory": {"claims-processes"}, "sqlite": set(), "jsonl": {"rebuild"}}
    done = set(results_of(run, store))
    assert done == {workload.name for workload in WORKLOADS} - excused[store]


def test_every_figure_of_every_round_is_kept(run: dict[str, Any]) -> None:
    assert run["rounds"] == QUICK.rounds
    for result in run["results"]:
        for figure in ("rate", "p50_ms", "p99_ms", "cpu_us"):
            assert len(result[figure]) == QUICK.rounds
        assert all(p50 <= p99 for p50, p99 in zip(result["p50_ms"], result["p99_ms"], strict=True))


def test_stores_are_put_beside_the_driver_and_the_peer_of_the_same_run(
    measured: tuple[subprocess.CompletedProcess[str], Path],
) -> None:
    ratios = json.loads(measured[0].stdout)["data"]["ratios"]
    found = {(each["contestant"], each["rival"]) for each in ratios if each["workload"] == "many-streams"}
    stores, rivals = ("memory", "sqlite", "jsonl"), ("sqlite driver", "eventsourcing", "eventsourcing app")
    assert found >= {(store, rival) for store in stores for rival in rivals}


def test_a_run_names_machine_versions_and_how_the_disk_is_waited_for(run: dict[str, Any]) -> None:
    machine = run["machine"]
    assert machine["processor"]
    assert machine["cores"] >= 1
    assert machine["file_system"]
    assert machine["python"].split()[1] == sys.version.split()[0]
    assert {"fleettools", "eventsourcing"} <= set(machine["packages"])
    (sqlite,) = [who for who in run["contestants"] if who["name"] == "sqlite"]
    assert sqlite["details"]["synchronous"] == "full"


def test_the_size_of_an_event_is_told_of_whoever_keeps_files(run: dict[str, Any]) -> None:
    sizes = {who["name"]: who["bytes_per_event"] for who in run["contestants"]}
    assert sizes["memory"] is None
    assert all(sizes[name] > 100 for name in ("sqlite", "jsonl", "sqlite driver", "eventsourcing"))


def test_a_peer_that_is_not_installed_is_one_line_and_no_error(run: dict[str, Any]) -> None:
    reasons = {each["name"]: each["reason"] for each in run["missing"]}
    assert reasons["umadb"] == "not installed: pip install umadb"
    assert reasons["memory: claims-processes"] == "each process has a log of its own"


def test_nothing_is_left_behind_but_what_was_asked_for(
    measured: tuple[subprocess.CompletedProcess[str], Path],
) -> None:
    assert sorted(path.name for path in measured[1].iterdir()) == ["run.json", "run.svg"]


def test_the_chart_shows_everybody(
    measured: tuple[subprocess.CompletedProcess[str], Path], run: dict[str, Any]
) -> None:
    root = ElementTree.parse(measured[1] / "run.svg").getroot()
    words = list(root.itertext())
    assert root.tag.endswith("svg")
    assert {who["name"] for who in run["contestants"]} <= set(words)
    assert len(root.findall("{*}rect")) == len(run["results"])


def test_people_get_a_table_for_each_workload(run_fleet: RunFleet) -> None:
    done = run_fleet(
        "bench", "--quick", "--store", "memory", "--peer", "eventsourcing", "--workload", "hot-stream"
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "hot-stream: single events, all to one stream"
    assert lines[1].split("  ")[0] == "WHO"
    assert [line.split("  ")[0] for line in lines[2:6]] == [
        "memory",
        "eventsourcing",
        "eventsourcing app",
        "sqlite driver",
    ]
    assert "a quick run" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["--store", "nope"], 3, "no store is called 'nope'"),
        (["--peer", "nope"], 3, "no peer is called 'nope'"),
        (["--workload", "nope"], 3, "no workload is called 'nope'"),
        (["--setting", "nope.key=1"], 3, "no store is called 'nope'"),
        (["--setting", "sqlite"], 2, "STORE.KEY=VALUE"),
        (["--quick", "--store", "postgres"], 8, "does not say where the database is"),
        (["compare", "nope.json", "nope.json"], 3, "there is no file nope.json"),
    ],
)
def test_what_can_not_be_is_refused_with_the_reason(
    run_fleet: RunFleet, arguments: list[str], status: int, words: str
) -> None:
    done = run_fleet("bench", *arguments)
    assert done.returncode == status, done.stderr
    assert words in done.stderr


def test_without_the_extra_the_remedy_is_told(run_fleet: RunFleet, tmp_path: Path) -> None:
    """In a process in which the distributions of the extra can't be found."""
    code = (
        "import sys, importlib.util as util\n"
        "found = util.find_spec\n"
        "util.find_spec = lambda name, *rest: None if name.startswith('pytest') else found(name, *rest)\n"
        "from fleet_core.cli import main\n"
        "sys.argv = ['fleet', 'bench', '--store', 'memory']\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 8
    assert "benchmarks need pytest and pytest-benchmark" in done.stderr
    assert "pip install 'fleettools[bench]'" in done.stderr


def test_the_list_names_contestants_and_workloads(run_fleet: RunFleet) -> None:
    done = run_fleet("bench", "--list", "--json")
    kinds = {each["name"]: each["kind"] for each in json.loads(done.stdout)["data"]}
    assert kinds["sqlite"] == "store"
    assert kinds["sqlite driver"] == "limit"
    assert kinds["eventsourcing"] == "peer"
    assert kinds["umadb"] == "absent"
    assert all(kinds[workload.name] == "workload" for workload in WORKLOADS)


def test_a_log_that_holds_events_is_never_measured(tmp_path: Path) -> None:
    StoreContestant("sqlite", tmp_path, preload=100).close()
    with pytest.raises(Usage, match="lead to a log that holds events"):
        StoreContestant("sqlite", tmp_path)


def test_postgresql_is_measured_and_nothing_of_it_stays(run_fleet: RunFleet, postgres: SharedServer) -> None:
    done = run_fleet(
        *("bench", "--quick", "--json", "--store", "postgres", "--setting", f"postgres.dsn={postgres.dsn}"),
        *("--workload", "many-streams", "--workload", "heartbeats", "--workload", "batches-100"),
    )
    assert done.returncode == 0, done.stderr
    run = json.loads(done.stdout)["data"]["run"]
    who = {each["name"]: each for each in run["contestants"]}
    assert who["postgres"]["limit"] == "psycopg"
    assert {"psycopg one lock", "eventsourcing pg", "eventsourcing pg app"} <= set(who)
    assert all(len(results_of(run, name)) == 3 for name in ("postgres", "psycopg", "eventsourcing pg"))
    import psycopg

    with psycopg.connect(postgres.dsn) as connection:
        left = connection.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'fleet%'").fetchall()
        assert left == []


def test_whoever_interrupts_a_run_leaves_nothing_behind(tmp_path: Path) -> None:
    bench = subprocess.Popen(
        [FLEET, "bench", "--store", "sqlite", "--events", "100", "--rounds", "100000"],
        cwd=tmp_path,
        env=environment(),
        stderr=subprocess.PIPE,
        text=True,
    )
    assert bench.stderr is not None
    assert any(line.startswith("many-streams") for line in bench.stderr)
    assert list(tmp_path.iterdir())
    bench.send_signal(signal.SIGINT)
    bench.communicate(timeout=60)
    assert bench.returncode == 130
    assert list(tmp_path.iterdir()) == []


# The workloads themselves.


class Careless(StoreContestant):
    """A store that lets everybody win."""

    def append(self, call: Any) -> None:
        pass


class Forgetful(StoreContestant):
    """A store whose readers miss an event now and then."""

    def tail(self, after: int, timeout: float) -> list[int]:
        return super().tail(after, timeout)[:-1]


def test_claims_that_are_won_twice_are_noticed(tmp_path: Path) -> None:
    with pytest.raises(ProblemsFound, match="claims were won"):
        claims(Careless("memory", tmp_path), QUICK)


def test_events_that_readers_miss_are_noticed(tmp_path: Path) -> None:
    with pytest.raises(ProblemsFound, match="a reader missed"):
        mixed(Forgetful("memory", tmp_path), QUICK)


def test_every_claim_of_several_processes_is_won_once(tmp_path: Path) -> None:
    contestant = StoreContestant("sqlite", tmp_path, preload=100)
    calls = [contestant.ready(contestant.schedule.claims(10))] * 4
    with clients(4) as rivals:
        seen = race(rivals, contestant.door(), calls, refusals=contestant.refusals())
    contestant.close()
    assert seen.wins == 10
    assert len(seen.waits) == 40


def test_what_clients_do_to_get_warm_is_not_counted(tmp_path: Path) -> None:
    contestant = StoreContestant("sqlite", tmp_path, preload=100)
    with clients(2) as writers:
        for number in range(2):  # the same processes, one race after another
            following = contestant.schedule.following
            calls = [contestant.ready(following(f"{number} {each}", 5)) for each in range(2)]
            seen = race(writers, contestant.door(), calls, warm_up=2)
            assert (seen.wins, len(seen.waits)) == (6, 6)
    assert contestant.events() == 120
    contestant.close()


def test_a_client_that_fails_says_why(tmp_path: Path) -> None:
    contestant = StoreContestant("sqlite", tmp_path, preload=100)
    calls = [contestant.ready(contestant.schedule.claims(1))] * 2
    with clients(2) as rivals, pytest.raises(Unavailable, match="VersionConflict"):
        race(rivals, contestant.door(), calls)
    contestant.close()


def test_a_store_of_one_process_is_no_case_for_several(tmp_path: Path) -> None:
    contestant = StoreContestant("memory", tmp_path, preload=100)
    with clients(1) as rivals, pytest.raises(Unfit, match="a log of its own"):
        race(rivals, contestant.door(), [[]])


def test_the_driver_writes_the_rows_that_the_store_writes(tmp_path: Path) -> None:
    driver = SqliteDriver(tmp_path / "raw", 300, source=tmp_path / "source")
    for call in driver.ready(driver.schedule.calls(1, 5)):
        driver.append(call)
    assert driver.events() == 305
    assert driver.read_log() == 305
    assert driver.read_stream(initial_streams(300)[0]) == 100
    assert len(driver.tail(300, 0)) == 5
    driver.close()


def test_two_schedules_write_the_same_to_the_same_streams() -> None:
    assert said_by(Schedule()) == said_by(Schedule())


def said_by(schedule: Schedule) -> list[tuple[str, int, object]]:
    writes = [
        *schedule.calls(1, 5),
        *schedule.claims(3),
        *schedule.following("one", 2),
        *schedule.calls(100, 1),
    ]
    return [(write.stream_id, write.expected, [new.data for new in write.events]) for write in writes]


# What has changed between two runs.


def run_with(rates: dict[str, list[float]], processor: str = "one", limit: str | None = "driver") -> Run:
    """A run in which the store and others did `many-streams` at these rates."""

    def waits(rate: list[float]) -> list[float]:
        return [1000 / each for each in rate]

    return Run(
        format=1,
        quick=False,
        machine=Machine(
            date="2026-01-02T10:00:04Z",
            processor=processor,
            cores=2,
            system="Linux",
            file_system="ext4",
            python="CPython 3.11",
            sqlite="3.53",
            packages={},
            load=[0.1, 1.0],
        ),
        events=1000,
        rounds=6,
        workloads={"many-streams": "what"},
        contestants=[
            Who(name="store", kind="store", what="", limit=limit),
            Who(name="driver", kind="limit", what=""),
        ],
        results=[
            Result(
                workload="many-streams",
                contestant=name,
                rate=rate,
                p50_ms=waits(rate),
                p99_ms=waits(rate),
                cpu_us=waits(rate),
            )
            for name, rate in rates.items()
        ],
        missing=[],
    )


def verdicts(before: Run, after: Run) -> set[str]:
    return {each.verdict for each in compare(before, after).findings}


def times(factor: float, rates: list[float]) -> list[float]:
    return [factor * rate for rate in rates]


def test_a_run_compared_with_itself_has_not_changed() -> None:
    steady = run_with({"store": STEADY, "driver": STEADY})
    assert verdicts(steady, steady) == {"same"}


def test_a_run_is_never_slower_or_faster_than_itself_however_noisy() -> None:
    noisy = run_with({"store": NOISY})
    assert verdicts(noisy, noisy) == {"can't tell"}


def test_a_store_that_became_slower_is_marked_in_every_figure() -> None:
    before, after = (run_with({"store": rates, "driver": STEADY}) for rates in (STEADY, times(0.7, STEADY)))
    assert verdicts(before, after) == {"slower"}
    assert len(compare(before, after).slower) == 3


def test_a_store_that_became_faster_is_marked() -> None:
    before, after = (run_with({"store": rates, "driver": STEADY}) for rates in (STEADY, times(1.4, STEADY)))
    assert verdicts(before, after) == {"faster"}


def test_a_change_within_the_noise_can_not_be_told() -> None:
    assert verdicts(run_with({"store": NOISY}), run_with({"store": times(0.8, NOISY)})) == {"can't tell"}


def test_noise_of_one_run_is_enough_not_to_tell() -> None:
    assert verdicts(run_with({"store": STEADY}), run_with({"store": times(0.8, NOISY)})) == {"can't tell"}


def test_a_machine_in_another_mood_is_no_change_of_the_store() -> None:
    slow = times(0.5, STEADY)
    before, after = run_with({"store": STEADY, "driver": STEADY}), run_with({"store": slow, "driver": slow})
    assert verdicts(before, after) == {"same"}
    assert {each.verdict for each in compare(before, after).yardsticks} == {"slower"}


def test_without_a_yardstick_another_machine_tells_nothing() -> None:
    before, after = run_with({"store": STEADY}), run_with({"store": times(0.5, STEADY)}, processor="other")
    found = compare(before, after)
    assert {each.verdict for each in found.findings} == {"can't tell"}
    assert not found.same_machine
    assert found.differences == ["processor: one before, other after"]


def test_with_a_yardstick_another_machine_can_be_compared() -> None:
    before = run_with({"store": STEADY, "driver": STEADY})
    after = run_with({"store": times(0.2, STEADY), "driver": times(0.5, STEADY)}, processor="other")
    assert verdicts(before, after) == {"slower"}


def test_few_rounds_tell_nothing() -> None:
    few = STEADY[: FEWEST - 1]
    found = compare(run_with({"store": few}), run_with({"store": times(0.1, few)}))
    assert {(each.verdict, each.why) for each in found.findings} == {("can't tell", "fewer than 5 rounds")}


def test_a_small_change_is_none_however_sure() -> None:
    assert change(STEADY, times(0.97, STEADY)).verdict == "same"


@pytest.mark.parametrize(("count", "left_out"), [(5, 0), (6, 0), (9, 1), (11, 1), (12, 2), (20, 5)])
def test_the_interval_of_a_median_is_that_of_the_order_statistics(count: int, left_out: int) -> None:
    """As printed tables of the sign test give it for 95 %."""
    values = [float(each) for each in range(count)]
    assert spread_of(values)[1:] == (values[left_out], values[-1 - left_out])


def test_a_saved_run_is_read_as_it_was(tmp_path: Path) -> None:
    run = run_with({"store": STEADY})
    save(run, tmp_path / "run.json")
    assert load_run(tmp_path / "run.json") == run


@pytest.mark.parametrize("text", ["", "{}", '{"format": 1, "machine": []}', "\xff"])
def test_a_file_that_holds_no_run_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "run.json").write_text(text, encoding="latin-1")
    with pytest.raises(Invalid, match="holds no benchmark run"):
        load_run(tmp_path / "run.json")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"run\.json"):
        load_run(tmp_path / "run.json")


def test_slower_is_told_to_people_and_to_programs(run_fleet: RunFleet, tmp_path: Path) -> None:
    before = run_with({"store": STEADY, "driver": STEADY})
    save(before, tmp_path / "before.json")
    save(run_with({"store": times(0.5, STEADY), "driver": STEADY}), tmp_path / "after.json")
    told = run_fleet("bench", "compare", "before.json", "after.json")
    assert told.returncode == 10
    assert told.stdout.splitlines()[1].split()[:5] == ["slower", "many-streams", "store", "speed", "0.50x"]
    assert "3 slower, 0 faster, 0 same, 0 can't tell" in told.stdout
    assert "measure again" in told.stderr
    asked = run_fleet("bench", "compare", "before.json", "after.json", "--json")
    assert {each["verdict"] for each in json.loads(asked.stdout)["data"]["findings"]} == {"slower"}


def test_nothing_slower_is_a_success(run_fleet: RunFleet, tmp_path: Path) -> None:
    save(run_with({"store": STEADY, "driver": STEADY}), tmp_path / "run.json")
    done = run_fleet("bench", "compare", "run.json", "run.json")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "Of the stores' figures: 0 slower, 0 faster, 3 same, 0 can't tell\n"


def test_a_saved_run_is_what_the_schema_says(measured: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    kept = msgspec.json.decode((measured[1] / "run.json").read_bytes())
    assert kept["format"] == 1
    assert msgspec.convert(kept, Run) == load_run(measured[1] / "run.json")
