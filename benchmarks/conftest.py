"""The fixtures and options of fleet's own suites."""

from fleet_bench.suites.fixtures import (
    arena,
    pytest_addoption,
    pytest_configure,
    pytest_generate_tests,
    pytest_itemcollected,
    told,
)

__all__ = [
    "arena",
    "pytest_addoption",
    "pytest_configure",
    "pytest_generate_tests",
    "pytest_itemcollected",
    "told",
]
