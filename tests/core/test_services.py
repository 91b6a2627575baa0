"""Services: settings name them, providers run them, observers hear of it; faults say what to do."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

import toys
from fleet_core.api import Console, Fault, Invalid, NotFound, PluginBroken, ServiceFailed, ServiceStatus
from fleet_core.plugins import Plugins
from fleet_core.project import Project
from fleet_core.services import Services
from fleet_core.settings import Settings, load
from toy_services import becomes, stopping

PROVIDERS = tuple(
    ("fleet.providers", name, "toy_services") for name in ("toy", "mute", "crashing", "nothing")
)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """A project whose toys are stopped afterwards."""
    with stopping(tmp_path):
        yield Project(tmp_path, tmp_path / ".fleet")


def services_of(
    project: Project,
    observers: Sequence[str] = (),
    warnings: list[str] | None = None,
    **tables: dict[str, Any],
) -> Services:
    """Services with these tables; those that say nothing else are toys."""
    told = {name: {"provider": "toy"} | table for name, table in tables.items()}
    plugins = Plugins(
        toys.catalog(*PROVIDERS), observers, warn=(warnings if warnings is not None else []).append
    )
    return Services(project, Settings(services=told), plugins)


def silently(phrase: str) -> None:
    """Report to nobody."""


def test_a_project_has_postgres_run_by_podman_unless_it_says_otherwise(project: Project) -> None:
    services = Services(project, Settings(), Plugins(toys.catalog()))
    assert services.names == ["postgres"]
    assert services.provider_name("postgres") == "podman"


def test_a_service_of_fleet_toml_takes_the_place_of_the_default(tmp_path: Path) -> None:
    (tmp_path / "fleet.toml").write_text('[services.lines]\nprovider = "toy"\nport = 70\n')
    assert load(tmp_path / "fleet.toml", {}).settings.services == {"lines": {"provider": "toy", "port": 70}}


def test_a_variable_sets_a_key_of_a_service(tmp_path: Path) -> None:
    settings = load(None, {"FLEET_SERVICES__POSTGRES__PORT": "auto", "HOME": str(tmp_path)}).settings
    assert settings.services == {"postgres": {"port": "auto"}}


def test_defaults_are_nobodys_to_change() -> None:
    Settings().services["postgres"]["port"] = "auto"
    assert Settings().services == {"postgres": {}}


def test_services_stand_in_the_order_of_the_settings(project: Project) -> None:
    services = services_of(project, b={}, a={}, c={})
    assert services.names == ["b", "a", "c"]
    assert services.named(()) == ["b", "a", "c"]


def test_named_services_are_taken_once_and_in_the_order_they_are_named(project: Project) -> None:
    assert services_of(project, b={}, a={}).named(["a", "b", "a"]) == ["a", "b"]


def test_an_unknown_service_is_refused_with_those_that_there_are(project: Project) -> None:
    services = services_of(project, lines={}, more={})
    for ask in (services.provider, lambda name: services.named(["lines", name])):
        with pytest.raises(NotFound) as refusal:
            ask("line")
        assert refusal.value.remedy.startswith("available services: lines, more; ")


def test_a_provider_that_nobody_offers_is_not_found(project: Project) -> None:
    with pytest.raises(NotFound, match="no provider is called 'absent'"):
        services_of(project, lines={"provider": "absent"}).provider("lines")


def test_a_provider_that_makes_nothing_of_its_name_is_broken(project: Project) -> None:
    with pytest.raises(PluginBroken, match="offers nothing under that name"):
        services_of(project, lines={"provider": "nothing"}).provider("lines")


def test_a_table_that_does_not_fit_is_refused_with_its_place(project: Project) -> None:
    with pytest.raises(Invalid, match=r"\[services.lines\].*prot"):
        services_of(project, lines={"prot": 1}).provider("lines")


def test_making_a_provider_starts_nothing_and_writes_nothing(project: Project) -> None:
    assert services_of(project, lines={}).provider("lines").status().state == "absent"
    assert not project.directory.exists()


def test_a_provider_is_made_once(project: Project) -> None:
    services = services_of(project, lines={})
    assert services.provider("lines") is services.provider("lines")


def test_the_life_of_a_service(project: Project) -> None:
    services = services_of(project, lines={})
    provider = services.provider("lines")
    phrases: list[str] = []
    states = [
        services.up("lines", phrases.append).state,
        services.up("lines", phrases.append).state,
        services.down("lines").state,
        services.down("lines").state,
        services.restart("lines", phrases.append).state,
        provider.status().state,
    ]
    assert states == ["ready", "ready", "stopped", "stopped", "ready", "ready"]
    assert phrases[:2] == ["starting a server", "waiting for an answer"]
    assert services.destroy("lines") == ["folder toy-lines, with all lines"]
    assert services.destroy("lines") == []
    assert provider.status().state == "absent"


def test_a_service_that_died_is_failing_and_comes_up_again(project: Project) -> None:
    services = services_of(project, lines={})
    services.up("lines", silently)
    process = (project.directory / "toy-lines" / "process").read_text().split()
    os.kill(int(process[0]), signal.SIGKILL)
    assert becomes(lambda: not listens(int(process[1])))
    assert services.provider("lines").status().state == "failing"
    assert services.up("lines", silently).state == "ready"


def listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def test_two_services_of_a_project_do_not_meet(project: Project) -> None:
    services = services_of(project, one={}, two={})
    urls = {services.up(name, silently).url for name in services.names}
    assert len(urls) == 2
    services.destroy("one")
    assert services.provider("two").status().state == "ready"


def test_what_a_provider_keeps_is_hidden_from_others_and_from_git(project: Project) -> None:
    services_of(project, lines={}).up("lines", silently)
    assert project.directory.stat().st_mode & 0o777 == 0o700
    assert (project.directory / ".gitignore").read_text() == "*\n"


def test_observers_hear_of_services_that_start_and_stop(project: Project) -> None:
    toys.listener.heard.clear()
    services = services_of(project, observers=["listener"], lines={})
    services.up("lines", silently)
    services.restart("lines", silently)
    services.down("lines")
    services.destroy("lines")
    assert toys.listener.heard == [
        ("started", project.root, "lines", "ready"),
        ("started", project.root, "lines", "ready"),
        ("stopped", project.root, "lines", "stopped"),
        ("stopped", project.root, "lines", "absent"),
    ]


def test_nobody_is_told_of_a_service_that_did_not_start(project: Project) -> None:
    toys.listener.heard.clear()
    with pytest.raises(ServiceFailed):
        services_of(project, observers=["listener"], lines={"engine": "/nowhere"}).up("lines", silently)
    assert toys.listener.heard == []


def test_an_observer_that_fails_is_reported_and_stops_no_service(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    warnings: list[str] = []
    services = services_of(project, observers=["listener"], warnings=warnings, lines={})
    monkeypatch.setattr(toys.listener, "heard", None)
    assert services.up("lines", silently).state == "ready"
    assert len(warnings) == 1
    assert "observer 'listener'" in warnings[0]


def test_whether_a_provider_has_a_client_is_seen_by_its_method(project: Project) -> None:
    services = services_of(project, lines={}, dumb={"provider": "mute"})
    assert isinstance(services.provider("lines"), Console)
    assert not isinstance(services.provider("dumb"), Console)


def test_a_missing_engine_is_a_state_when_looking_and_a_fault_when_starting(project: Project) -> None:
    services = services_of(project, lines={"engine": "/nowhere"})
    assert services.provider("lines").status().state == "unknown"
    with pytest.raises(ServiceFailed) as failure:
        services.up("lines", silently)
    assert failure.value.details["fault"] == "no-engine"


def test_a_taken_port_is_recognised_in_what_the_engine_says(project: Project) -> None:
    with socket.create_server(("127.0.0.1", 0)) as rival:
        port = rival.getsockname()[1]
        with pytest.raises(ServiceFailed, match=f"service lines: port {port} is taken"):
            services_of(project, lines={"port": port}).up("lines", silently)


def test_a_time_out_carries_the_last_lines_of_the_log(project: Project) -> None:
    services = services_of(project, lines={"gate": "/nowhere", "timeout": 0.5})
    with pytest.raises(ServiceFailed) as failure:
        services.up("lines", silently)
    assert (failure.value.details["fault"], failure.value.details["said"]) == ("silent", "starting")
    assert services.provider("lines").status().state == "starting"


BURNT = Fault("burnt", r"fire in (\w+)", "{what} burns", "fleet services logs {service}; mind {what}")


def test_a_fault_is_recognised_by_its_pattern_anywhere() -> None:
    assert BURNT.matches("Warning: fire in engine!")
    assert not BURNT.matches("no fire")


def test_a_fault_without_a_pattern_is_never_recognised() -> None:
    assert not BURNT._replace(pattern="").matches("")


def test_a_fault_becomes_an_error_that_names_service_and_fault() -> None:
    error = BURNT.error("lines", said="fire in engine", what="the engine")
    assert error.as_dict() == {
        "code": "SERVICE_FAILED",
        "message": "service lines: the engine burns",
        "remedy": "fleet services logs lines; mind the engine",
        "service": "lines",
        "fault": "burnt",
        "said": "fire in engine",
    }
    assert error.exit == 8


def test_an_error_without_an_engines_words_has_none() -> None:
    assert "said" not in BURNT.error("lines", what="it").details


def test_a_status_is_of_one_of_six_states() -> None:
    fine = {"service": "a", "provider": "b", "state": "ready"}
    assert msgspec.convert(fine, ServiceStatus).state == "ready"
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(fine | {"state": "sleepy"}, ServiceStatus)


def test_the_module_imports_no_store_and_no_engine() -> None:
    code = (
        "import sys, fleet_core.services\n"
        "print(*{'peewee', 'pysqlite3', 'sqlite3', 'psycopg', 'sh'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
