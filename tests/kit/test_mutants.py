"""Every mutant is caught by the property that is there to catch it: the kit is worth its name."""

import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from fleet_core.testing import CodecConformance, StoreConformance
from kit.broken_suites import all_mutants
from kit.mutants.codecs import CodecMutant

MUTANTS = all_mutants()
NAMES = [mutant.__name__ for mutant in MUTANTS]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], list[str]]:
    """What became of each mutant's test, the variants of one property together. The kit is really run."""
    report = tmp_path_factory.mktemp("mutants") / "report.xml"
    suites = Path(__file__).with_name("broken_suites.py")
    command = [
        sys.executable,
        "-m",
        "pytest",
        str(suites),
        "-q",
        "-p",
        "no:cacheprovider",
        f"--junit-xml={report}",
    ]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert ran.returncode == pytest.ExitCode.TESTS_FAILED, ran.stdout + ran.stderr
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for case in ElementTree.parse(report).iter("testcase"):
        suite = case.attrib["classname"].rpartition(".")[2]
        property, _, _ = case.attrib["name"].partition("[")
        found[suite, property] += [fault.tag for fault in case] or ["passed"]
    return found


@pytest.mark.parametrize("mutant", MUTANTS, ids=NAMES)
def test_a_mutant_is_caught(mutant: type[Any], outcomes: dict[tuple[str, str], list[str]]) -> None:
    assert "failure" in outcomes[f"Test{mutant.__name__}", mutant.caught_by]


@pytest.mark.parametrize("mutant", MUTANTS, ids=NAMES)
def test_a_mutant_is_caught_by_a_property_of_the_kit(mutant: type[Any]) -> None:
    kit = CodecConformance if issubclass(mutant, CodecMutant) else StoreConformance
    assert hasattr(kit, mutant.caught_by)


def test_no_two_mutants_have_one_name() -> None:
    assert len(set(NAMES)) == len(NAMES)
