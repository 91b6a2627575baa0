"""Every broken PostgreSQL store is caught by the property that is there to catch it."""

import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from kit.mutants.postgres import MUTANTS, PostgresMutant
from postgres_servers import SharedServer

TESTS = Path(__file__).parents[1]


def tags_of(name: str, properties: list[str], postgres: SharedServer, folder: Path) -> list[str]:
    """What becomes of properties when a mutant is in the place of the store, in a pytest of their own on the
    server of this one: for each `passed`, `failure` or `error`."""
    report = folder / "report.xml"
    options = ["-q", "-p", "kit.mutants.postgres", "-p", "no:cacheprovider", f"--junit-xml={report}"]
    # As a worker it shares the server of the run that its folder is in.
    base = f"--basetemp={postgres.base / folder.name}-{os.getpid()}"
    environment = {"FLEET_MUTANT": name, "PYTHONPATH": str(TESTS), "PYTEST_XDIST_WORKER": "mutant"}
    command = [sys.executable, "-m", "pytest", *options, base, *(f"{TESTS}/{each}" for each in properties)]
    ran = subprocess.run(
        command, env=os.environ | environment, capture_output=True, text=True, timeout=120, cwd=TESTS.parent
    )
    assert ran.returncode in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED), ran.stdout + ran.stderr
    found = ElementTree.parse(report).iter("testcase")
    return [case[0].tag if len(case) else "passed" for case in found]


@pytest.mark.parametrize("mutant", MUTANTS.values(), ids=MUTANTS)
def test_a_mutant_is_caught(mutant: type[PostgresMutant], postgres: SharedServer, tmp_path: Path) -> None:
    assert tags_of(mutant.__name__, [mutant.caught_by], postgres, tmp_path) == ["failure"]


def test_the_store_in_a_mutant_s_clothes_passes(postgres: SharedServer, tmp_path: Path) -> None:
    properties = [mutant.caught_by for mutant in MUTANTS.values()]
    assert tags_of("nobody", properties, postgres, tmp_path) == ["passed"] * len(properties)
