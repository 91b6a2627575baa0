"""`fleet doctor`: each check fails when it should, and none of them takes the others along."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import toys
from fleet_core.api import Batch, NewEvent, hookimpl, system_clock
from fleets import TestClock
from installing import install
from sites import THING, Site, settled


def checks(site: Site) -> dict[str, list[dict[str, Any]]]:
    """The results by name."""
    found: dict[str, list[dict[str, Any]]] = {}
    for result in site.run("doctor", "--json").data:
        found.setdefault(result["name"], []).append(result)
    return found


def result(site: Site, name: str) -> tuple[str, str, str]:
    """The only result of that name: status, detail and remedy."""
    (found,) = checks(site)[name]
    return found["status"], found["detail"], found["remedy"]


def test_a_new_project_is_in_order(project: Site) -> None:
    answer = project.run("doctor")
    assert (answer.status, answer.err) == (0, "")
    assert {line.split()[0] for line in answer.out.splitlines()[1:]} == {"ok"}


def test_the_header_names_versions(project: Site) -> None:
    assert project.run("doctor").out.splitlines()[0].startswith("Python 3.")
    assert {"Python", "fleettools", "click", "msgspec", "peewee", "pluggy", "pysqlite3"} <= set(
        json.loads(project.run("doctor", "--json").out)["versions"]
    )


def test_without_a_project_what_can_be_checked_is_checked(outside: Site) -> None:
    assert result(outside, "project")[0] == "fail"
    assert result(outside, "settings")[0] == "ok"
    assert outside.run("doctor").status == 10


def test_settings_that_are_wrong_are_a_failure_with_their_place(project: Site) -> None:
    (project.root / "fleet.toml").write_text("[store]\nbakend = 'memory'\n")
    status, detail, _ = result(project, "settings")
    assert status == "fail"
    assert "bakend" in detail


def test_settings_name_their_sources(project: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLEET_PROJECT__NAME", "Apollo")
    assert result(project, "settings")[1] == "from FLEET_PROJECT__NAME"


def test_a_store_that_does_not_open_is_a_failure_with_its_reason(project: Site) -> None:
    (project.root / "fleet.toml").write_text("[store]\nbackend = 'paper'\n")
    status, detail, remedy = result(project, "store")
    assert (status, "paper" in detail, "sqlite" in remedy) == ("fail", True, True)


def test_a_store_that_crashes_is_a_failure_too(project: Site) -> None:
    (project.root / ".fleet" / "events.db").write_bytes(b"not a database" * 100)
    assert result(project, "store")[0] == "fail"


def test_a_store_plugin_that_fails_in_its_own_way_is_a_failure_too(
    project: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    @hookimpl
    def fleet_open_store() -> None:
        raise ZeroDivisionError("no paper")

    monkeypatch.setattr(toys, "fleet_open_store", fleet_open_store)
    (project.root / "fleet.toml").write_text("[store]\nbackend = 'bare'\n")
    status, detail, _ = result(project, "store")
    assert status == "fail"
    assert "no paper" in detail


def test_data_open_to_others_are_worth_a_warning(project: Site) -> None:
    (project.root / ".fleet").chmod(0o755)
    status, _, remedy = result(project, "permissions")
    assert (status, remedy) == ("warn", f"chmod 700 {project.root / '.fleet'}")


def test_data_that_can_not_be_written_are_a_failure(project: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda path, mode: False)
    assert result(project, "permissions")[0] == "fail"


@pytest.mark.parametrize(
    ("free", "status"), [(5_000_000_000, "ok"), (999_000_000, "warn"), (99_000_000, "fail")]
)
def test_a_disk_is_judged_by_what_is_free(
    project: Site, monkeypatch: pytest.MonkeyPatch, free: int, status: str
) -> None:
    usage = shutil.disk_usage(project.root)._replace(free=free)
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage)
    assert result(project, "disk")[0] == status


def test_an_event_of_the_future_means_that_a_clock_is_wrong(project: Site) -> None:
    clock = TestClock()
    clock.now = system_clock() + 3_600_000_000
    with project.fleet(clock) as fleet:
        fleet.append(Batch(THING, [NewEvent(type="noted", data={})]))
    status, detail, _ = result(project, "clock")
    assert status == "fail"
    assert "in the future" in detail


def test_a_table_that_is_behind_is_worth_a_warning(outside: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as before:
        before.setenv("FLEET_WITHOUT", "domains:boxes")
        settled(outside.root, Batch(THING, [NewEvent(type="noted", data={})]))
    late = checks(outside)["projections"]
    assert ("warn", "boxes stands at position 0 of 1") in [(each["status"], each["detail"]) for each in late]


def test_every_broken_plugin_is_named_with_its_distribution(
    project: Site, broken_site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(broken_site))
    faults = checks(project)["plugins"]
    assert len(faults) >= 7
    assert all(fault["status"] == "fail" and fault["remedy"] for fault in faults)


SICKLY = """
name = "sickly"
version = "2.0"
[files]
"fleet_sickly.py" = '''
from fleet_core.checks import CheckResult

def careful(fleet):
    yield CheckResult(name="fuel", status="warn", detail="half empty", remedy="refuel")

def crashing(fleet):
    yield CheckResult(name="engine", status="ok", detail="runs")
    raise ZeroDivisionError("no engine")
'''
[entry_points."fleet.checks"]
careful = "fleet_sickly:careful"
crashing = "fleet_sickly:crashing"
gone = "fleet_sickly:gone"
"""


@pytest.fixture
def sickly(project: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """A project with a stranger's checks: one that warns, one that crashes, one that is not there."""
    description, site = tmp_path / "sickly.toml", tmp_path / "sickly"
    description.write_text(SICKLY)
    install(description, site)
    monkeypatch.syspath_prepend(str(site))
    return project


def test_a_strangers_check_is_one_like_any_other(sickly: Site) -> None:
    assert result(sickly, "fuel") == ("warn", "half empty", "refuel")


def test_a_check_that_crashes_is_a_failure_of_its_distribution(sickly: Site) -> None:
    status, detail, remedy = result(sickly, "crashing")
    assert status == "fail"
    assert "sickly 2.0" in detail
    assert "ZeroDivisionError: no engine" in detail
    assert "--without" in remedy


def test_a_check_that_is_not_there_is_a_failure_of_its_distribution(sickly: Site) -> None:
    status, detail, _ = result(sickly, "gone")
    assert (status, "sickly 2.0" in detail) == ("fail", True)


def test_a_check_that_is_switched_off_is_not_run(sickly: Site) -> None:
    answer = sickly.run("--without", "checks:crashing", "--without", "gone", "doctor", "--json")
    assert {"careful", "crashing", "gone"}.isdisjoint(each["name"] for each in answer.data)
    assert answer.status == 0


def test_people_see_what_to_do_behind_an_arrow(sickly: Site) -> None:
    lines = sickly.run("doctor").out.splitlines()
    assert any(line.split() == ["warn", "fuel", "half", "empty", "->", "refuel"] for line in lines)
