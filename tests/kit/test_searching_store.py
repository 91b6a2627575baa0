"""The store with an index of words that mutants break finds what it should as long as nobody does."""

from collections.abc import Callable
from typing import Any

import pytest

from fleet_core.testing.store_kit.base import StoreKit
from fleet_core.testing.store_kit.searching import SearchingKit
from kit.mutants.base import MEMORY
from kit.mutants.selecting import Searches


class TestSearches(SearchingKit, StoreKit):
    lacks = MEMORY

    @pytest.fixture
    def open_store(self) -> Callable[..., Any]:
        return Searches
