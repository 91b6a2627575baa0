"""What people type, as one spelling of the project's paths; and nothing outside of the project."""

import subprocess
from pathlib import Path
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet_core.api import Invalid, Project
from fleet_core.project import at, create
from fleet_ctk.case_rule import case_sensitive
from fleet_ctk.paths import project_pattern
from fleet_ctk.patterns import matches


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project with a little in it, beside a folder that is none of it."""
    root = tmp_path / "shop"
    for folder in (".git", "src/auth", "src/web", "app/[id]", "app/{slug}"):
        (root / folder).mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    created = at(root, {})
    create(created)
    return created


def typed(text: str, project: Project, where: str = "") -> str:
    return project_pattern(text, project, project.root / where).text


@pytest.mark.parametrize(
    ("text", "where", "meant"),
    [
        ("src/auth/login.ts", "", "src/auth/login.ts"),
        ("./src//auth/./login.ts", "", "src/auth/login.ts"),
        ("src/auth/../web/new.ts", "", "src/web/new.ts"),
        ("not/there/../yet", "", "not/yet"),
        ("login.ts", "src/auth", "src/auth/login.ts"),
        ("../web/*.ts", "src/auth", "src/web/*.ts"),
        ("../../**/*.md", "src/auth", "**/*.md"),
        ("src/", "", "src"),
        (".", "src", "src"),
        (".", "", "**"),
        ("..", "src", "**"),
        ("**", "src/web", "src/web/**"),
        ("src/*/", "", "src/*/"),
        ("src/*/.", "", "src/*/"),
        ("src/*//./a", "", "src/*/a"),
        ("{src/auth,src/web}/*.ts", "", "{src/auth,src/web}/*.ts"),
        (r"src/\*.ts", "", r"src/\*.ts"),
        ("caf\u0065\u0301", "", "caf\u00e9"),
        (".gitignore", "", ".gitignore"),
        ("src/.git*", "", "src/.git*"),
        ("fleet.toml", "", "fleet.toml"),
    ],
)
def test_a_path_is_spelled_from_the_root(project: Project, text: str, where: str, meant: str) -> None:
    assert typed(text, project, where) == meant


def test_an_absolute_path_is_the_same_path(project: Project) -> None:
    assert typed(f"{project.root}/src/*.ts", project, "src/auth") == "src/*.ts"
    assert typed(f"{project.root}", project, "src/auth") == "**"


def test_what_is_normal_stays_as_it_is(project: Project) -> None:
    for text in ("src/[ab]/{x,y}*.ts", "app/[id]/page.tsx", "**/tests/", "a b/\u00e9?"):
        once = typed(text, project)
        assert typed(once, project) == once


def test_a_folder_with_brackets_in_its_name_means_itself(project: Project) -> None:
    page = project_pattern("app/[id]/page.tsx", project, project.root)
    assert matches(page, "app/[id]/page.tsx")
    assert not matches(page, "app/i/page.tsx")
    assert matches(project_pattern("app/{slug}", project, project.root), "app/{slug}/a.ts")


def test_a_star_is_a_wildcard_even_where_a_file_is_called_so(project: Project) -> None:
    (project.root / "src" / "*").touch()
    assert matches(project_pattern("src/*", project, project.root), "src/a.ts")


def test_brackets_that_name_nothing_are_a_class(project: Project) -> None:
    assert matches(project_pattern("app/[xy]/*.ts", project, project.root), "app/x/a.ts")


def test_a_link_within_the_project_means_its_target(project: Project) -> None:
    (project.root / "shortcut").symlink_to("src/auth")
    assert typed("shortcut/login.ts", project) == "src/auth/login.ts"
    assert typed("shortcut/../web/*.ts", project) == "src/web/*.ts"


def test_a_project_reached_through_a_link_is_the_same_project(project: Project, tmp_path: Path) -> None:
    alias = tmp_path / "alias"
    alias.symlink_to(project.root)
    linked = at(alias, {})
    assert project_pattern("a.ts", linked, alias / "src").text == "src/a.ts"
    assert project_pattern(f"{project.root}/a.ts", linked, alias).text == "a.ts"


FIRST = ["commit", "-q", "--allow-empty", "-m", "first"]


@pytest.fixture
def worktrees(tmp_path: Path) -> tuple[Project, list[Path]]:
    """A project with two linked worktrees, one of them inside of it."""
    root = tmp_path / "repository"
    folders = [tmp_path / "beside", root / ".worktrees" / "inside"]
    commands = [
        ["init", "-q", str(root)],
        ["-C", str(root), "-c", "user.name=t", "-c", "user.email=t@t", *FIRST],
        *(["-C", str(root), "worktree", "add", "-q", "--detach", str(folder)] for folder in folders),
    ]
    for command in commands:
        subprocess.run(["git", *command], check=True)
    project = at(root, {})
    create(project)
    return project, folders


@pytest.mark.parametrize("which", [0, 1], ids=["beside", "inside"])
def test_a_path_in_a_linked_worktree_means_the_path_of_the_project(
    worktrees: tuple[Project, list[Path]], which: int
) -> None:
    project, folders = worktrees
    folder = folders[which]
    (folder / "src").mkdir()
    assert project_pattern("*.ts", project, folder / "src").text == "src/*.ts"
    assert project_pattern(f"{folder}/src/a.ts", project, project.root).text == "src/a.ts"


def test_a_worktree_of_another_repository_is_outside(
    worktrees: tuple[Project, list[Path]], project: Project
) -> None:
    _, (beside, _) = worktrees
    with pytest.raises(Invalid, match="outside of the project"):
        typed(f"{beside}/a.ts", project)


def test_a_submodule_is_part_of_the_project(project: Project) -> None:
    (project.root / "part").mkdir()
    (project.root / "part" / ".git").write_text("gitdir: ../.git/modules/part\n")
    assert typed("part/a.c", project) == "part/a.c"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "names nothing"),
        ("..", "outside of the project"),
        ("../elsewhere/a.ts", "outside of the project"),
        ("src/../../elsewhere/*", "outside of the project"),
        ("missing/../../a", "outside of the project"),
        ("/", "outside of the project"),
        ("/etc/passwd", "outside of the project"),
        ("../shop-2/a", "outside of the project"),
        ("way-out/a.ts", "outside of the project"),
        ("dangling", "outside of the project"),
        ("circle/a.ts", "in a circle"),
        ("src/*/../a", "behind a wildcard"),
        ("{src,..}/a", "no name"),
        (".git", "leads into .git"),
        (".git/hooks/*", "leads into .git"),
        ("src/../.GIT/config", "leads into .git"),
        (".fleet/fleet.db", "leads into .fleet"),
        ("{src,.git}/config", "leads into .git"),
        ("data/fleet.db", "leads into .fleet"),
        ("[.]git/config", "leads into .git"),
        ("src\\auth\\login.ts", "backslash"),
        ("C:\\shop\\a.ts", "drive letter"),
        ("c:/shop/a.ts", "drive letter"),
        ("a\0b", "no path may hold"),
        ("src/[z-a]", "backwards"),
        ("x" * 1001, "longer than"),
    ],
)
def test_what_can_not_be_reserved_is_refused_with_the_place_and_the_next_step(
    project: Project, text: str, why: str
) -> None:
    (project.root / "way-out").symlink_to("../elsewhere")
    (project.root / "dangling").symlink_to("/nowhere/at/all")
    (project.root / "circle").symlink_to("circle")
    (project.root / "data").symlink_to(".fleet")
    with pytest.raises(Invalid, match=why) as caught:
        project_pattern(text, project, project.root, path="$.patterns[0]")
    assert caught.value.path == "$.patterns[0]"
    assert caught.value.remedy


def test_data_in_a_folder_of_another_name_is_closed_too(tmp_path: Path) -> None:
    elsewhere = at(tmp_path, {"FLEET_DIR": str(tmp_path / "state")})
    with pytest.raises(Invalid, match="leads into state"):
        project_pattern("state/fleet.db", elsewhere, tmp_path)


NAMES = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=8)


@given(name=NAMES)
def test_an_existing_file_without_a_wildcard_in_its_name_can_be_reserved(
    tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    root = tmp_path_factory.getbasetemp() / "names"
    (root / ".fleet").mkdir(parents=True, exist_ok=True)
    plain = "".join(char for char in name if char not in "*?\\[]{}").strip(".")
    unmarked = f"x{plain}[id]{{a,b}}"
    (root / unmarked).touch()
    pattern = project_pattern(unmarked, at(root, {}), root)
    assert matches(pattern, normalize("NFC", unmarked))


def test_case_counts_on_an_ordinary_file_system(project: Project) -> None:
    assert case_sensitive(project)


def test_case_does_not_count_where_other_letters_find_the_same_file(project: Project) -> None:
    """A link is what such a file system looks like from above."""
    (project.root / ".FLEET").symlink_to(".fleet")
    assert not case_sensitive(project)


def test_a_name_without_letters_tells_nothing(tmp_path: Path) -> None:
    numbered = at(tmp_path, {"FLEET_DIR": str(tmp_path / "1")})
    create(numbered)
    assert case_sensitive(numbered)


def test_another_file_in_other_letters_is_no_sign(project: Project) -> None:
    (project.root / ".FLEET").mkdir()
    assert case_sensitive(project)


@pytest.mark.parametrize(
    ("config", "counts"),
    [
        ("[core]\n\tignorecase = true\n", False),
        ("[Core]\n\tIgnoreCase=yes ; as the disk is\n", False),
        ("[core]\n\tignorecase\n", False),
        ("[core]\n\tignorecase = true\n\tignorecase = false\n", True),
        ("[core]\n\tignorecase = false\n", True),
        ("[other]\n\tignorecase = true\n", True),
        ("[core]\n\tbare = false\n# ignorecase = true\n", True),
    ],
)
def test_git_can_say_that_case_does_not_count(project: Project, config: str, counts: bool) -> None:
    (project.root / ".git" / "config").write_text(config)
    assert case_sensitive(project) == counts


def test_git_is_asked_where_its_data_lies_elsewhere(project: Project, tmp_path: Path) -> None:
    (project.root / ".git").rmdir()
    (project.root / ".git").write_text("gitdir: ../elsewhere\n")
    (tmp_path / "elsewhere" / "config").write_text("[core]\n\tignorecase = true\n")
    assert not case_sensitive(project)


def test_a_project_without_git_goes_by_its_file_system(tmp_path: Path) -> None:
    assert case_sensitive(at(tmp_path, {}))
