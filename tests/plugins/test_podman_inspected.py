"""What Podman's releases print is understood, whatever they add or leave out."""

import json
from typing import Any

import pytest

from fleet_podman import inspected

CONTAINER: dict[str, Any] = {
    "Name": "pg",
    "State": {"Status": "running", "ExitCode": 0, "StartedAt": "2026-11-21T19:53:21.852701996Z"},
    "Config": {"Labels": {"a": "b"}, "Env": ["PG_MAJOR=16", "EMPTY="]},
    "HostConfig": {"PortBindings": {"5432/tcp": [{"HostIp": "127.0.0.1", "HostPort": "55432"}]}},
    "Mounts": [{"Type": "volume", "Name": "data", "Destination": "/data"}, {"Type": "bind", "Source": "/x"}],
    "ImageName": "docker.io/library/postgres:16",
}


def container(**changed: Any) -> inspected.Container:
    """A container, as one is printed with some things other than usual."""
    [found] = inspected.containers(json.dumps([CONTAINER | changed]))
    return found


def test_a_container_is_read() -> None:
    found = container()
    assert (found.name, found.state, found.port, found.volumes) == ("pg", "running", 55432, ("data",))
    assert found.environment == {"PG_MAJOR": "16", "EMPTY": ""}


def test_what_is_null_is_nothing() -> None:
    found = container(Config={"Labels": None, "Env": None}, HostConfig={"PortBindings": None}, Mounts=None)
    assert (found.labels, found.environment, found.port, found.volumes) == ({}, {}, None, ())


@pytest.mark.parametrize("port", ["", "0"])
def test_a_port_that_is_not_chosen_yet_is_none(port: str) -> None:
    assert container(HostConfig={"PortBindings": {"5432/tcp": [{"HostPort": port}]}}).port is None


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("configured", "created"),
        ("stopped", "exited"),
        ("removing", "improper"),
        ("something new", "improper"),
    ],
)
def test_every_status_is_a_state(status: str, state: str) -> None:
    assert container(State={"Status": status}).state == state


def test_an_empty_answer_holds_nothing() -> None:
    for read in (inspected.containers, inspected.seats, inspected.volumes, inspected.secrets):
        assert list(read("[]")) == []
