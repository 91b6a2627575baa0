"""What goes wrong in Podman is known by what is said, and every fault says what to do."""

import ast
import re
import string
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from fleet_core.api import Fault
from fleet_podman import faults, image_faults, server_faults
from fleet_podman.faults import FAULTS, OTHER, PODMAN_MISSING, recognise

FACTS = {
    "image": "docker.io/library/postgres:16",
    "port": "5432",
    "container": "fleettools-pg",
    "volume": "fleettools-pg-data",
    "database": "fleettools",
    "user": "fleettools",
}
"""What every fault is told."""
MORE = {
    "waited": "a login",
    "seconds": "60",
    "owner": "somebody else",
    "removal": "`podman rm fleettools-pg`",
    "processes": "4711",
    "secret": "fleettools-pg-password",
    "folder": ".fleet/services/postgres",
}
"""What some are told besides."""
HEAD = re.compile(r"^\[([a-z0-9-]+)\].*\n", re.MULTILINE)


class Sample(NamedTuple):
    """A text, the name of the fault that it tells of, and the line where it begins."""

    fault: str
    text: str
    line: int


def samples() -> list[Sample]:
    """The texts of `data/podman_said.txt`."""
    whole = (Path(__file__).parents[1] / "data" / "podman_said.txt").read_text()
    heads = list(HEAD.finditer(whole))
    ends = [*(head.start() for head in heads[1:]), len(whole)]
    return [
        Sample(head[1], whole[head.end() : end], whole.count("\n", 0, head.end()) + 1)
        for head, end in zip(heads, ends, strict=True)
    ]


def words_of(fault: Fault) -> tuple[str, str]:
    """What a fault says when it happens, and its remedy."""
    error = fault.error("postgres", **FACTS, **MORE)
    return error.message, error.remedy


def facts_of(fault: Fault) -> set[str]:
    """The facts that the words of a fault hold."""
    return {name for _, name, _, _ in string.Formatter().parse(fault.message + fault.remedy) if name}


@pytest.mark.parametrize("sample", samples(), ids=lambda sample: f"{sample.fault}-{sample.line}")
def test_what_is_said_names_its_fault_and_no_other(sample: Sample) -> None:
    assert [fault.name for fault in FAULTS if fault.matches(sample.text)] == [sample.fault]
    assert recognise(sample.text).name == sample.fault


def test_every_fault_that_is_known_by_a_text_has_a_text_here() -> None:
    assert {fault.name for fault in FAULTS if fault.pattern} == {sample.fault for sample in samples()}


@pytest.mark.parametrize("text", ["", "Error: something that nobody has seen yet", "no route to the moon"])
def test_what_nobody_has_seen_yet_is_another_fault(text: str) -> None:
    assert recognise(text) == OTHER


def test_no_two_faults_have_the_same_name() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_says_what_is_wrong_and_what_to_do(fault: Fault) -> None:
    message, remedy = words_of(fault)
    assert message.startswith("service postgres: ")
    assert len(remedy) > 8
    assert not re.search(r"(?<!\{)\{[a-z]*\}(?!\})", message + remedy), "a fact was not filled in"


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_the_exit_status_of_a_fault_says_that_trying_again_may_help(fault: Fault) -> None:
    error = fault.error("postgres", **FACTS, **MORE)
    assert (int(error.exit), error.details["fault"]) == (8, fault.name)


@pytest.mark.parametrize(
    "command",
    [
        "brew install podman",
        "sudo apt-get install podman",
        "sudo dnf install podman",
        "sudo pacman -S podman",
        "winget install RedHat.Podman",
        'provider = "postgres-local"',
    ],
)
def test_without_podman_the_remedy_says_how_to_get_it_on_every_system(command: str) -> None:
    assert command in words_of(PODMAN_MISSING)[1]


@pytest.mark.parametrize(
    ("fault", "settings"),
    [
        (faults.LIMITS_NOFILE, {"containers": {"default_ulimits": ["nofile=8192:8192", "nproc=8192:8192"]}}),
        (faults.LIMITS_NPROC, {"containers": {"default_ulimits": ["nofile=8192:8192", "nproc=8192:8192"]}}),
        (faults.CGROUPS_HYBRID, {"engine": {"runtime": "runc"}}),
        (faults.SYSTEMD_MISSING, {"engine": {"cgroup_manager": "cgroupfs", "events_logger": "file"}}),
    ],
    ids=lambda value: value.name if isinstance(value, Fault) else "",
)
def test_a_remedy_that_changes_the_settings_of_podman_can_be_typed(
    tmp_path: Path, fault: Fault, settings: object
) -> None:
    command = re.search("`(sudo mkdir .*?)`", words_of(fault)[1])
    assert command
    there = command[1].replace("sudo ", "").replace("/etc/containers", str(tmp_path))
    subprocess.run(["sh", "-ec", there], check=True, stdout=subprocess.DEVNULL)
    (written,) = tmp_path.glob("containers.conf.d/*.conf")
    assert tomllib.loads(written.read_text()) == settings


def raised() -> Iterator[tuple[str, Fault, set[str]]]:
    """Every place in the provider that raises a certain fault, with the facts that it adds."""
    known = {
        name: value
        for module in (faults, image_faults, server_faults)
        for name, value in vars(module).items()
        if isinstance(value, Fault)
    }
    for path in sorted(Path(faults.__file__).parent.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Name):
                fault = known.get(node.args[0].id)
                if fault and isinstance(node.func, ast.Attribute) and node.func.attr == "error":
                    yield f"{path.name}:{node.lineno}", fault, {word.arg or "" for word in node.keywords}


def test_who_raises_a_fault_tells_what_its_words_hold() -> None:
    places = list(raised())
    assert len(places) > 5
    assert [
        (place, fault.name, missing)
        for place, fault, told in places
        if (missing := facts_of(fault) - {"service", *FACTS} - told)
    ] == []
