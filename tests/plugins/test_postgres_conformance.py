"""The PostgreSQL store is put to every property of the conformance kit."""

from pathlib import Path

import pytest

from fleet_core.testing.stores import OpenStore, StoreConformance, opening
from postgres_servers import SharedServer


class TestPostgresStore(StoreConformance):
    @pytest.fixture
    def open_store(self, tmp_path: Path, postgres: SharedServer) -> OpenStore:
        return opening("fleet_postgres.plugin", tmp_path, dsn=postgres.dsn, schema=postgres.schema())
