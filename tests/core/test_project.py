"""Where a project's data lives."""

import subprocess
from pathlib import Path

import pytest

from fleet_core.errors import NotFound
from fleet_core.project import Project, at, find, main_worktree
from fleet_core.project import create as create_project


def git(folder: Path, *arguments: str) -> None:
    options = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", *options, *arguments], cwd=folder, check=True, capture_output=True)


def create(root: Path, environ: dict[str, str]) -> Project:
    project = at(root, environ)
    create_project(project)
    return project


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A git repository with one commit and a linked worktree beside it."""
    root = tmp_path / "main"
    root.mkdir()
    git(root, "init")
    git(root, "commit", "--allow-empty", "-m", "first")
    git(root, "worktree", "add", "../linked")
    return root


def test_a_project_is_found_from_any_folder_below(tmp_path: Path) -> None:
    create(tmp_path, {})
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    assert find(below, {}) == (tmp_path, tmp_path / ".fleet")


def test_a_settings_file_alone_makes_a_project(tmp_path: Path) -> None:
    (tmp_path / "fleet.toml").touch()
    assert find(tmp_path, {}).directory == tmp_path / ".fleet"


def test_the_nearest_project_is_the_one_meant(tmp_path: Path) -> None:
    create(tmp_path, {})
    inner = tmp_path / "inner"
    create(inner, {})
    assert find(inner, {}).root == inner


def test_where_there_is_no_project_the_next_step_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="belongs to no fleet project") as caught:
        find(tmp_path, {})
    assert "fleet init" in caught.value.remedy


def test_the_settings_stand_beside_the_data(tmp_path: Path) -> None:
    assert create(tmp_path, {}).config == tmp_path / "fleet.toml"


def test_the_data_is_for_its_owner_alone(tmp_path: Path) -> None:
    assert create(tmp_path, {}).directory.stat().st_mode & 0o777 == 0o700


def test_git_ignores_the_data(repository: Path) -> None:
    create(repository, {})
    status = subprocess.run(["git", "status", "--porcelain"], cwd=repository, capture_output=True, check=True)
    assert status.stdout == b""


def test_creating_twice_changes_nothing(tmp_path: Path) -> None:
    first = create(tmp_path, {})
    (first.directory / ".gitignore").write_text("mine\n")
    assert create(tmp_path, {}) == first
    assert (first.directory / ".gitignore").read_text() == "mine\n"


def test_a_folder_that_is_not_there_yet_is_made(tmp_path: Path) -> None:
    assert create(tmp_path / "new", {}).directory.is_dir()


def test_the_environment_overrides_the_place(tmp_path: Path) -> None:
    elsewhere = {"FLEET_DIR": str(tmp_path / "elsewhere" / "data")}
    project = create(tmp_path / "here", elsewhere)
    assert project.directory == tmp_path / "elsewhere" / "data"
    assert find(tmp_path, elsewhere) == project


def test_a_linked_worktree_shares_the_data_of_the_main_one(repository: Path) -> None:
    project = create(repository.parent / "linked", {})
    assert project.root == repository
    assert find(repository.parent / "linked", {}) == project


def test_a_folder_below_a_linked_worktree_finds_the_main_one(repository: Path) -> None:
    create(repository, {})
    below = repository.parent / "linked" / "src"
    below.mkdir()
    assert find(below, {}).root == repository


def test_a_submodule_is_a_project_of_its_own(tmp_path: Path) -> None:
    (tmp_path / ".git").write_text("gitdir: ../.git/modules/part\n")
    assert main_worktree(tmp_path) == tmp_path


def test_a_worktree_of_a_bare_repository_is_a_project_of_its_own(tmp_path: Path) -> None:
    gitdir = tmp_path / "repo.git" / "worktrees" / "w"
    gitdir.mkdir(parents=True)
    (gitdir / "commondir").write_text("../..\n")
    linked = tmp_path / "w"
    linked.mkdir()
    (linked / ".git").write_text(f"gitdir: {gitdir}\n")
    assert main_worktree(linked) == linked
