"""What a service is at the moment: seen from its files and processes, and proven by a login."""

import time
from collections.abc import Mapping
from typing import Final, Literal

from fleet_core.api import Fault, FleetError, ServiceFailed, ServiceStatus
from fleet_postgres.api import Login, LoginRefused, Reason, server_version
from fleet_postgres_local.cluster import Cluster
from fleet_postgres_local.faults import (
    CRASHED,
    DATA_GONE,
    DATABASE_MISSING,
    ENDING,
    HUNG,
    LOGIN_REFUSED,
    PASSWORD_REJECTED,
    UNFINISHED,
)
from fleet_postgres_local.ports import Port
from fleet_postgres_local.server import Running, Server
from fleet_postgres_local.service import ADDRESS, Service
from fleet_postgres_local.turns import is_taken

LOOK: Final = 1.5
"""Seconds that a server has to let us in; the whole answer is promised within two."""

_State = Literal["absent", "stopped", "starting", "ready", "failing", "unknown"]

_FAULTS: Final[dict[Reason, Fault]] = {
    "password": PASSWORD_REJECTED,
    "role": PASSWORD_REJECTED,
    "database": DATABASE_MISSING,
    "silent": HUNG,
    "other": LOGIN_REFUSED,
}


def condition(service: Service) -> ServiceStatus:
    """What a service is now. Never an error."""
    port = None
    try:
        with service.telling_of_the_disk():
            port = Port(service).known()
            return _seen(service, port)
    except ServiceFailed as wrong:
        return _status(service, "failing", port, wrong)
    except FleetError as wrong:
        return _status(service, "unknown", port, wrong)


def _seen(service: Service, port: int | None) -> ServiceStatus:
    server, cluster = Server(service), Cluster(service)
    exists = cluster.exists()
    if exists:
        server.refuse_stranger()
    running = server.running()
    if running:
        return _asked(service, running)
    if server.mains():
        if not exists:
            raise service.error(DATA_GONE)
        return _status(service, "starting", port, said="the server is starting up")
    if exists and server.died():
        raise service.error(CRASHED)
    if not exists and cluster.is_unfinished():
        if is_taken(service.places.lock):
            return _status(service, "starting", port, said="the database is being made, or removed")
        raise service.error(UNFINISHED)
    try:
        service.programs(cluster.version() if exists else None)
    except ServiceFailed as missing:
        return _status(service, "stopped" if exists else "absent", port, missing)
    return _status(service, "stopped" if exists else "absent", port)


def _asked(service: Service, running: Running) -> ServiceStatus:
    facts = {"process": str(running.pid)}
    try:
        version = server_version(service.login(running.port), LOOK)
    except LoginRefused as refused:
        if Server(service).running() is None:
            return _seen(service, running.port)  # it ended meanwhile
        fault = _judged(refused, running, service.settings.start_timeout)
        if fault is None:
            return _status(service, "starting", running.port, said=str(refused), facts=facts)
        wrong = service.error(fault, port=str(running.port), pid=str(running.pid))
        return _status(service, "failing", running.port, wrong, facts=facts)
    return _status(service, "ready", running.port, version=version, facts=facts)


def _judged(refused: LoginRefused, running: Running, patience: float) -> Fault | None:
    """What is wrong with a server that runs and does not let us in, unless it is only starting."""
    if running.phase == "stopping":
        return ENDING
    # A recovery takes its time and says so. A server that does not even listen after a while never will.
    late = refused.reason == "refused" and time.time() - running.started > patience
    return HUNG if late else _FAULTS.get(refused.reason)


def _status(
    service: Service,
    state: _State,
    port: int | None,
    wrong: FleetError | None = None,
    *,
    said: str = "",
    version: str = "",
    facts: Mapping[str, str] = {},
) -> ServiceStatus:
    settings, places = service.settings, service.places
    absent = state == "absent"
    url = Login(ADDRESS, port, settings.database, settings.user).url() if port and not absent else ""
    return ServiceStatus(
        service=service.name,
        provider=service.provider,
        state=state,
        detail=wrong.message.removeprefix(f"service {service.name}: ") if wrong else said,
        remedy=wrong.remedy if wrong else "",
        url=url,
        version=version,
        facts={**facts} if absent else {**facts, "data": str(places.data), "log": str(places.log)},
    )
