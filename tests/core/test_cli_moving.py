"""`fleet store copy`: a project's events move to another store, whatever happens on the way."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fleet_core.api import Batch, NewEvent, Stream
from fleet_core.events import Row
from fleet_core.moving import BATCH, normal
from installing import environment
from sites import Site

STREAMS = 4


@pytest.fixture
def project(project: Site) -> Site:
    """A project in whose folder `twin` is another store."""
    use(project, "sqlite")
    return project


@pytest.fixture
def full(project: Site) -> Site:
    """A project with a log of several batches."""
    for number in range(STREAMS):
        project.record(
            *[NewEvent(type="box_noted", data={"n": n}, tags=(f"n{n % 9}",)) for n in range(BATCH)],
            stream=Stream("thing", f"t-{number}"),
        )
    return project


def logs(site: Site) -> tuple[list[Row], list[Row]]:
    """What the store in use and the twin read."""
    with site.fleet() as fleet:
        twin = fleet.open_store("twin")
        both = [normal(event) for event in fleet.store.read()], [normal(event) for event in twin.read()]
        twin.close()
    return both


def use(site: Site, store: str) -> None:
    config = site.root / "fleet.toml"
    config.write_text(f'[store]\nbackend = "{store}"\n[plugins.twin]\npath = "twin.db"\n')


def test_a_copy_holds_the_same_events_and_says_how_many(full: Site) -> None:
    answer = full.run("store", "copy", "--to", "twin", "--json")
    assert answer.status == 0
    count = STREAMS * BATCH
    assert answer.data == {"copied": count, "events": count, "streams": STREAMS, "head": count}
    here, there = logs(full)
    assert here == there


def test_the_copy_is_sound_and_its_tables_are_those_of_the_original(full: Site) -> None:
    full.run("store", "copy", "--to", "twin")
    before = full.run("status", "--json").data
    use(full, "twin")
    assert full.run("store", "verify").status == 0
    assert full.run("projections", "verify").status == 0
    assert full.run("status", "--json").data == {**before, "store": "twin"}


def test_a_sealed_store_refuses_writers_and_names_the_new_one(project: Site) -> None:
    project.record(NewEvent(type="box_noted", data={}))
    assert project.run("store", "copy", "--to", "twin", "--seal").status == 0
    refused = project.run("specialist", "register", "ada", "--name", "Ada")
    assert refused.status == 8
    assert "moved to store 'twin'" in refused.err


def test_the_new_store_takes_events_after_the_move_and_the_way_back_is_open(project: Site) -> None:
    project.record(NewEvent(type="box_noted", data={}))
    project.run("store", "copy", "--to", "twin", "--seal")
    use(project, "twin")
    assert project.run("specialist", "register", "ada", "--name", "Ada").status == 0
    assert project.run("store", "copy", "--to", "sqlite", "--seal").status == 0
    use(project, "sqlite")
    assert project.run("specialist", "register", "bob", "--name", "Bob").status == 0
    listed = project.run("specialist", "list", "--json").data
    assert [each["specialist_id"] for each in listed] == ["ada", "bob"]


def test_a_seal_can_be_taken_off(project: Site) -> None:
    project.run("store", "copy", "--to", "twin", "--seal")
    assert project.run("store", "unseal").status == 0
    assert project.run("specialist", "register", "ada", "--name", "Ada").status == 0


def test_the_store_in_use_is_no_target(project: Site) -> None:
    refused = project.run("store", "copy", "--to", "sqlite")
    assert refused.status == 2
    assert "is the store in use" in refused.err


def test_the_store_in_use_is_no_target_by_another_name_either(project: Site) -> None:
    (project.root / "fleet.toml").unlink()
    refused = project.run("store", "copy", "--to", "twin", "--seal")
    assert refused.status == 2
    assert "is the store in use" in refused.err
    assert project.run("specialist", "register", "ada", "--name", "Ada").status == 0


def test_an_unknown_target_is_not_found(project: Site) -> None:
    assert project.run("store", "copy", "--to", "nowhere").status == 3


KILLED_WHILE_LOADING = """
import os, signal, sys
from fleet_core.fleet import Fleet
from fleet_core import moving

def end(position):
    if position >= {after}:
        os.kill(os.getpid(), signal.SIGKILL)

with Fleet.open() as fleet:
    moving.copy(fleet.store, fleet.open_store("twin"), end)
"""


@pytest.mark.parametrize("batches", [1, 2, 3])
def test_a_copy_whose_process_is_killed_is_finished_by_the_next(full: Site, batches: int) -> None:
    code = KILLED_WHILE_LOADING.format(after=batches * BATCH)
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=full.root, env=environment(full.installed), check=False
    )
    assert run.returncode == -signal.SIGKILL
    here, there = logs(full)
    assert there == here[: batches * BATCH]
    assert full.run("store", "copy", "--to", "twin").status == 0
    here, there = logs(full)
    assert here == there


def test_events_recorded_during_the_copy_are_in_the_next(full: Site, tmp_path: Path) -> None:
    full.run("store", "copy", "--to", "twin")
    with full.fleet() as fleet:
        fleet.append(Batch(Stream("thing", "new"), [NewEvent(type="box_noted", data={})]))
    assert full.run("store", "copy", "--to", "twin", "--json").data["copied"] == 1
