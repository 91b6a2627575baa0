"""The demo, as a person runs it: in a process of its own, on a real store."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HOSTILE = {"FLEET_STORE__BACKEND": "memory", "FLEET_DIR": "/nonexistent/never", "FORCE_COLOR": ""}
"""Surroundings that the demo must not mind."""


def fleet(*arguments: str, cwd: Path, **environ: str) -> "subprocess.CompletedProcess[str]":
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FLEET_")}
    return subprocess.run(
        [sys.executable, "-c", "from fleet_core.cli import main; main()", *arguments],
        cwd=cwd,
        env=kept | environ,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A day that was played once and kept, with its summary."""
    folder = tmp_path_factory.mktemp("demo") / "kept"
    ran = fleet("demo", "--keep", str(folder), "--json", cwd=folder.parent)
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr == ""
    return folder, json.loads(ran.stdout)["data"]


def scene_of(summary: dict[str, Any], fact: str) -> dict[str, Any]:
    """The scene that knows a fact."""
    found: dict[str, Any] = next(scene for scene in summary["scenes"] if fact in scene)
    return found


def test_one_of_two_wins_the_sortie_and_the_other_is_told_why(kept: tuple[Path, dict[str, Any]]) -> None:
    scene = scene_of(kept[1], "winner")
    assert {scene["winner"], scene["refused"]} == {"ada", "bo"}
    assert f"belongs to {scene['winner']}, not to {scene['refused']}" in scene["message"]


def test_every_event_acknowledged_before_the_crash_is_in_the_log(kept: tuple[Path, dict[str, Any]]) -> None:
    folder, summary = kept
    acknowledged = scene_of(summary, "acknowledged")["acknowledged"]
    assert len(acknowledged) >= 9
    log = json.loads(fleet("log", "--json", "--limit", "1000", cwd=folder).stdout)["data"]
    assert set(acknowledged) <= {event["id"] for event in log}


def test_the_sortie_goes_on_with_the_other_specialist(kept: tuple[Path, dict[str, Any]]) -> None:
    folder, summary = kept
    ran = fleet("sortie", "show", "tokens", "--json", cwd=folder)
    sortie = json.loads(ran.stdout)["data"]
    assert (
        sortie["assigned_to"]
        == scene_of(summary, "goes_on")["goes_on"]
        == scene_of(summary, "winner")["refused"]
    )
    assert (sortie["status"], sortie["progress"]) == ("completed", 100)


def test_a_late_word_of_the_one_who_was_killed_is_refused_and_recorded(
    kept: tuple[Path, dict[str, Any]],
) -> None:
    folder, summary = kept
    log = json.loads(fleet("log", "--json", "--limit", "1000", cwd=folder).stdout)["data"]
    [fenced] = [event for event in log if event["type"] == "write_fenced"]
    assert fenced["data"]["holder"] == scene_of(summary, "winner")["winner"]


def test_the_moment_before_the_crash_can_be_visited(kept: tuple[Path, dict[str, Any]]) -> None:
    folder, summary = kept
    as_of = str(scene_of(summary, "as_of")["as_of"])
    sortie = json.loads(fleet("sortie", "show", "tokens", "--as-of", as_of, "--json", cwd=folder).stdout)[
        "data"
    ]
    assert (sortie["assigned_to"], sortie["status"]) == (scene_of(summary, "winner")["winner"], "in_progress")


def test_the_chain_of_causes_leads_back_to_the_mission(kept: tuple[Path, dict[str, Any]]) -> None:
    chain = [each["type"] for each in scene_of(kept[1], "chain")["chain"]]
    assert (chain[0], chain[-1]) == ("mission_created", "sortie_completed")
    assert chain.count("sortie_started") == 2


def test_what_the_demo_leaves_behind_is_sound(kept: tuple[Path, dict[str, Any]]) -> None:
    folder = kept[0]
    assert fleet("store", "verify", cwd=folder).returncode == 0
    assert fleet("projections", "verify", cwd=folder).returncode == 0


def test_people_see_a_story_without_escape_codes_or_noise(tmp_path: Path) -> None:
    ran = fleet("demo", cwd=tmp_path, **HOSTILE)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "\x1b" not in ran.stdout
    headings = [line for line in ran.stdout.splitlines() if line[:1].isdigit()]
    assert [heading.split(".")[0] for heading in headings] == [str(number) for number in range(1, 9)]
    assert "fleet init" in ran.stdout
    assert max(map(len, ran.stdout.splitlines())) <= 120


def test_nothing_is_left_behind_unless_asked_for(tmp_path: Path) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    ran = fleet("demo", "--json", cwd=tmp_path, TMPDIR=str(temporary))
    assert json.loads(ran.stdout)["data"]["directory"].startswith(str(temporary))
    assert list(tmp_path.iterdir()) == [temporary]
    assert list(temporary.iterdir()) == []


def test_a_directory_that_holds_something_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("precious")
    ran = fleet("demo", "--keep", str(tmp_path), cwd=tmp_path)
    assert ran.returncode == 6
    assert "is not empty" in ran.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
