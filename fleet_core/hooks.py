"""Every pluggy hook of fleet, in the order of a fleet's life.

A hook stands here only with a plugin that needs it. Arguments may be added, never renamed. A mistyped hook
name in a plugin is an error.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pluggy

if TYPE_CHECKING:
    from fleet_core.codecs import Codec, EventCodec, Upcaster
    from fleet_core.events import EventType, Recorded
    from fleet_core.fleet import Fleet
    from fleet_core.project import Project
    from fleet_core.projections import Projection
    from fleet_core.services import ServiceProvider, ServiceStatus
    from fleet_core.stores import EventStore, Views
    from fleet_core.times import Clock

PROJECT: Final = "fleet"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


# Roles: one plugin chosen by name; called on that plugin alone (and on wrappers).


@hookspec(firstresult=True)
def fleet_make_codec(name: str, settings: dict[str, Any]) -> "Codec | None":
    """Make the codec that the project stores its events with.

    Role of group `fleet.codecs`. `name` is the entry point's name, which a module that offers several codecs
    looks at; `settings` is the table `[plugins.NAME]` of fleet.toml.
    """


@hookspec(firstresult=True)
def fleet_open_store(
    name: str,
    settings: dict[str, Any],
    codec: "EventCodec",
    clock: "Clock",
    directory: Path,
    service_url: Callable[[str], str],
) -> "EventStore | None":
    """Open the project's event store, creating it when it does not exist yet.

    Role of group `fleet.stores`. `codec` prepares events and reads them back; `clock` gives `recorded_at`,
    but the system's gives way to that of a server, where there is one; `directory` is the project's `.fleet`
    directory, where a store keeps its files unless settings say otherwise; `service_url` says where one of
    the project's services is, password included.
    """


@hookspec(firstresult=True)
def fleet_open_views(
    name: str, settings: dict[str, Any], codec: "EventCodec", directory: Path
) -> "Views | None":
    """Open read tables beside a store that has none of its own.

    Optional hook of group `fleet.stores`; asked of the plugin named by `[views] backend`.
    """


@hookspec(firstresult=True)
def fleet_make_provider(
    name: str, service: str, settings: dict[str, Any], directory: Path
) -> "ServiceProvider | None":
    """Make the provider of one service of a project; it starts nothing yet.

    Role of group `fleet.providers`. `service` is the service's name, `settings` its table
    `[services.SERVICE]` of fleet.toml; `directory` is the project's `.fleet` directory, where a provider
    keeps what it must remember.
    """


# Contributions: what all installed plugins say adds up.


@hookspec
def fleet_event_types() -> "Sequence[type[EventType]]":  # type: ignore[empty-body]
    """The event types a domain owns. Group `fleet.domains`."""


@hookspec
def fleet_upcasters() -> "Sequence[Upcaster]":  # type: ignore[empty-body]
    """The steps that lead old data of a domain's event types to their current versions. Group
    `fleet.domains`.
    """


@hookspec
def fleet_projections() -> "Sequence[Projection[Any]]":  # type: ignore[empty-body]
    """The projections a domain keeps. Group `fleet.domains`."""


# Observers: told after the fact, each by itself; one that fails is reported and stops nobody.


@hookspec
def fleet_opened(fleet: "Fleet") -> None:
    """A fleet was opened. Group `fleet.observers`, active when named in fleet.toml."""


@hookspec
def fleet_events_recorded(fleet: "Fleet", events: "Sequence[Recorded]") -> None:
    """Events were recorded by this process, and are durable. Group `fleet.observers`."""


@hookspec
def fleet_projection_advanced(fleet: "Fleet", name: str, position: int) -> None:
    """A read table was caught up or rebuilt to a position by this process. Group `fleet.observers`."""


@hookspec
def fleet_service_started(project: "Project", status: "ServiceStatus") -> None:
    """A service of a project was started, or found running, and answers. Group `fleet.observers`."""


@hookspec
def fleet_service_stopped(project: "Project", status: "ServiceStatus") -> None:
    """A service of a project was stopped or destroyed. Group `fleet.observers`."""


@hookspec
def fleet_closed(fleet: "Fleet") -> None:
    """A fleet is about to close. Group `fleet.observers`."""
