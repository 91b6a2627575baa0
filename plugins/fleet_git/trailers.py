"""The trailer of a commit's message that says under which leases it was made: `Fleet-Lease: ID/TOKEN`."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from fleet_core.api import Fleet
from fleet_ctk.api import covering
from fleet_git.repository import Repository

KEY: Final = "Fleet-Lease"


class Trailer(NamedTuple):
    """A lease that a commit names, and the token of its grant."""

    lease_id: str
    token: int

    def __str__(self) -> str:
        return f"{self.lease_id}/{self.token}"


def read(text: str) -> Iterator[Trailer]:
    """The trailers that git found in a message, one in a line. What has another form is nobody's."""
    for line in text.splitlines():
        lease_id, _, token = line.strip().rpartition("/")
        if lease_id and token.isascii() and token.isdigit():
            yield Trailer(lease_id, int(token))


def due(fleet: Fleet, paths: Iterable[str], specialist: str) -> list[Trailer]:
    """The trailers of a commit of these paths by a specialist."""
    leases = (each.lease for path in paths for each in covering(fleet, path))
    mine = (lease for lease in leases if lease.holder == specialist and lease.status == "held")
    return list(dict.fromkeys(Trailer(lease.lease_id, lease.token) for lease in mine))


def write(repository: Repository, message: Path, trailers: Iterable[Trailer]) -> None:
    """Add trailers to a message that git is about to use, those which it lacks."""
    options = [option for each in trailers for option in ("--trailer", f"{KEY}: {each}")]
    if options:
        repository.ask(
            "interpret-trailers", "--in-place", "--if-exists", "addIfDifferent", *options, str(message)
        )
