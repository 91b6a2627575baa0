"""The kit, put to each mutant. Run by `test_mutants` in a pytest of its own, because its tests must fail."""

import importlib
import inspect
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from fleet_core.testing import StoreConformance
from fleet_core.testing.store_kit import base
from kit.mutants.base import Mutant
from kit.mutants.files import FileMutant

# A mutant that hangs needs no half a minute to be found out.
base.DEADLINE = 5.0

SUBJECTS = ("abilities", "content", "deciding", "files", "publishing", "reading", "repeating")


def all_mutants() -> list[type[Mutant] | type[FileMutant]]:
    """Every class of `kit.mutants` that has a fault."""
    modules = [importlib.import_module(f"kit.mutants.{subject}") for subject in SUBJECTS]
    found = [value for module in modules for value in vars(module).values() if _is_mutant(value)]
    return list(dict.fromkeys(found))


def _is_mutant(value: object) -> bool:
    return inspect.isclass(value) and issubclass(value, Mutant | FileMutant) and hasattr(value, "caught_by")


def _open_in_memory(mutant: type[Mutant], _directory: Path) -> Callable[..., Any]:
    return mutant


def _open_in_file(mutant: type[FileMutant], directory: Path) -> Callable[..., Any]:
    return partial(mutant, directory / "log")


def _suite(mutant: type[Any]) -> type[StoreConformance]:
    opens = _open_in_file if issubclass(mutant, FileMutant) else _open_in_memory

    @pytest.fixture
    def open_store(self: object, tmp_path: Path) -> Callable[..., Any]:
        return opens(mutant, tmp_path)

    return type(
        f"Test{mutant.__name__}", (StoreConformance,), {"open_store": open_store, "lacks": mutant.lacks}
    )


for _mutant in all_mutants():
    globals()[f"Test{_mutant.__name__}"] = _suite(_mutant)
