"""Who takes part: the stores asked for, the limits beside them, the peers that are installed."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from fleet_bench.stores import GROUP
from fleet_core.api import Catalog, FleetError, NotFound, load_settings

Kind = Literal["store", "limit", "peer"]

Settings = Mapping[str, Mapping[str, Any]]
"""The settings of each store."""


class Entrant(NamedTuple):
    """Somebody who is to be measured. `beside` is the store whose terms it shares: the same disk or
    server.
    """

    name: str
    kind: Kind
    place: str
    beside: str
    what: str
    needs: str = ""
    """A module without which it can't run, and the extra of fleettools that brings it: `module extra`."""

    @property
    def directory(self) -> str:
        """A name for its directory."""
        return self.name.replace(" ", "-")

    @property
    def lacks(self) -> bool:
        """Whether a module that it needs is missing."""
        return bool(self.needs) and find_spec(self.needs.split()[0]) is None

    def type(self) -> type[Any]:
        """Its class, imported now."""
        module, _, attribute = self.place.partition(":")
        found: type[Any] = getattr(import_module(module), attribute)
        return found

    def open(self, directory: Path, preload: int, settings: Settings) -> Any:
        """Open it with a new log of so many events.

        Raises:
            FleetError: it can't run here; the message says why.
        """
        place, own = directory / self.directory, dict(settings.get(self.beside, {}))
        if self.kind == "store":
            return self.type()(self.name, place, preload, own)
        if self.kind == "limit":
            return self.type()(place, preload, own, source=directory / f"source-of-{self.directory}")
        return self.type()(place, preload, own) if self.beside == "postgres" else self.type()(place, preload)


LIMITS: Final = [
    Entrant("sqlite driver", "limit", "fleet_bench.limits.sqlite:SqliteDriver", "sqlite", "pysqlite3 alone"),
    Entrant(
        "psycopg",
        "limit",
        "fleet_bench.limits.postgres:PostgresDriver",
        "postgres",
        "psycopg alone; nothing orders the writers",
        "psycopg postgres",
    ),
    Entrant(
        "psycopg one lock",
        "limit",
        "fleet_bench.limits.postgres:PostgresDriverUnderOneLock",
        "postgres",
        "psycopg alone; one lock orders the writers",
        "psycopg postgres",
    ),
]

PEERS: Final = {
    "eventsourcing": [
        Entrant(
            "eventsourcing",
            "peer",
            "fleet_bench.peers.eventsourcing:PeerRecorder",
            "sqlite",
            "its recorder on SQLite; bytes in, bytes out",
        ),
        Entrant(
            "eventsourcing app",
            "peer",
            "fleet_bench.peers.eventsourcing:PeerApplication",
            "sqlite",
            "Application.save on SQLite",
        ),
        Entrant(
            "eventsourcing pg",
            "peer",
            "fleet_bench.peers.eventsourcing_postgres:PeerRecorderOnPostgres",
            "postgres",
            "its recorder on PostgreSQL; bytes in, bytes out",
            "psycopg_pool bench",
        ),
        Entrant(
            "eventsourcing pg app",
            "peer",
            "fleet_bench.peers.eventsourcing_postgres:PeerApplicationOnPostgres",
            "postgres",
            "Application.save on PostgreSQL",
            "psycopg_pool bench",
        ),
    ],
    "umadb": [
        Entrant(
            "umadb", "peer", "fleet_bench.peers.umadb:Umadb", "sqlite", "its server, over a local connection"
        )
    ],
}
"""The peers by the name of their package."""

POSTGRES: Final = Entrant(
    "postgres", "store", "fleet_bench.limits.postgres:PostgresStore", "postgres", "", "psycopg postgres"
)
"""A store that leaves something behind elsewhere than in its directory, which is removed."""


class Absent(NamedTuple):
    """Somebody, or something, that is not measured, and why."""

    name: str
    reason: str


class Field(NamedTuple):
    """Everybody who takes part, and who does not."""

    entrants: list[Entrant]
    absent: list[Absent]

    def named(self, name: str) -> Entrant:
        """The entrant of that name."""
        return next(each for each in self.entrants if each.name == name)

    def limit_of(self, store: str) -> str | None:
        """The limit a store is put beside: its own, or that of SQLite, the fastest durable thing on one
        machine."""
        limits = [each for each in self.entrants if each.kind == "limit"]
        own = [each.name for each in limits if each.beside == store]
        return next(iter(own), None) or next((each.name for each in limits if each.beside == "sqlite"), None)


def gather(
    stores: Sequence[str], peers: Sequence[str], settings: Settings, catalog: Catalog | None = None
) -> Field:
    """Everybody of these names; all that are installed where none is named.

    Raises:
        NotFound: no store is installed, or no peer known, under a name.
    """
    installed = catalog or Catalog.installed()
    chosen = [_store(installed, name) for name in stores or installed.names(GROUP)]
    absent = []
    sides = {"sqlite", *(each.name for each in chosen)}
    for name in _known_peers(peers):
        if find_spec(name) is None:
            absent.append(Absent(name, f"not installed: pip install {name}"))
        else:
            chosen += [each for each in PEERS[name] if each.beside in sides]
    chosen += [each for each in LIMITS if each.beside in sides]
    lacking = [each for each in chosen if each.lacks]
    absent += [Absent(each.name, f"pip install 'fleettools[{each.needs.split()[1]}]'") for each in lacking]
    return Field([each for each in chosen if not each.lacks], absent)


def _store(catalog: Catalog, name: str) -> Entrant:
    entry = catalog.find(GROUP, name)
    plain = Entrant(name, "store", "fleet_bench.stores:StoreContestant", name, "")
    return (POSTGRES if name == POSTGRES.name else plain)._replace(what=f"of {entry.source}")


def _known_peers(names: Sequence[str]) -> list[str]:
    for name in names:
        if name not in PEERS:
            raise NotFound(f"no peer is called {name!r}", remedy=f"known: {', '.join(PEERS)}", name=name)
    return [name for name in PEERS if not names or name in names]


def settings_in_force() -> Settings:
    """The settings of all plugins, from the user's file and FLEET_* variables; a project's are left alone."""
    return load_settings(None).settings.plugins


def reason_of(error: Exception) -> str:
    """Why somebody is not measured, on one line."""
    if not isinstance(error, FleetError):
        return f"{type(error).__name__}: {' '.join(str(error).split())}"
    return f"{error.message}; {error.remedy}" if error.remedy else error.message
