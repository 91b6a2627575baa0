"""`fleet migrate` as people and programs meet it, as a process of its own."""

import hashlib
import json
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from fleet_core.api import Query
from fleets import opened, unlike
from installing import FLEET, RunFleet, environment
from legacy_files import FROM_HTTP, SMALL, Content, large, one_of_each, written

WHOLE = 200 + 20_000 + 145 + 300 + 100
"""What the large file holds."""


@pytest.fixture
def project(run_fleet: RunFleet, tmp_path: Path) -> Path:
    assert run_fleet("init").returncode == 0
    return tmp_path


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def answered(run_fleet: RunFleet, *arguments: str) -> Any:
    ran = run_fleet(*arguments, "--json")
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)["data"]


def counts(answer: Any) -> dict[str, tuple[int, int, int]]:
    return {
        each["kind"]: (each["in_file"], each["imported"], each["already_there"]) for each in answer["counts"]
    }


def test_a_table_says_what_arrived_and_what_to_try_next(run_fleet: RunFleet, project: Path) -> None:
    ran = run_fleet("migrate", str(SMALL))
    assert ran.returncode == 0
    assert [line.split() for line in ran.stdout.splitlines()] == [
        ["KIND", "IN", "FILE", "IMPORTED", "ALREADY", "THERE"],
        ["mailboxes", "5", "5", "0"],
        ["events", "40", "40", "0"],
        ["cursors", "3", "3", "0"],
        ["locks", "6", "6", "0"],
        ["releases", "2", "2", "0"],
    ]
    assert "26 of 26 causes" in ran.stderr
    assert "Migrated: 56 facts" in ran.stderr


def test_what_it_says_to_try_next_works(run_fleet: RunFleet, project: Path) -> None:
    said = run_fleet("migrate", str(SMALL)).stderr
    proposals = [line.split() for line in said.splitlines() if line.startswith("  fleet ")]
    assert [words[1] for words in proposals] == ["log", "why", "status"]
    for words in proposals:
        ran = run_fleet(*words[1:])
        assert ran.returncode == 0, ran.stderr


def test_oddities_are_told_with_their_places(run_fleet: RunFleet, project: Path) -> None:
    said = run_fleet("migrate", str(SMALL)).stderr
    assert "Kept, once: data or metadata whose text is kept beside its value, first at" in said


def test_a_program_reads_counts_links_and_oddities(run_fleet: RunFleet, project: Path) -> None:
    answer = answered(run_fleet, "migrate", str(SMALL))
    assert counts(answer)["events"] == (40, 40, 0)
    assert (answer["links"], answer["links_resolved"], answer["position"]) == (26, 26, 57)
    assert answer["sha256"] == digest(SMALL)
    assert [oddity["count"] for oddity in answer["oddities"]] == [1]


def test_again_it_says_that_it_is_migrated_already(run_fleet: RunFleet, project: Path) -> None:
    run_fleet("migrate", str(SMALL))
    ran = run_fleet("migrate", str(SMALL))
    assert ran.returncode == 0
    assert "Already migrated" in ran.stderr
    assert answered(run_fleet, "store", "info")["events"] == 57


def test_an_empty_store_is_said_to_be_empty(run_fleet: RunFleet, project: Path) -> None:
    ran = run_fleet("migrate", str(written({}, project / "squawk.json")))
    assert ran.returncode == 0
    assert "there is nothing to migrate" in ran.stderr


def test_a_dry_run_records_nothing(run_fleet: RunFleet, project: Path) -> None:
    ran = run_fleet("migrate", str(SMALL), "--dry-run")
    assert ran.returncode == 0
    assert "Nothing was recorded. Without --dry-run, 56 facts would be." in ran.stderr
    assert answered(run_fleet, "store", "info")["events"] == 0


def test_every_bad_row_is_listed_and_nothing_recorded(run_fleet: RunFleet, project: Path) -> None:
    ran = run_fleet("migrate", str(FROM_HTTP))
    assert ran.returncode == 7
    assert '$.events["type-number"][0].type: must be text, got a number\n' in ran.stderr
    assert "8 faults" in ran.stderr
    assert sum(line.startswith("$.") for line in ran.stderr.splitlines()) == 8
    assert answered(run_fleet, "store", "info")["events"] == 0


def test_a_program_reads_all_faults(run_fleet: RunFleet, project: Path) -> None:
    content: Content = {"events": {"a": [{}] * 30}}
    ran = run_fleet("migrate", str(written(content, project / "squawk.json")), "--json")
    assert ran.returncode == 7
    assert len(json.loads(ran.stderr)["error"]["faults"]) == 120


def test_people_are_shown_some_of_very_many_faults(run_fleet: RunFleet, project: Path) -> None:
    ran = run_fleet("migrate", str(written({"events": {"a": [{}] * 30}}, project / "squawk.json")))
    assert sum(line.startswith("$.") for line in ran.stderr.splitlines()) == 20
    assert "and 100 more, which --json lists too" in ran.stderr


def test_a_row_recorded_otherwise_is_listed(run_fleet: RunFleet, project: Path) -> None:
    path = written(one_of_each(), project / "squawk.json")
    run_fleet("migrate", str(path))
    content = one_of_each()
    content["events"]["a"][0]["type"] = "Other"
    ran = run_fleet("migrate", str(written(content, path)))
    assert ran.returncode == 7
    assert "$.events.a[0]: has another type than the event recorded at position" in ran.stderr


@pytest.mark.parametrize("fixture", [SMALL, FROM_HTTP])
def test_the_file_is_never_changed(run_fleet: RunFleet, project: Path, fixture: Path) -> None:
    path = project / "squawk.json"
    path.write_bytes(fixture.read_bytes())
    path.chmod(0o444)
    before = path.stat()
    for arguments in ([], ["--dry-run"], []):
        run_fleet("migrate", str(path), *arguments)
    after = path.stat()
    assert digest(path) == digest(fixture)
    assert (before.st_mtime_ns, before.st_ino, before.st_mode) == (
        after.st_mtime_ns,
        after.st_ino,
        after.st_mode,
    )


def test_a_file_that_is_not_there_is_not_found(run_fleet: RunFleet, project: Path) -> None:
    ran = run_fleet("migrate", "nowhere.json")
    assert ran.returncode == 3
    assert "Traceback" not in ran.stderr


def test_outside_a_project_it_says_what_to_do(run_fleet: RunFleet) -> None:
    ran = run_fleet("migrate", str(SMALL))
    assert ran.returncode == 3
    assert "fleet init" in ran.stderr


def test_the_large_file_arrives_by_the_command(run_fleet: RunFleet, project: Path, large_file: Path) -> None:
    answer = answered(run_fleet, "migrate", str(large_file))
    assert counts(answer) == {
        "mailboxes": (200, 200, 0),
        "events": (20_000, 20_000, 0),
        "cursors": (145, 145, 0),
        "locks": (300, 300, 0),
        "releases": (100, 100, 0),
    }
    assert (answer["links"], answer["links_resolved"]) == (14_006, 14_006)
    assert run_fleet("projections", "verify").returncode == 0
    assert run_fleet("store", "verify").returncode == 0


@pytest.fixture(scope="module")
def large_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(large(), tmp_path_factory.mktemp("large") / "squawk.json")


@pytest.mark.parametrize("kilobytes", [0, 1000])
def test_a_killed_migration_leaves_all_or_nothing(project: Path, large_file: Path, kilobytes: int) -> None:
    """Killed when the write-ahead log has grown so far, if the process is not done by then."""
    process = subprocess.Popen(
        [FLEET, "migrate", str(large_file)],
        cwd=project,
        env=environment(HOME=str(project)),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wal = project / ".fleet" / "events.db-wal"
    pause, deadline = threading.Event(), time.monotonic() + 60
    while process.poll() is None and not _is_larger(wal, kilobytes * 1024) and time.monotonic() < deadline:
        pause.wait(0.001)
    process.kill()
    process.wait(30)
    with opened(project, "sqlite") as fleet:
        assert fleet.store.head() in (0, WHOLE + 1)
        assert unlike(fleet) == []


def _is_larger(path: Path, size: int) -> bool:
    return path.exists() and path.stat().st_size > size


def test_after_a_kill_the_next_run_finishes(run_fleet: RunFleet, project: Path, large_file: Path) -> None:
    test_a_killed_migration_leaves_all_or_nothing(project, large_file, 500)
    answer = answered(run_fleet, "migrate", str(large_file))
    assert sum(imported + there for _, imported, there in counts(answer).values()) == WHOLE
    with opened(project, "sqlite") as fleet:
        events = fleet.store.read(Query.of(stream_types=("squawk",)))
        assert len({event.id for event in events}) == 20_000
