"""`fleet setup git` and `fleet uninit`: hooks that come and go without a trace."""

from pathlib import Path

import pytest

from repositories import contents, fleet, git, repository


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return repository(tmp_path / "shop")


def test_uninit_leaves_the_repository_as_it_was_before_init(shop: Path) -> None:
    before = contents(shop)
    fleet(shop, "init")
    fleet(shop, "setup", "git")
    fleet(shop, "uninit")
    assert contents(shop) == before


def test_hooks_that_were_there_come_back_as_they_were(shop: Path) -> None:
    hook = shop / ".git" / "hooks" / "pre-commit"
    hook.write_bytes(b"#!/bin/sh\necho mine\r\n")
    hook.chmod(0o711)
    before = contents(shop)
    fleet(shop, "init")
    fleet(shop, "setup", "git")
    assert contents(shop) != before
    fleet(shop, "uninit")
    assert contents(shop) == before


def test_an_exclude_file_without_a_line_feed_at_its_end_comes_back_as_it_was(shop: Path) -> None:
    (shop / ".git" / "info" / "exclude").write_bytes(b"*.pyc")
    before = contents(shop)
    fleet(shop, "init")
    fleet(shop, "setup", "git")
    assert git(shop, "status", "--porcelain").stdout == ""
    fleet(shop, "uninit")
    assert contents(shop) == before


def test_git_status_is_clean_throughout(shop: Path) -> None:
    seen = [git(shop, "status", "--porcelain").stdout]
    fleet(shop, "init")
    fleet(shop, "setup", "git")
    seen.append(git(shop, "status", "--porcelain").stdout)
    fleet(shop, "uninit")
    seen.append(git(shop, "status", "--porcelain").stdout)
    assert seen == ["", "", ""]


def test_setting_up_again_changes_nothing(shop: Path) -> None:
    fleet(shop, "init")
    fleet(shop, "setup", "git")
    hooks = contents(shop / ".git" / "hooks")
    exclude = (shop / ".git" / "info" / "exclude").read_bytes()
    fleet(shop, "setup", "git")
    assert contents(shop / ".git" / "hooks") == hooks
    assert (shop / ".git" / "info" / "exclude").read_bytes() == exclude


def test_the_hook_that_was_there_is_run_first_and_may_refuse(shop: Path) -> None:
    hook = shop / ".git" / "hooks" / "pre-commit"
    hook.write_text("#!/bin/sh\necho scanned >> scanned.log\nexit 3\n")
    hook.chmod(0o755)
    fleet(shop, "init")
    fleet(shop, "setup", "git")
    (shop / "README").write_text("changed\n")
    refused = git(shop, "commit", "-am", "second", check=False)
    assert refused.returncode != 0
    assert (shop / "scanned.log").read_text() == "scanned\n"


def test_a_hook_that_git_keeps_versions_of_is_not_touched(shop: Path) -> None:
    (shop / "githooks").mkdir()
    (shop / "githooks" / "pre-commit").write_text("#!/bin/sh\n")
    git(shop, "add", "githooks")
    git(shop, "commit", "-m", "hooks")
    git(shop, "config", "core.hooksPath", "githooks")
    fleet(shop, "init")
    refused = fleet(shop, "setup", "git", check=False)
    assert (refused.returncode, "fleet guard commit" in refused.stderr) == (6, True)
    assert (shop / "githooks" / "pre-commit").read_text() == "#!/bin/sh\n"


def test_hooks_are_put_where_core_hooks_path_says(shop: Path, tmp_path: Path) -> None:
    git(shop, "config", "core.hooksPath", str(tmp_path / "hooks"))
    fleet(shop, "init")
    fleet(shop, "setup", "git")
    assert (tmp_path / "hooks" / "pre-commit").exists()
    fleet(shop, "uninit")
    assert list((tmp_path / "hooks").iterdir()) == []


def test_a_settings_file_that_git_keeps_versions_of_stays(shop: Path) -> None:
    fleet(shop, "init")
    git(shop, "add", "fleet.toml")
    git(shop, "commit", "-m", "fleet")
    fleet(shop, "setup", "git")
    fleet(shop, "uninit")
    assert (shop / "fleet.toml").exists()
    assert git(shop, "status", "--porcelain").stdout == ""


def test_a_log_with_events_is_not_deleted_without_a_word(shop: Path) -> None:
    fleet(shop, "init")
    fleet(shop, "specialist", "register", "ada")
    refused = fleet(shop, "uninit", check=False)
    assert refused.returncode == 6
    assert "--keep" in refused.stderr
    assert (shop / ".fleet").is_dir()


def test_kept_data_can_be_read_where_they_are(shop: Path, tmp_path: Path) -> None:
    fleet(shop, "init")
    fleet(shop, "specialist", "register", "ada")
    fleet(shop, "uninit", "--keep", str(tmp_path / "kept"))
    assert not (shop / ".fleet").exists()
    assert "specialist_registered" in fleet(tmp_path, "log", FLEET_DIR=str(tmp_path / "kept")).stdout


def test_worktrees_of_a_bare_repository_share_one_project_and_its_hooks(tmp_path: Path) -> None:
    source = repository(tmp_path / "source")
    git(tmp_path, "clone", "--bare", str(source), "shop.git")
    for name in ("one", "two", "three"):
        git(tmp_path / "shop.git", "worktree", "add", "-b", name, str(tmp_path / name))
    fleet(tmp_path / "one", "init")
    fleet(tmp_path / "two", "setup", "git")
    fleet(tmp_path / "three", "specialist", "register", "ada")
    assert "ada" in fleet(tmp_path / "one", "specialist", "list").stdout
    assert git(tmp_path / "three", "status", "--porcelain").stdout == ""
    fleet(tmp_path / "one", "uninit", "--yes")
    assert not (tmp_path / "shop.git" / "hooks" / "pre-commit").exists()
