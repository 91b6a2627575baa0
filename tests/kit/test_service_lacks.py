"""What a provider's suite says that it lacks, and what it must not leave out."""

import subprocess
import sys
from pathlib import Path

import pytest

from fleet_core.errors import Usage
from fleet_core.testing import ProviderConformance
from fleet_core.testing.service_kit.base import ABILITIES

WITHOUT_PROBE = """
from fleet_core.testing import ProviderConformance

class TestNothing(ProviderConformance):
    pass
"""


def _tests(lacks: dict[str, str]) -> set[str]:
    kit = type("TestProvider", (ProviderConformance,), {"lacks": lacks})
    return {name for name in dir(kit) if name.startswith("test_") and getattr(kit, name) is not None}


def test_an_ability_of_stores_is_none_of_providers() -> None:
    with pytest.raises(Usage, match="durability"):
        _tests({"durability": "it is a service"})


@pytest.mark.parametrize("ability", ABILITIES)
def test_a_lacking_ability_gives_its_tests_for_one_that_proves_it(ability: str) -> None:
    complete, lacking = _tests({}), _tests({ability: "a reason"})
    (proof,) = lacking - complete
    assert proof.startswith("test_it_lacks_")
    assert complete - lacking


def test_a_test_class_without_a_probe_says_what_to_do(tmp_path: Path) -> None:
    suite = tmp_path / "test_nothing.py"
    suite.write_text(WITHOUT_PROBE)
    command = [sys.executable, "-m", "pytest", str(suite), "-k", "up_twice", "-p", "no:cacheprovider"]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=60, check=False)
    assert ran.returncode == pytest.ExitCode.TESTS_FAILED
    assert "say `probe = ...`" in ran.stdout
