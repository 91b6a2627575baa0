"""Commits against reservations: the guard before, `fleet verify` after."""

import os
from pathlib import Path

import pytest

from repositories import fleet, git, repository, told


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A repository whose commits are guarded."""
    root = repository(tmp_path / "shop")
    fleet(root, "init")
    fleet(root, "setup", "git")
    return root


def begin(shop: Path, name: str, *patterns: str) -> str:
    """A specialist's token, once it has reserved something."""
    token = str(told(shop, "specialist", "register", name)["token"])
    if patterns:
        fleet(shop, "ctk", "reserve", *patterns, FLEET_TOKEN=token)
    return token


def write(shop: Path, *names: str) -> None:
    for name in names:
        (shop / name).parent.mkdir(parents=True, exist_ok=True)
        (shop / name).write_text(os.urandom(4).hex())
    git(shop, "add", *names)


def commit(shop: Path, token: str | None, *options: str) -> tuple[int, str]:
    more = {} if token is None else {"FLEET_TOKEN": token}
    done = git(shop, "commit", "-m", "work", *options, check=False, **more)
    return done.returncode, done.stderr


def test_what_its_author_has_reserved_is_committed_and_says_so(shop: Path) -> None:
    ada = begin(shop, "ada", "src/db/**")
    write(shop, "src/db/models.py")
    assert commit(shop, ada)[0] == 0
    [lease] = told(shop, "lease", "list", "--kind", "file")
    trailer = git(shop, "log", "-1", "--format=%(trailers:key=Fleet-Lease,valueonly)").stdout.strip()
    assert trailer == f"{lease['lease_id']}/{lease['token']}"


def test_what_another_has_reserved_is_not_committed_and_its_holder_is_named(shop: Path) -> None:
    begin(shop, "bo", "src/auth/token*.py")
    cy = begin(shop, "cy", "src/web/ui/**")
    write(shop, "src/web/ui/login.html", "src/auth/token.py")
    status, said = commit(shop, cy)
    assert status != 0
    assert "src/auth/token.py is reserved by bo" in said
    assert git(shop, "rev-list", "--count", "HEAD").stdout.strip() == "1"


def test_what_its_author_has_not_reserved_is_not_committed(shop: Path) -> None:
    ada = begin(shop, "ada", "src/db/**")
    write(shop, "src/db/models.py", "setup.py")
    status, said = commit(shop, ada)
    assert status != 0
    assert "fleet ctk reserve 'setup.py'" in said


def test_a_person_without_a_token_may_commit_what_nobody_has_reserved(shop: Path) -> None:
    begin(shop, "ada", "src/db/**")
    write(shop, "setup.py")
    assert commit(shop, None)[0] == 0


def test_a_person_without_a_token_may_not_commit_what_somebody_has_reserved(shop: Path) -> None:
    begin(shop, "ada", "src/db/**")
    write(shop, "src/db/models.py")
    status, said = commit(shop, None)
    assert (status != 0, "reserved by ada" in said) == (True, True)


def test_a_file_that_is_deleted_or_renamed_counts_under_both_its_names(shop: Path) -> None:
    begin(shop, "ada", "READ*")
    git(shop, "mv", "README", "MANUAL")
    assert "README is reserved by ada" in commit(shop, None)[1]


def test_a_stale_token_commits_nothing(shop: Path) -> None:
    ada = begin(shop, "ada", "src/db/**")
    fleet(shop, "lease", "release", "session:ada", "gone")
    write(shop, "src/db/models.py")
    status, said = commit(shop, ada)
    assert (status != 0, "ended at position" in said) == (True, True)
    assert told(shop, "log", "--type", "write_fenced")[0]["data"]["operation"] == "Guard"


def test_without_fleet_nothing_passes(shop: Path) -> None:
    hook = shop / ".git" / "hooks" / "pre-commit"
    hook.write_text(
        "".join(
            "fleet=/nowhere/fleet\n" if line.startswith("fleet=") else line
            for line in hook.read_text().splitlines(keepends=True)
        )
    )
    write(shop, "setup.py")
    done = git(shop, "commit", "-m", "work", check=False, PATH="/usr/bin:/bin")
    assert (done.returncode != 0, "not installed any more" in done.stderr) == (True, True)


def test_a_commit_that_a_lease_covered_is_verified(shop: Path) -> None:
    ada = begin(shop, "ada", "src/db/**")
    write(shop, "src/db/models.py")
    commit(shop, ada)
    assert fleet(shop, "verify", "HEAD~1..HEAD").returncode == 0


def test_a_commit_made_without_the_guard_is_found(shop: Path) -> None:
    begin(shop, "bo", "src/auth/token*.py")
    cy = begin(shop, "cy", "src/web/ui/**")
    write(shop, "src/web/ui/login.html", "src/auth/token.py")
    assert commit(shop, cy, "--no-verify")[0] == 0
    found = fleet(shop, "verify", "HEAD~1..HEAD", check=False)
    assert found.returncode == 10
    assert "src/auth/token.py: no lease that the commit names covers it" in found.stdout
    assert "login.html" not in found.stdout


def test_a_commit_whose_lease_was_over_is_found(shop: Path) -> None:
    ada = begin(shop, "ada", "src/db/**")
    write(shop, "src/db/models.py")
    commit(shop, ada)
    message = git(shop, "log", "-1", "--format=%B").stdout
    fleet(shop, "ctk", "release", "src/db/**", FLEET_TOKEN=ada)
    write(shop, "src/db/models.py")
    git(shop, "commit", "--no-verify", "-m", message, GIT_COMMITTER_DATE="2099-01-01T00:00:00Z")
    found = fleet(shop, "verify", "HEAD~1..HEAD", check=False)
    assert (found.returncode, "had ended at position" in found.stdout) == (10, True)


def test_a_made_up_trailer_covers_nothing(shop: Path) -> None:
    write(shop, "setup.py")
    git(shop, "commit", "--no-verify", "-m", "work\n\nFleet-Lease: file:made-up/1")
    found = fleet(shop, "verify", "HEAD~1..HEAD", check=False)
    assert (found.returncode, "is no lease of this project" in found.stdout) == (10, True)


def test_an_edit_is_refused_before_it_is_made(shop: Path) -> None:
    begin(shop, "bo", "src/auth/**")
    cy = begin(shop, "cy", "src/web/**")
    (shop / "src").mkdir()
    assert fleet(shop / "src", "guard", "edit", "web/x.html", FLEET_TOKEN=cy).returncode == 0
    refused = fleet(shop / "src", "guard", "edit", "auth/token.py", check=False, FLEET_TOKEN=cy)
    assert (refused.returncode, "reserved by bo" in refused.stderr) == (6, True)


def test_a_linked_worktree_is_guarded_by_the_same_reservations(shop: Path, tmp_path: Path) -> None:
    begin(shop, "ada", "src/db/**")
    git(shop, "worktree", "add", str(tmp_path / "linked"))
    write(tmp_path / "linked", "src/db/models.py")
    assert "reserved by ada" in commit(tmp_path / "linked", None)[1]


def test_a_project_in_a_folder_of_a_repository_sees_its_own_paths(tmp_path: Path) -> None:
    root = repository(tmp_path / "many")
    shop = root / "shop"
    shop.mkdir()
    fleet(shop, "init")
    fleet(shop, "setup", "git")
    begin(shop, "ada", "src/**")
    write(root, "shop/src/x.py", "src/y.py")
    said = commit(shop, None)[1]
    assert "src/x.py is reserved by ada" in said
    assert "y.py" not in said
