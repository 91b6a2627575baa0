"""Settings: which source wins, where a value came from, and what is refused."""

from pathlib import Path

import msgspec
import pytest

from fleet_core.errors import Invalid
from fleet_core.settings import Loaded, Settings, checked, load, user_file


class Sources:
    """The three places settings come from."""

    def __init__(self, folder: Path) -> None:
        self.project = folder / "fleet.toml"
        self.user = folder / "xdg" / "fleet" / "config.toml"
        self.user.parent.mkdir(parents=True)
        self.environ = {"XDG_CONFIG_HOME": str(folder / "xdg")}

    def load(self, **environ: str) -> Loaded:
        return load(self.project, self.environ | environ)


@pytest.fixture
def sources(tmp_path: Path) -> Sources:
    return Sources(tmp_path)


def test_without_any_source_the_defaults_are_in_force(sources: Sources) -> None:
    assert sources.load() == (Settings(), {})


def test_the_project_overrides_the_user(sources: Sources) -> None:
    sources.user.write_text('[store]\nbackend = "memory"\ncodec = "msgpack"\n')
    sources.project.write_text('[store]\nbackend = "sqlite"\n')
    loaded = sources.load()
    assert (loaded.settings.store.backend, loaded.settings.store.codec) == ("sqlite", "msgpack")
    assert loaded.origins == {"store.backend": str(sources.project), "store.codec": str(sources.user)}


def test_a_variable_overrides_every_file(sources: Sources) -> None:
    sources.project.write_text('[store]\nbackend = "sqlite"\n')
    loaded = sources.load(FLEET_STORE__BACKEND="memory")
    assert loaded.settings.store.backend == "memory"
    assert loaded.origins == {"store.backend": "FLEET_STORE__BACKEND"}


def test_a_variable_is_read_as_the_type_of_its_key(sources: Sources) -> None:
    assert sources.load(FLEET_STORE__MAX_EVENT_BYTES="2048").settings.store.max_event_bytes == 2048


def test_a_variable_reaches_into_a_plugins_table(sources: Sources) -> None:
    sources.project.write_text('[plugins.sqlite]\nsynchronous = "full"\n')
    loaded = sources.load(FLEET_PLUGINS__SQLITE__BUSY_SECONDS="5")
    assert loaded.settings.plugins == {"sqlite": {"synchronous": "full", "busy_seconds": "5"}}


def test_variables_without_a_section_are_not_settings(sources: Sources) -> None:
    assert sources.load(FLEET_DIR="/somewhere", FLEET_WITHOUT="x", UNRELATED__KEY="1") == (Settings(), {})


def test_tables_of_plugins_are_merged_key_by_key(sources: Sources) -> None:
    sources.user.write_text("[plugins.one]\na = 1\nb = 1\n")
    sources.project.write_text("[plugins.one]\nb = 2\n[plugins.two]\nc = 3\n")
    loaded = sources.load()
    assert loaded.settings.plugins == {"one": {"a": 1, "b": 2}, "two": {"c": 3}}
    assert loaded.origins["plugins.one.a"] == str(sources.user)
    assert loaded.origins["plugins.one.b"] == str(sources.project)


def test_a_list_replaces_a_list(sources: Sources) -> None:
    sources.user.write_text('observers = ["a", "b"]\n')
    sources.project.write_text('observers = ["c"]\n')
    assert sources.load().settings.observers == ["c"]


def test_an_unknown_key_is_refused_with_its_path_and_file(sources: Sources) -> None:
    sources.project.write_text("[store]\nbakend = 1\n")
    with pytest.raises(Invalid, match="bakend") as caught:
        sources.load()
    assert str(sources.project) in caught.value.message
    assert caught.value.path == "$.store"


def test_an_unknown_section_is_refused(sources: Sources) -> None:
    sources.project.write_text("[stores]\nbackend = 'x'\n")
    with pytest.raises(Invalid, match="stores"):
        sources.load()


def test_a_value_that_does_not_fit_names_the_variable_at_fault(sources: Sources) -> None:
    with pytest.raises(Invalid, match=r"FLEET_STORE__MAX_EVENT_BYTES.*>= 1024"):
        sources.load(FLEET_STORE__MAX_EVENT_BYTES="7")


def test_a_fault_in_the_users_file_is_not_blamed_on_the_projects(sources: Sources) -> None:
    sources.user.write_text("[store]\nmax_event_bytes = 'many'\n")
    sources.project.write_text("[store]\nbackend = 'memory'\n")
    with pytest.raises(Invalid) as caught:
        sources.load()
    assert str(sources.user) in caught.value.message


def test_a_file_that_is_not_toml_is_named(sources: Sources) -> None:
    sources.project.write_text("[store\n")
    with pytest.raises(Invalid, match=r"fleet\.toml.*line 1") as caught:
        sources.load()
    assert "TOML" in caught.value.remedy


def test_a_file_that_is_not_text_is_named(sources: Sources) -> None:
    sources.project.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(Invalid, match=r"fleet\.toml"):
        sources.load()


def test_a_file_that_can_not_be_read_is_named(sources: Sources) -> None:
    sources.project.symlink_to("/proc/self/mem")
    with pytest.raises(Invalid, match=r"fleet\.toml can't be read"):
        sources.load()


def test_two_variables_that_contradict_each_other_are_refused(sources: Sources) -> None:
    with pytest.raises(Invalid):
        sources.load(FLEET_PLUGINS__X="1", FLEET_PLUGINS__X__Y="2")


def test_the_users_file_stands_where_the_desktop_says() -> None:
    assert user_file({"XDG_CONFIG_HOME": "/x"}) == Path("/x/fleet/config.toml")
    assert user_file({"HOME": "/home/ada"}) == Path("/home/ada/.config/fleet/config.toml")


class Table(msgspec.Struct, forbid_unknown_fields=True):
    size: int = 1


def test_a_plugins_table_becomes_the_plugins_struct() -> None:
    assert checked({"size": "3"}, Table, "[plugins.x]") == Table(3)


def test_a_fault_in_a_plugins_table_names_where_it_stands() -> None:
    with pytest.raises(Invalid, match=r"\[plugins.x\]: .*colour"):
        checked({"colour": 1}, Table, "[plugins.x]")
