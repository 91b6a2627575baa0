"""Runs suites whose tests must fail, in a pytest of their own, and says what became of each test."""

import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from xml.etree import ElementTree

import pytest

Outcomes = dict[tuple[str, str], list[str]]
"""By class and test, the variants of one test together: `passed`, `failure`, `error` or `skipped`."""


def outcomes_of(suites: str, folder: Path, *options: str) -> Outcomes:
    """What becomes of the tests in a file beside this one. The kit is really run."""
    report = folder / "report.xml"
    path = Path(__file__).with_name(suites)
    quiet = ["-q", "-p", "no:cacheprovider", f"--junit-xml={report}"]
    command = [sys.executable, "-m", "pytest", str(path), *quiet, *options]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert ran.returncode == pytest.ExitCode.TESTS_FAILED, ran.stdout + ran.stderr
    found: Outcomes = defaultdict(list)
    for case in ElementTree.parse(report).iter("testcase"):
        suite = case.attrib["classname"].rpartition(".")[2]
        property, _, _ = case.attrib["name"].partition("[")
        found[suite, property] += [fault.tag for fault in case] or ["passed"]
    return found
