"""The SQLite store is put to every property of the conformance kit."""

from pathlib import Path

import pytest

from fleet_core.testing.stores import OpenStore, StoreConformance, opening


class TestSqliteStore(StoreConformance):
    @pytest.fixture
    def open_store(self, tmp_path: Path) -> OpenStore:
        return opening("fleet_sqlite.plugin", tmp_path)
