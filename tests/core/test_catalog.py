"""The catalog: what is installed, read from metadata, and nothing run."""

import subprocess
import sys
from importlib.metadata import entry_points, version
from pathlib import Path

import pytest

from fleet_core.catalog import Catalog, Entry, help_of, installed_version
from fleet_core.errors import NotFound, PluginBroken, Usage

STORE = Entry("fleet.stores", "jar", "jar.plugin", "fleet-jar", "1.0")
CODEC = Entry("fleet.codecs", "jar", "jar.plugin", "fleet-jar", "1.0")
RIVAL = Entry("fleet.stores", "jar", "pot.plugin", "fleet-pot", "2.0")
SHELF = Entry("fleet.stores", "shelf", "shelf.plugin", "fleet-shelf", "3.0")
LID = Entry("fleet.jar_lids", "lid", "jar.lids:lid", "fleet-jar", "1.0")


def lay_out(site: Path, directory: str, **files: str) -> None:
    """Write files of a metadata directory; `entry_points` stands for `entry_points.txt`."""
    info = site / directory
    info.mkdir(parents=True)
    for name, text in files.items():
        (info / name.replace("entry_points", "entry_points.txt").replace("PKG_INFO", "PKG-INFO")).write_text(
            text
        )


def as_importlib_reads() -> set[tuple[str, ...]]:
    return {
        (group, each.name, each.value, each.dist.name, each.dist.version)
        for group in entry_points().groups
        if group.startswith("fleet.")
        for each in entry_points().select(group=group)
        if each.dist
    }


def test_what_is_installed_is_what_importlib_metadata_finds() -> None:
    assert {tuple(entry) for entry in Catalog.installed(environ={}).entries} == as_importlib_reads()


def test_odd_metadata_is_read_as_importlib_metadata_reads_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    lay_out(
        first,
        "Odd.Name-1.0.dist-info",
        METADATA="Metadata-Version: 2.1\nName: Odd.Name\nVersion: 1.0\nSummary: a\n\nName: not this\n",
        entry_points="\n# comment\n[fleet.stores]\n odd =  odd.plugin : make [extra]  \n"
        "[other]\nno = no:no\n[fleet.codecs]\nodd=odd.plugin\n"
        "[fleet.odd_ends]\n# comment\nend = odd.ends:end\n[fleetfoot]\nno = no:no\n",
    )
    lay_out(
        first,
        "old_style.egg-info",
        PKG_INFO="Name: old-style\nVersion: 0.1\n",
        entry_points="[fleet.domains]\nold = old.plugin\n",
    )
    lay_out(first, "bare-2.0.dist-info", METADATA="Name: bare\nVersion: 2.0\n")
    lay_out(
        second,
        "odd_name-9.9.dist-info",
        METADATA="Name: odd-name\nVersion: 9.9\n",
        entry_points="[fleet.stores]\nshadowed = shadowed.plugin\n",
    )
    (first / "legacy.egg-info").write_text("Name: legacy\nVersion: 1\n")
    for folder in ("", "missing", str(first / "legacy.egg-info"), str(second), str(first)):
        monkeypatch.syspath_prepend(folder)
    found = {tuple(entry) for entry in Catalog.installed(environ={}).entries}
    assert found == as_importlib_reads()
    assert {entry[1] for entry in found if entry[3] != "fleettools"} == {"odd", "old", "end"}


def test_the_catalog_imports_no_plugin_and_nothing_that_is_heavy() -> None:
    heavy = {"importlib.metadata", "pluggy", "msgspec", "peewee", "pathlib", "inspect"}
    code = (
        "import sys; before = set(sys.modules); from fleet_core.catalog import Catalog;"
        " plugins = {each.package for each in Catalog.installed(environ={}).entries};"
        f" print(sorted((set(sys.modules) - before) & ({heavy!r} | plugins)))"
    )
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_entry_names_its_module_and_attribute() -> None:
    entry = STORE._replace(value="jar.plugin : Jar.open [extra]")
    assert (entry.module, entry.attribute, entry.package, entry.parent) == (
        "jar.plugin",
        "Jar.open",
        "jar",
        "jar",
    )


def test_the_one_entry_of_a_name_is_found() -> None:
    assert Catalog([STORE, CODEC, SHELF]).find("fleet.stores", "jar") == STORE


def test_an_unknown_name_is_an_error_that_says_what_was_meant() -> None:
    with pytest.raises(NotFound) as caught:
        Catalog([STORE, SHELF]).find("fleet.stores", "shelv")
    assert caught.value.message == "no store is called 'shelv'"
    assert caught.value.remedy == "did you mean 'shelf'?"


def test_an_unknown_name_unlike_any_is_answered_with_those_there_are() -> None:
    with pytest.raises(NotFound) as caught:
        Catalog([STORE, SHELF]).find("fleet.stores", "postgres")
    assert caught.value.remedy == "installed: jar, shelf"


def test_a_name_that_two_distributions_offer_is_an_error_that_names_both() -> None:
    catalog = Catalog([STORE, RIVAL, SHELF])
    with pytest.raises(PluginBroken) as caught:
        catalog.find("fleet.stores", "jar")
    assert caught.value.message == "store 'jar' is offered by fleet-jar 1.0 and by fleet-pot 2.0"
    assert caught.value.remedy == "keep one: pip uninstall fleet-jar (or fleet-pot)"
    assert catalog.named("fleet.stores", "jar") == [STORE, RIVAL]


def test_the_same_name_in_two_groups_is_no_duplicate() -> None:
    catalog = Catalog([STORE, CODEC])
    assert catalog.find("fleet.codecs", "jar") == CODEC


def test_a_plugin_that_is_switched_off_says_so_when_asked_for() -> None:
    catalog = Catalog([STORE, SHELF], without=["jar"])
    with pytest.raises(NotFound) as caught:
        catalog.find("fleet.stores", "jar")
    assert caught.value.message == "store 'jar' is switched off"
    assert "FLEET_WITHOUT" in caught.value.remedy
    assert catalog.names("fleet.stores") == ["shelf"]


@pytest.mark.parametrize("spelling", ["stores:jar", "fleet.stores:jar"])
def test_a_group_before_the_name_switches_off_in_that_group_alone(spelling: str) -> None:
    catalog = Catalog([STORE, CODEC], without=[spelling])
    assert catalog.names("fleet.stores") == []
    assert catalog.names("fleet.codecs") == ["jar"]


def test_switching_off_what_is_not_installed_is_an_error() -> None:
    with pytest.raises(Usage) as caught:
        Catalog([STORE, SHELF], without=["shelv"])
    assert caught.value.remedy == "did you mean 'shelf'?"


def test_the_variable_switches_off_a_list_of_names(tmp_path: Path) -> None:
    for name in ("one", "two", "three"):
        lay_out(
            tmp_path, f"{name}-1.dist-info", METADATA=f"Name: {name}\nVersion: 1\n",
            entry_points=f"[fleet.stores]\n{name} = {name}\n",
        )  # fmt: skip
    catalog = Catalog.installed(["three"], path=[str(tmp_path)], environ={"FLEET_WITHOUT": " one, two,"})
    assert [entry.name for entry in catalog.entries if catalog.is_off(entry)] == ["one", "three", "two"]
    assert catalog.names("fleet.stores") == []


@pytest.mark.parametrize(
    ("group", "role"),
    [("fleet.jar_lids", "jar lid"), ("fleet.shelving", "shelving"), ("fleet.waits", "wait")],
)
def test_a_groups_role_is_known_or_told_by_its_name(group: str, role: str) -> None:
    assert str(LID._replace(group=group)) == f"{role} 'lid' of fleet-jar 1.0"


def test_groups_of_plugins_own_come_last_each_by_itself() -> None:
    waits, early = LID._replace(group="fleet.waits"), LID._replace(group="fleet.a_first")
    last = LID._replace(name="aa")
    assert Catalog([LID, early, last, waits, STORE]).entries == [STORE, waits, early, last, LID]


def test_a_plugins_own_group_is_asked_as_any_other() -> None:
    catalog = Catalog([STORE, LID])
    assert catalog.find("fleet.jar_lids", "lid") == LID
    with pytest.raises(NotFound) as caught:
        catalog.find("fleet.jar_lids", "lit")
    assert caught.value.message == "no jar lid is called 'lit'"
    assert caught.value.remedy == "did you mean 'lid'?"


@pytest.mark.parametrize("spelling", ["lid", "jar_lids:lid", "fleet.jar_lids:lid"])
def test_an_entry_of_a_plugins_own_group_is_switched_off_as_any_other(spelling: str) -> None:
    catalog = Catalog([STORE, LID], without=[spelling])
    assert catalog.names("fleet.jar_lids") == []
    with pytest.raises(NotFound, match="jar lid 'lid' is switched off"):
        catalog.find("fleet.jar_lids", "lid")


def test_a_module_belongs_to_the_distribution_that_offers_its_package() -> None:
    catalog = Catalog([STORE, SHELF])
    assert catalog.owner("shelf.deep.inside") == SHELF
    assert catalog.owner("elsewhere") is None


def test_the_version_of_a_distribution_is_that_of_its_metadata() -> None:
    assert installed_version("FleetTools") == version("fleettools")
    assert installed_version("fleet-nowhere") == "unknown"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package on the path that can't be imported."""
    folder = tmp_path / "shy_package"
    folder.mkdir()
    (folder / "__init__.py").write_text("raise AssertionError('read me, but do not run me')")
    monkeypatch.syspath_prepend(str(tmp_path))
    return folder


def help_from(value: str) -> str:
    return help_of(Entry("fleet.commands", "x", value, "shy", "1"))


def test_help_is_the_first_line_of_a_docstring_that_nobody_ran(package: Path) -> None:
    (package / "commands.py").write_text(
        '@unknown_decorator\ndef go():\n    """Go there.\n\n    And back."""\n\n'
        'class Box:\n    """Hold things."""\n    async def open(self):\n        """Open it."""\n'
    )
    assert help_from("shy_package.commands:go") == "Go there."
    assert help_from("shy_package.commands:Box") == "Hold things."
    assert help_from("shy_package.commands:Box.open") == "Open it."


def test_help_of_a_module_is_its_docstring(package: Path) -> None:
    (package / "plugin.py").write_text('"""Offer things."""\n')
    assert help_from("shy_package.plugin") == "Offer things."


def test_help_is_found_in_a_module_of_its_own(package: Path) -> None:
    (package.parent / "shy_module.py").write_text('def go():\n    """Go alone."""\n')
    assert help_from("shy_module:go") == "Go alone."


def test_help_is_found_in_packages_of_packages(package: Path) -> None:
    (package / "deep").mkdir()
    (package / "deep" / "__init__.py").write_text('def go():\n    """Go deep."""\n')
    assert help_from("shy_package.deep:go") == "Go deep."


def test_help_is_found_in_namespace_packages(package: Path) -> None:
    (package / "__init__.py").unlink()
    (package / "commands.py").write_text('def go():\n    """Go anywhere."""\n')
    assert help_from("shy_package.commands:go") == "Go anywhere."


@pytest.mark.parametrize(
    "value",
    [
        "shy_package.commands:missing",
        "shy_package.commands:silent",
        "shy_package.commands:number",
        "shy_package.nowhere:go",
        "shy_package.wrong:go",
        "nowhere.at.all:go",
        "",
    ],
)
def test_help_of_what_tells_nothing_is_empty(package: Path, value: str) -> None:
    (package / "commands.py").write_text("number = 1\ndef silent(): pass\n")
    (package / "wrong.py").write_text("def go(:\n")
    assert help_from(value) == ""
