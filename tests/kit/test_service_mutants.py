"""Every broken provider is caught by the property that is there to catch it."""

import pytest

from fleet_core.testing import ProviderConformance
from kit.broken_services import all_mutants
from kit.outcomes import Outcomes, outcomes_of
from kit.service_mutants.base import ProviderMutant

MUTANTS = all_mutants()
NAMES = [mutant.__name__ for mutant in MUTANTS]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Outcomes:
    """What became of each mutant's test. Most of them wait for something, so several may as well."""
    return outcomes_of("broken_services.py", tmp_path_factory.mktemp("mutants"), "-n", "3")


@pytest.mark.parametrize("mutant", MUTANTS, ids=NAMES)
def test_a_mutant_is_caught(mutant: type[ProviderMutant], outcomes: Outcomes) -> None:
    assert "failure" in outcomes[f"Test{mutant.__name__}", mutant.caught_by]


@pytest.mark.parametrize("mutant", MUTANTS, ids=NAMES)
def test_a_mutant_is_caught_by_a_property_of_the_kit(mutant: type[ProviderMutant]) -> None:
    assert hasattr(ProviderConformance, mutant.caught_by)


def test_no_two_mutants_have_one_name() -> None:
    assert len(set(NAMES)) == len(NAMES)
