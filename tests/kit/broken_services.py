"""The kit for service providers, put to each mutant. Run by `test_service_mutants` in a pytest of its own.

Each class keeps the one property that is to find its mutant out. To see what else does:
`pytest tests/kit/broken_services.py -k NAME` with `WHOLE_KIT=1`.
"""

import importlib
import inspect
import os
from collections.abc import Iterator
from typing import Any

import pytest

from fleet_core.testing import ProviderConformance
from fleet_core.testing.service_kit import base
from kit.service_mutants.base import MutantProbe, ProviderMutant

SUBJECTS = ("crashes", "crowds", "destroying", "logs", "secrets", "starting", "status", "stopping")


@pytest.fixture(autouse=True, scope="module")
def little_patience() -> Iterator[None]:
    """A mutant that hangs needs no minutes to be found out."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(base, "PROMPT", 3.0)
        patch.setattr(base, "PATIENCE", 3.0)
        yield


def all_mutants() -> list[type[ProviderMutant]]:
    """Every class of `kit.service_mutants` that has a fault."""
    modules = [importlib.import_module(f"kit.service_mutants.{subject}") for subject in SUBJECTS]
    return [value for module in modules for value in vars(module).values() if _has_a_fault(value)]


def _has_a_fault(value: object) -> bool:
    return inspect.isclass(value) and hasattr(value, "caught_by")


def _suite(mutant: type[ProviderMutant]) -> type:
    probe = type(f"{mutant.__name__}Probe", (MutantProbe,), {"mutant": mutant})
    kit: dict[str, Any] = {"probe": probe, "lacks": mutant.lacks}
    if "WHOLE_KIT" not in os.environ:
        names = [name for name in dir(ProviderConformance) if name.startswith("test_")]
        kit |= {name: None for name in names if name != mutant.caught_by}
    return type(f"Test{mutant.__name__}", (ProviderConformance,), kit)


for _mutant in all_mutants():
    globals()[f"Test{_mutant.__name__}"] = _suite(_mutant)
