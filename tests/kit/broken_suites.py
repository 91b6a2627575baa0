"""The kits, put to each mutant. Run by `test_mutants` in a pytest of its own, because its tests must fail.

Each class keeps the one property that is to find its mutant out. To see what else does:
`pytest tests/kit/broken_suites.py -k NAME` with `WHOLE_KIT=1`.
"""

import importlib
import inspect
import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from fleet_core.testing import CodecConformance, StoreConformance
from fleet_core.testing.store_kit import base
from kit.mutants.base import Mutant
from kit.mutants.codecs import CodecMutant
from kit.mutants.files import FileMutant

SUBJECTS = [
    *("abilities", "codecs", "content", "deciding", "files", "publishing", "reading", "repeating"),
    "selecting",
]


@pytest.fixture(autouse=True, scope="module")
def little_patience() -> Iterator[None]:
    """A mutant that hangs needs no half a minute to be found out."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(base, "DEADLINE", 1.5)
        yield


def all_mutants() -> list[type[Any]]:
    """Every class of `kit.mutants` that has a fault."""
    modules = [importlib.import_module(f"kit.mutants.{subject}") for subject in SUBJECTS]
    return [value for module in modules for value in vars(module).values() if _has_a_fault(value)]


def _has_a_fault(value: object) -> bool:
    return inspect.isclass(value) and hasattr(value, "caught_by")


def _codec_suite(mutant: type[CodecMutant]) -> type:
    @pytest.fixture
    def codec(self: object) -> CodecMutant:
        return mutant()

    return _suite(mutant, CodecConformance, codec=codec)


def _memory_suite(mutant: type[Mutant]) -> type:
    @pytest.fixture
    def open_store(self: object) -> Callable[..., Any]:
        return mutant

    return _suite(mutant, StoreConformance, open_store=open_store, lacks=mutant.lacks)


def _file_suite(mutant: type[FileMutant]) -> type:
    @pytest.fixture
    def open_store(self: object, tmp_path: Path) -> Callable[..., Any]:
        return partial(mutant, tmp_path / "log")

    return _suite(mutant, StoreConformance, open_store=open_store, lacks=mutant.lacks)


def _suite(mutant: type[Any], kit: type, **members: Any) -> type:
    others = {name: None for name in dir(kit) if name.startswith("test_") and name != mutant.caught_by}
    return type(f"Test{mutant.__name__}", (kit,), members | ({} if "WHOLE_KIT" in os.environ else others))


MAKERS: dict[type, Callable[[Any], type]] = {
    CodecMutant: _codec_suite,
    Mutant: _memory_suite,
    FileMutant: _file_suite,
}

for _mutant in all_mutants():
    _make = next(make for kind, make in MAKERS.items() if issubclass(_mutant, kind))
    globals()[f"Test{_mutant.__name__}"] = _make(_mutant)
