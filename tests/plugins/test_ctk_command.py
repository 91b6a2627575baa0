"""`fleet ctk` as people type it: from any folder, worktree and link, in any spelling."""

import json
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unicodedata import normalize

import pytest

from fleet_core.api import Fleet
from fleet_core.project import at, create
from fleet_specialists.api import Register, register
from installing import FLEET, RunHere, environment


class Typist:
    """Somebody who types commands in a folder, with a token."""

    def __init__(self, name: str, root: Path, run: RunHere, patch: pytest.MonkeyPatch) -> None:
        self.root, self._run, self._patch = root, run, patch
        with Fleet.open(root) as fleet:
            self.token = register(fleet, Register(specialist=name)).state.token

    def type(self, *arguments: str, where: Path | None = None) -> tuple[int, str, str]:
        """Run a command, in the project's root unless told where; gives its status, and what it says."""
        self._patch.chdir(where or self.root)
        self._patch.setenv("FLEET_TOKEN", str(self.token))
        return self._run(*arguments)

    def does(self, *arguments: str, where: Path | None = None) -> Any:
        """Run a command; gives its answer."""
        status, out, err = self.type(*arguments, "--json", where=where)
        assert status == 0, err
        return json.loads(out)["data"]

    def reserve(self, *paths: str, where: Path | None = None) -> list[str]:
        """Reserve; gives the patterns."""
        return [each["pattern"] for each in self.does("ctk", "reserve", *paths, where=where)]

    def refused(self, *arguments: str, where: Path | None = None) -> tuple[int, dict[str, Any]]:
        """Run a command that fails; gives its status and the error."""
        status, out, err = self.type(*arguments, "--json", where=where)
        assert status, out
        return status, json.loads(err)["error"]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project in a git repository."""
    root = tmp_path / "shop"
    (root / "src" / "auth").mkdir(parents=True)
    (root / "src" / "auth" / "login.py").touch()
    for command in ("init -q", "add .", "-c user.name=a -c user.email=a@example.org commit -qm start"):
        subprocess.run(["git", *command.split()], cwd=root, check=True)
    create(at(root, {}))
    return root


@pytest.fixture
def ada(root: Path, here: RunHere, monkeypatch: pytest.MonkeyPatch) -> Typist:
    return Typist("ada", root, here, monkeypatch)


@pytest.fixture
def bo(root: Path, here: RunHere, monkeypatch: pytest.MonkeyPatch) -> Typist:
    return Typist("bo", root, here, monkeypatch)


def test_paths_are_those_of_the_folder_one_is_in(ada: Typist, root: Path) -> None:
    assert ada.reserve("login.py", "../*.py", "*", where=root / "src" / "auth") == [
        "src/auth/login.py",
        "src/*.py",
        "src/auth/*",
    ]


def test_another_folder_can_be_named_from_the_root(ada: Typist, root: Path) -> None:
    (reserved,) = ada.does("ctk", "reserve", "login.py", "--where", "src/auth", where=root / "src")
    assert reserved["pattern"] == "src/auth/login.py"


def test_what_is_reserved_in_one_folder_is_released_in_another(ada: Typist, root: Path) -> None:
    ada.reserve("src/auth/login.py")
    (released,) = ada.does("ctk", "release", "./login.py", where=root / "src" / "auth")
    assert released["pattern"] == "src/auth/login.py"


def test_a_worktree_means_the_files_of_the_project(ada: Typist, bo: Typist, root: Path) -> None:
    tree = root.parent / "tree"
    subprocess.run(["git", "worktree", "add", "-q", tree], cwd=root, check=True)
    ada.reserve("src/auth/login.py")
    status, error = bo.refused("ctk", "reserve", "auth/*.py", where=tree / "src")
    assert (status, error["holder"], error["pattern"]) == (6, "ada", "src/auth/login.py")


def test_a_link_means_what_it_leads_to(ada: Typist, bo: Typist, root: Path) -> None:
    (root / "shortcut").symlink_to("src/auth")
    ada.reserve("src/auth/login.py")
    assert bo.refused("ctk", "reserve", "shortcut/login.py")[1]["requested"] == "src/auth/login.py"


def test_two_forms_of_one_letter_are_one_file(ada: Typist, bo: Typist) -> None:
    ada.reserve(normalize("NFC", "src/café.py"))
    assert bo.refused("ctk", "check", normalize("NFD", "src/café.py"))[0] == 6


@pytest.mark.parametrize(
    "path", ["../elsewhere", "/etc/passwd", "src/../../x", ".git/config", ".fleet", "a[b"]
)
def test_what_is_no_path_of_the_project_is_refused_as_invalid(ada: Typist, path: str) -> None:
    status, error = ada.refused("ctk", "reserve", "src/a", path)
    assert (status, error["path"]) == (7, "$.paths[1]")


def test_a_key_belongs_to_the_folder_too(ada: Typist, root: Path) -> None:
    ada.does("ctk", "reserve", "a.py", "--key", "k")
    assert ada.refused("ctk", "reserve", "a.py", "--key", "k", where=root / "src")[0] == 6


def test_releasing_without_names_is_a_mistake_and_not_everything(ada: Typist) -> None:
    ada.reserve("a")
    assert ada.refused("ctk", "release")[0] == 2
    assert len(ada.does("ctk", "list")) == 1


def test_people_read_who_is_in_the_way_and_what_to_do(ada: Typist, bo: Typist) -> None:
    ada.reserve("src/auth/**")
    said = bo.type("ctk", "reserve", "src/*/l*")[2]
    assert "ada holds src/auth/**" in said
    assert "fleet wait --for 'ctk:src/*/l*'" in said


@pytest.fixture
def waiting(ada: Typist, bo: Typist, root: Path) -> Iterator[subprocess.Popen[str]]:
    """Somebody who waits for what ada has, by the very command that the refusal names."""
    ada.reserve("src/auth/**")
    refused = bo.refused("ctk", "reserve", "*/login.py", where=root / "src")[1]
    command = shlex.split(refused["next"])
    assert command.pop(0) == "fleet"
    process = subprocess.Popen(
        [FLEET, *command, "--timeout", "60s"],
        cwd=root / "src",
        env=environment(HOME=str(root), FLEET_TOKEN=str(bo.token)),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    yield process
    process.kill()
    process.communicate()


def test_the_command_that_a_refusal_names_returns_when_it_is_free(
    waiting: subprocess.Popen[str], ada: Typist, bo: Typist
) -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        waiting.wait(0.5)
    ada.does("ctk", "release", "--all")
    assert waiting.wait(30) == 0
    assert bo.reserve("src/*/login.py") == ["src/*/login.py"]


def test_waiting_in_vain_says_so(ada: Typist, bo: Typist) -> None:
    ada.reserve("a")
    assert bo.refused("wait", "--for", "ctk:a", "--timeout", "0")[0] == 8


def test_nobody_need_write_anything_for_time_to_pass(ada: Typist, bo: Typist, root: Path) -> None:
    (root / "fleet.toml").write_text("[plugins.leases]\nlock_delay = 0.2\n")
    ada.does("ctk", "reserve", "a", "--ttl", "0.3")
    assert bo.does("wait", "--for", "ctk:a", "--timeout", "30s")["found"]["pattern"] == "a"
    assert bo.reserve("a") == ["a"]
