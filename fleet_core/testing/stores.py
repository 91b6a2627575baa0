"""What makes an event store: inherit `StoreConformance`, give `open_store`, say what it `lacks`."""

import importlib
from pathlib import Path
from typing import Any, NamedTuple

import pluggy

from fleet_core import hooks
from fleet_core.codecs import EventCodec
from fleet_core.errors import NotFound, PluginBroken
from fleet_core.stores import EventStore
from fleet_core.testing.models import ModelKit
from fleet_core.testing.store_kit.appending import AppendingKit
from fleet_core.testing.store_kit.base import OpenStore, StoreKit
from fleet_core.testing.store_kit.causes import CausesKit
from fleet_core.testing.store_kit.closing import ClosingKit
from fleet_core.testing.store_kit.conditions import ConditionsKit
from fleet_core.testing.store_kit.content import ContentKit
from fleet_core.testing.store_kit.durability import DurabilityKit
from fleet_core.testing.store_kit.expectations import ExpectationsKit
from fleet_core.testing.store_kit.filters import FiltersKit
from fleet_core.testing.store_kit.maintenance import MaintenanceKit
from fleet_core.testing.store_kit.moving import MovingKit
from fleet_core.testing.store_kit.names import NamesKit
from fleet_core.testing.store_kit.ordering import OrderingKit
from fleet_core.testing.store_kit.pipelining import PipeliningKit
from fleet_core.testing.store_kit.processes import ProcessesKit
from fleet_core.testing.store_kit.reading import ReadingKit
from fleet_core.testing.store_kit.repeating import RepeatingKit
from fleet_core.testing.store_kit.searching import SearchingKit
from fleet_core.testing.store_kit.selecting import SelectingKit
from fleet_core.testing.store_kit.threads import ThreadsKit
from fleet_core.testing.store_kit.views import ViewsKit
from fleet_core.testing.store_kit.waiting import WaitingKit
from fleet_core.times import Clock

__all__ = ["OpenStore", "StoreConformance", "opening"]


class StoreConformance(
    ExpectationsKit,
    AppendingKit,
    RepeatingKit,
    ConditionsKit,
    ReadingKit,
    FiltersKit,
    NamesKit,
    ContentKit,
    CausesKit,
    WaitingKit,
    ClosingKit,
    ThreadsKit,
    DurabilityKit,
    ProcessesKit,
    ViewsKit,
    SelectingKit,
    SearchingKit,
    OrderingKit,
    MaintenanceKit,
    PipeliningKit,
    MovingKit,
    ModelKit,
    StoreKit,
):
    """What `fleet_core.stores` says in words, a property a test.

    Give one fixture, `open_store`: a picklable callable that takes a codec and a clock and opens the store,
    in the same place each time within a test and in a new one for each test. A store that does without an
    ability says `lacks = {"durability": "why"}`; the ability's tests then make way for one that proves it.
    """


class _Opening(NamedTuple):
    module: str
    directory: Path
    settings: dict[str, Any]

    def __call__(self, codec: EventCodec, clock: Clock) -> EventStore:
        plugins = pluggy.PluginManager(hooks.PROJECT)
        plugins.add_hookspecs(hooks)
        plugins.register(importlib.import_module(self.module))
        store: EventStore | None = plugins.hook.fleet_open_store(
            name=self.module,
            settings=self.settings,
            codec=codec,
            clock=clock,
            directory=self.directory,
            service_url=_no_service,
        )
        if store is None:
            raise PluginBroken(f"{self.module} opens no store", remedy="implement the hook fleet_open_store")
        return store


def _no_service(service: str) -> str:
    raise NotFound(f"there is no service {service!r} here", remedy="name an address instead")


def opening(module: str, directory: Path, **settings: Any) -> OpenStore:
    """Opens a plugin's store in a directory, through its hook `fleet_open_store`, as fleet itself does."""
    return _Opening(module, directory, settings)
