"""What makes a service provider: inherit `ProviderConformance`, give a `probe`, say what it `lacks`."""

import importlib
from pathlib import Path
from typing import Any, NamedTuple

import pluggy

from fleet_core import hooks
from fleet_core.errors import PluginBroken
from fleet_core.services import ServiceProvider
from fleet_core.testing.service_kit.base import MakeProvider, Probe, ProviderKit
from fleet_core.testing.service_kit.crashes import CrashesKit
from fleet_core.testing.service_kit.crowds import CrowdsKit
from fleet_core.testing.service_kit.destroying import DestroyingKit
from fleet_core.testing.service_kit.logs import LogsKit
from fleet_core.testing.service_kit.secrets import SecretsKit
from fleet_core.testing.service_kit.starting import StartingKit
from fleet_core.testing.service_kit.status import StatusKit
from fleet_core.testing.service_kit.stopping import StoppingKit
from fleet_core.testing.service_kit.strangers import StrangersKit

__all__ = ["MakeProvider", "Probe", "ProviderConformance", "providing"]


class ProviderConformance(
    StartingKit,
    StoppingKit,
    StatusKit,
    LogsKit,
    DestroyingKit,
    SecretsKit,
    CrashesKit,
    CrowdsKit,
    StrangersKit,
    ProviderKit,
):
    """What `fleet_core.services` says in words, a property a test.

    Give one thing, `probe`: a class of probes, which know the service on trial without its provider's words.
    A provider that does without an ability says `lacks = {"hanging": "why"}`; the ability's tests then make
    way for one that proves it.
    """


class _Providing(NamedTuple):
    module: str
    directory: Path
    service: str
    settings: dict[str, Any]

    def __call__(self) -> ServiceProvider:
        plugins = pluggy.PluginManager(hooks.PROJECT)
        plugins.add_hookspecs(hooks)
        plugins.register(importlib.import_module(self.module))
        provider: ServiceProvider | None = plugins.hook.fleet_make_provider(
            name=self.module, service=self.service, settings=self.settings, directory=self.directory
        )
        if provider is None:
            raise PluginBroken(
                f"{self.module} makes no provider", remedy="implement the hook fleet_make_provider"
            )
        return provider


def providing(module: str, directory: Path, service: str, **settings: Any) -> MakeProvider:
    """Makes a plugin's provider of a service, through its hook `fleet_make_provider`, as fleet itself does.

    `directory` stands for the project's `.fleet`, `settings` for the table `[services.SERVICE]`.
    """
    return _Providing(module, directory, service, settings)
