"""`fleet config`: what is in force, and why."""

import pytest

from sites import Site


def origins(site: Site) -> dict[str, tuple[object, str]]:
    rows = site.run("config", "show", "--json").data
    return {row["key"]: (row["value"], row["origin"]) for row in rows}


def test_every_key_is_shown_with_its_value_and_origin(project: Site) -> None:
    shown = origins(project)
    assert shown["store.backend"] == ("sqlite", "default")
    assert {"project.name", "store.codec", "views.backend", "observers"} <= set(shown)


def test_each_source_is_named(project: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    user = project.root.parent / "xdg" / "fleet" / "config.toml"
    user.parent.mkdir(parents=True)
    user.write_text("[store]\ncodec = 'msgpack'\n[plugins.sqlite]\nbusy_seconds = 5\n")
    (project.root / "fleet.toml").write_text("[project]\nname = 'Apollo'\n")
    monkeypatch.setenv("FLEET_STORE__BACKEND", "memory")
    shown = origins(project)
    assert shown["store.codec"] == ("msgpack", str(user))
    assert shown["plugins.sqlite.busy_seconds"] == (5, str(user))
    assert shown["project.name"] == ("Apollo", str(project.root / "fleet.toml"))
    assert shown["store.backend"] == ("memory", "FLEET_STORE__BACKEND")


def test_people_see_origins_when_they_ask(project: Site) -> None:
    assert "default" not in project.run("config", "show").out
    assert project.run("config", "show", "--origin").rows[1] == ["store.backend", "sqlite", "default"]


def test_outside_a_project_the_rest_is_shown_and_said_to_be_the_rest(outside: Site) -> None:
    answer = outside.run("config", "show")
    assert answer.status == 0
    assert "No fleet.toml is read" in answer.err
    assert ["store.backend", "sqlite"] in answer.rows


def test_a_setting_that_is_wrong_is_an_error_that_names_its_place(project: Site) -> None:
    (project.root / "fleet.toml").write_text("[store]\nbakend = 'memory'\n")
    answer = project.run("config", "show")
    assert answer.status == 7
    assert str(project.root / "fleet.toml") in answer.err
    assert "bakend" in answer.err
