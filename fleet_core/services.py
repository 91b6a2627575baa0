"""Services: what a project needs running beside it, such as a database server.

A provider plugin knows how to run one; the life of a service is the same for all. Nothing here opens the
project's store, which may itself live in a service that is down.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple, Protocol, runtime_checkable

import msgspec

from fleet_core.errors import NotFound, ServiceFailed
from fleet_core.plugins import Plugins
from fleet_core.project import Project, create
from fleet_core.settings import Settings

State = Literal["absent", "stopped", "starting", "ready", "failing", "unknown"]
"""What a service is at the moment.

absent: nothing of it exists; stopped: its data is kept and nothing runs; starting: it runs and has not
answered yet; ready: it answered a request just now; failing: it runs, or should, and does not answer;
unknown: there is no way to tell.
"""

Report = Callable[[str], None]
"""Told what is being done or waited for, a short phrase each, such as `waiting for a login`."""

GROUP: Final = "fleet.providers"
PROVIDER: Final = "provider"
DEFAULT_PROVIDER: Final = "podman"


class ServiceStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What can be said of a service. Holds no secret.

    `detail` says why it is in that state, `remedy` what to do about it, `url` where it is, without a
    password; `facts` are what its provider likes to add, such as the name of a container.
    """

    service: str
    provider: str
    state: State
    detail: str = ""
    remedy: str = ""
    url: str = ""
    version: str = ""
    facts: dict[str, str] = {}


class Fault(NamedTuple):
    """One way in which a service goes wrong: its name, how it is recognised, and what to say.

    `pattern` is a regular expression that finds it in what an engine or a log says; empty when it is seen in
    another way. `message` and `remedy` may hold `{names}` of facts; `{service}` is always one.
    """

    name: str
    pattern: str
    message: str
    remedy: str

    def matches(self, text: str) -> bool:
        """Whether a text tells of this fault."""
        return bool(self.pattern) and re.search(self.pattern, text) is not None

    def error(self, service: str, *, said: str = "", **facts: str) -> ServiceFailed:
        """The error of this fault, for one service. `said` are the engine's own words, without secrets."""
        return ServiceFailed(
            f"service {service}: {self.message.format(service=service, **facts)}",
            remedy=self.remedy.format(service=service, **facts),
            service=service,
            fault=self.name,
            **({"said": said} if said else {}),
        )


class ServiceProvider(Protocol):
    """Runs one service of one project. Every method may be called at any time, by several processes.

    Methods that change something are idempotent. What goes wrong is a `ServiceFailed` that names the fault.
    """

    @property
    def faults(self) -> Sequence[Fault]:
        """Every fault that it can name, for the reference."""
        ...

    def up(self, report: Report) -> ServiceStatus:
        """Have the service run, and return when it answers requests at its url; its data is kept from before.

        What an interrupted first start left half-made is repaired, as long as no data can be in it.

        Raises:
            ServiceFailed: it can't be; a time-out says what was waited for and ends with the last log lines.
        """
        ...

    def down(self) -> ServiceStatus:
        """Have nothing of the service run any more, and keep its data."""
        ...

    def restart(self, report: Report) -> ServiceStatus:
        """Stop it, if it runs, and start it."""
        ...

    def status(self) -> ServiceStatus:
        """What the service is now, within 2 seconds. What is wrong with it is the answer, never an error."""
        ...

    def logs(
        self, *, tail: int | None = None, since: datetime | None = None, follow: bool = False
    ) -> Iterator[str]:
        """Lines that the service itself wrote, oldest first; also when it is stopped.

        `tail` is how many of the last ones, `since` how old they may be; with `follow` it goes on with new
        ones until the service stops.

        Raises:
            NotFound: the service is absent.
        """
        ...

    def belongings(self) -> list[str]:
        """What of the service exists on this machine, each in a few words: what `destroy` would remove."""
        ...

    def destroy(self) -> list[str]:
        """Stop it and remove all its belongings, its data too; says what was removed."""
        ...

    def url(self) -> str:
        """Where the service is, with the password if it has one. A secret.

        Raises:
            NotFound: the service is absent.
        """
        ...


@runtime_checkable
class Console(Protocol):
    """Optional ability of a provider: a client program for people, such as `psql`."""

    def console(self, arguments: Sequence[str]) -> int:
        """Run the client on this terminal, logged in, and return its exit status.

        Raises:
            ServiceFailed: the service does not run, or there is no client.
        """
        ...


class Services:
    """The services that a project's settings name, each with its provider; tells the observers."""

    def __init__(self, project: Project, settings: Settings, plugins: Plugins) -> None:
        self.project = project
        self._tables = settings.services
        self._plugins = plugins
        self._made: dict[str, ServiceProvider] = {}

    @property
    def names(self) -> list[str]:
        """The services there are, in the order of the settings."""
        return list(self._tables)

    def named(self, names: Iterable[str]) -> list[str]:
        """These services, each once, or all of them when none is named.

        Raises:
            NotFound: the settings do not name one of them.
        """
        chosen = list(dict.fromkeys(names)) or self.names
        for service in chosen:
            if service not in self._tables:
                raise NotFound(
                    f"no service is called {service!r}",
                    remedy=f"available services: {', '.join(self._tables) or 'none'}; "
                    f"[services.{service}] in fleet.toml adds one",
                    service=service,
                )
        return chosen

    def provider(self, service: str) -> ServiceProvider:
        """Who runs a service.

        Raises:
            NotFound: the settings name no such service.
            PluginBroken: its provider can't be loaded.
            Invalid: its table does not fit its provider.
        """
        self.named([service])
        if service not in self._made:
            self._made[service] = self._make(service)
        return self._made[service]

    def provider_name(self, service: str) -> str:
        """The name of the provider that the settings choose."""
        return str(self._tables[service].get(PROVIDER, DEFAULT_PROVIDER))

    def _make(self, service: str) -> ServiceProvider:
        name = self.provider_name(service)
        settings: dict[str, Any] = {
            key: value for key, value in self._tables[service].items() if key != PROVIDER
        }
        made: ServiceProvider = self._plugins.call(
            GROUP,
            name,
            "fleet_make_provider",
            name=name,
            service=service,
            settings=settings,
            directory=self.project.directory,
        )
        return made

    def up(self, service: str, report: Report) -> ServiceStatus:
        """Have a service run and answer; see `ServiceProvider.up`."""
        create(self.project)  # lest git sees what a provider keeps there
        return self._started(self.provider(service).up(report))

    def restart(self, service: str, report: Report) -> ServiceStatus:
        """Stop a service, if it runs, and start it; see `ServiceProvider.restart`."""
        create(self.project)
        return self._started(self.provider(service).restart(report))

    def down(self, service: str) -> ServiceStatus:
        """Have nothing of a service run any more; see `ServiceProvider.down`."""
        status = self.provider(service).down()
        self._plugins.tell("fleet_service_stopped", project=self.project, status=status)
        return status

    def destroy(self, service: str) -> list[str]:
        """Remove all that belongs to a service, its data too; see `ServiceProvider.destroy`."""
        removed = self.provider(service).destroy()
        status = self.provider(service).status()
        self._plugins.tell("fleet_service_stopped", project=self.project, status=status)
        return removed

    def _started(self, status: ServiceStatus) -> ServiceStatus:
        self._plugins.tell("fleet_service_started", project=self.project, status=status)
        return status
