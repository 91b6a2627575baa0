"""`fleet init`."""

import stat
import subprocess
import tomllib
from pathlib import Path

import pytest

from fleet_core.settings import Settings, checked
from sites import Site


def test_a_folder_becomes_a_project_whose_store_exists(outside: Site) -> None:
    answer = outside.run("init")
    assert answer.status == 0
    assert f"{outside.root} is now a fleet project" in answer.out
    assert (outside.root / ".fleet" / "events.db").exists()


def test_a_program_learns_where_the_project_is(outside: Site) -> None:
    assert outside.run("init", "--json").data == {
        "root": str(outside.root),
        "directory": str(outside.root / ".fleet"),
        "backend": "sqlite",
        "created": True,
    }


def test_the_next_step_is_talk_not_data(outside: Site) -> None:
    answer = outside.run("init")
    assert "fleet status" in answer.err
    assert "fleet status" not in answer.out


def test_a_second_init_changes_nothing_and_says_so(project: Site) -> None:
    before = (project.root / "fleet.toml").read_text()
    answer = project.run("init")
    assert (answer.status, (project.root / "fleet.toml").read_text()) == (0, before)
    assert "is already a fleet project" in answer.out


def test_another_folder_can_be_named(outside: Site) -> None:
    outside.run("init", "sub/folder")
    assert (outside.root / "sub" / "folder" / ".fleet").is_dir()


def test_data_are_private_and_settings_are_not(project: Site) -> None:
    modes = [
        stat.S_IMODE((project.root / name).stat().st_mode)
        for name in (".fleet", ".fleet/events.db", "fleet.toml")
    ]
    assert modes == [0o700, 0o600, 0o644]


def test_the_settings_file_names_every_setting_and_changes_none(project: Site) -> None:
    text = (project.root / "fleet.toml").read_text()
    assert checked(tomllib.loads(text), Settings, "fleet.toml") == Settings()
    for key in ("name", "backend", "codec", "max_event_bytes"):
        assert f"# {key} = " in text


def test_what_the_settings_file_proposes_can_be_switched_on(project: Site) -> None:
    text = (project.root / "fleet.toml").read_text()
    active = "\n".join(line.removeprefix("# ") if " = " in line else line for line in text.splitlines()[3:])
    assert checked(tomllib.loads(active), Settings, "fleet.toml") == Settings()


@pytest.mark.parametrize("name", ["Apollo", 'a "quoted" \\ name', "Größe 🚀"])
def test_a_name_is_kept_as_given(outside: Site, name: str) -> None:
    outside.run("init", "--name", name)
    assert outside.run("status", "--json").data["project"] == name


@pytest.mark.parametrize("name", ["", "two\nlines", "x" * 256])
def test_a_name_that_is_none_is_refused_and_nothing_is_made(outside: Site, name: str) -> None:
    assert outside.run("init", "--name", name).status == 7
    assert list(outside.root.iterdir()) == []


def test_a_project_is_not_renamed_in_passing(outside: Site) -> None:
    outside.run("init", "--name", "Apollo")
    assert outside.run("init", "--name", "Apollo").status == 0
    answer = outside.run("init", "--name", "Soyuz")
    assert answer.status == 6
    assert "fleet.toml" in answer.err


def test_settings_that_are_there_are_kept(outside: Site) -> None:
    (outside.root / "fleet.toml").write_text("[project]\nname = 'mine'\n")
    outside.run("init")
    assert (outside.root / "fleet.toml").read_text() == "[project]\nname = 'mine'\n"


def test_in_a_git_worktree_the_project_is_that_of_the_main_one(outside: Site) -> None:
    def git(*arguments: str) -> None:
        options = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
        subprocess.run(["git", *options, *arguments], cwd=outside.root, check=True, capture_output=True)

    git("init")
    git("commit", "--allow-empty", "-m", "first")
    git("worktree", "add", "../linked")
    answer = outside.run("init", str(outside.root.parent / "linked"), "--json")
    assert answer.data["root"] == str(outside.root)
    assert not (outside.root.parent / "linked" / ".fleet").exists()


def test_a_folder_that_is_a_file_is_refused(outside: Site) -> None:
    Path("file").touch()
    answer = outside.run("init", "file")
    assert answer.status == 1
    assert "file" in answer.err
