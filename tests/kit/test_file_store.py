"""The sound store in a file passes the whole kit: the kit asks nothing that only one kind of store can do."""

from functools import partial
from pathlib import Path

import pytest

from fleet_core.testing import OpenStore, StoreConformance
from kit.file_store import FileStore


class TestFileStore(StoreConformance):
    lacks = {
        "views": "its readers fold for themselves",
        "maintenance": "it is too small to need any",
        "moving": "its log begins with it",
        "pipelining": "its appends are over when they return",
    }

    @pytest.fixture
    def open_store(self, tmp_path: Path) -> OpenStore:
        return partial(FileStore, tmp_path / "log")
