"""What a store says that it lacks: known abilities, with a reason; the tests change places accordingly."""

import subprocess
import sys
from pathlib import Path

import pytest

from fleet_core.errors import Usage
from fleet_core.testing import StoreConformance
from fleet_core.testing.store_kit.base import ABILITIES

WITHOUT_FIXTURE = """
from fleet_core.testing import StoreConformance

class TestNothing(StoreConformance):
    pass
"""


def _kit(lacks: dict[str, str]) -> type[StoreConformance]:
    return type("TestStore", (StoreConformance,), {"lacks": lacks})


def _tests(kit: type[StoreConformance]) -> set[str]:
    return {name for name in dir(kit) if name.startswith("test_") and getattr(kit, name) is not None}


def test_an_ability_that_nobody_knows_is_refused() -> None:
    with pytest.raises(Usage, match="telepathy"):
        _kit({"telepathy": "not yet"})


def test_a_lack_without_a_reason_is_refused() -> None:
    with pytest.raises(Usage, match="durability"):
        _kit({"durability": ""})


def test_a_store_that_lacks_nothing_proves_no_lack() -> None:
    assert not [name for name in _tests(_kit({})) if name.startswith("test_it_lacks")]


@pytest.mark.parametrize("ability", ABILITIES)
def test_a_lacking_ability_gives_its_tests_for_one_that_proves_it(ability: str) -> None:
    complete, lacking = _tests(_kit({})), _tests(_kit({ability: "a reason"}))
    assert lacking - complete == {f"test_it_lacks_{ability}_as_it_says"}
    assert len(complete - lacking) >= 5


def test_a_kit_for_a_lacking_store_can_be_inherited_by_a_complete_one() -> None:
    lacking = _kit({"views": "a reason"})
    complete = type("TestComplete", (lacking,), {"lacks": {}})
    assert _tests(complete) == _tests(_kit({}))


def test_a_test_class_without_the_fixture_says_what_to_do(tmp_path: Path) -> None:
    suite = tmp_path / "test_nothing.py"
    suite.write_text(WITHOUT_FIXTURE)
    command = [
        sys.executable,
        "-m",
        "pytest",
        str(suite),
        "-k",
        "test_an_empty_log",
        "-p",
        "no:cacheprovider",
    ]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=60, check=False)
    assert ran.returncode == pytest.ExitCode.TESTS_FAILED
    assert "define the fixture `open_store`" in ran.stdout
