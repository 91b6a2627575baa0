"""Health checks of the PostgreSQL store, for `fleet doctor` and `/health`."""

from collections.abc import Iterator
from typing import Any

from fleet_core.api import CheckResult, Maintenance, StoreInfo


def check(fleet: Any) -> Iterator[CheckResult]:
    """Look at the store of a fleet; nothing to say when it is another plugin's."""
    if isinstance(fleet.store, Maintenance):
        info = fleet.store.info()
        if info.backend == "postgres":
            yield durability(info)


def durability(info: StoreInfo) -> CheckResult:
    """Whether what is acknowledged survives a crash of the server, and a power cut."""
    name = "postgres durability"
    told = {key: info.details[key] for key in ("fsync", "full_page_writes", "synchronous_commit")}
    detail = ", ".join(f"{key} {value}" for key, value in told.items())
    if "off" in (told["fsync"], told["full_page_writes"]):
        return CheckResult(
            name=name,
            status="fail",
            detail=f"{detail}: a crash may take acknowledged events, or the whole database",
            remedy="set fsync and full_page_writes to on in the server's postgresql.conf",
        )
    if told["synchronous_commit"] == "off":
        return CheckResult(
            name=name,
            status="warn",
            detail=f"{detail}: a crash may take the last acknowledged events",
            remedy="set synchronous_commit to on for the server, the database and the role",
        )
    return CheckResult(name=name, status="ok", detail=detail)
