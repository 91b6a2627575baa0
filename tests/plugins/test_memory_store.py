"""The memory store keeps the contract that it is the reference of."""

from pathlib import Path

import pytest

from fleet_core.stores import EventStore
from fleet_core.testing import OpenStore, StoreConformance, opening
from fleet_memory.store import MemoryStore


class TestMemoryStore(StoreConformance):
    lacks = {
        "durability": "what is in memory ends with its process",
        "processes": "each opening is a memory of its own",
        "pipelining": "its appends are over when they return",
    }

    @pytest.fixture
    def open_store(self, tmp_path: Path) -> OpenStore:
        return opening("fleet_memory.plugin", tmp_path)

    def test_it_is_an_event_store(self, store: EventStore) -> None:
        assert isinstance(store, MemoryStore)
