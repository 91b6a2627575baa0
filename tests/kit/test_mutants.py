"""Every mutant is caught by the property that is there to catch it: the kit is worth its name."""

from typing import Any

import pytest

from fleet_core.testing import CodecConformance, StoreConformance
from kit.broken_suites import all_mutants
from kit.mutants.codecs import CodecMutant
from kit.outcomes import Outcomes, outcomes_of

MUTANTS = all_mutants()
NAMES = [mutant.__name__ for mutant in MUTANTS]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Outcomes:
    """What became of each mutant's test."""
    return outcomes_of("broken_suites.py", tmp_path_factory.mktemp("mutants"))


@pytest.mark.parametrize("mutant", MUTANTS, ids=NAMES)
def test_a_mutant_is_caught(mutant: type[Any], outcomes: Outcomes) -> None:
    assert "failure" in outcomes[f"Test{mutant.__name__}", mutant.caught_by]


@pytest.mark.parametrize("mutant", MUTANTS, ids=NAMES)
def test_a_mutant_is_caught_by_a_property_of_the_kit(mutant: type[Any]) -> None:
    kit = CodecConformance if issubclass(mutant, CodecMutant) else StoreConformance
    assert hasattr(kit, mutant.caught_by)


def test_no_two_mutants_have_one_name() -> None:
    assert len(set(NAMES)) == len(NAMES)
