"""The chain of hashes over the log, made after the fact.

Chaining every event to the one before it, as a store with a single writer does, would put all writers in a
row. Here each event carries its own hash, and from time to time whoever appends closes the chain up to the
settled head: from then on no event below can be changed, removed, moved or slipped in unnoticed, not even
with its hash made anew.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from fleet_postgres.connections import Connections
from fleet_postgres.hashing import SIZE, chained

INTERVAL: Final = 1000
"""Positions after which the chain is closed up to the head. More would be more that is not yet in the chain;
fewer would be more work for everybody."""

PAGE: Final = 1000
"""Rows fetched at once."""


Link = tuple[int, int, bytes | None, bytes]
"""What the chain says of an event: its position, its version, the root of its chain if that is another event,
and its own hash."""


class Knot(NamedTuple):
    """The chain at one position: so many events up to there, and their hash."""

    position: int
    events: int
    hash: bytes

    def tied_to(self, links: Sequence[Link]) -> "Knot":
        """The chain with these events more, in order."""
        if not links:
            return self
        return Knot(links[-1][0], self.events + len(links), chained(self.hash, links))


START: Final = Knot(0, 0, bytes(SIZE))
"""The chain of an empty log."""


class Chain:
    """Closes the chain of one schema's log."""

    def __init__(self, connections: Connections, schema: str) -> None:
        self._connections = connections
        self._settled = f"SELECT {schema}.settled()"
        self._last = f"SELECT position, events, hash FROM {schema}.chain ORDER BY position DESC LIMIT 1"
        self._all = f"SELECT position, events, hash FROM {schema}.chain ORDER BY position"
        self._links = (
            f"SELECT position, version, correlation_id, hash FROM {schema}.events"
            " WHERE position > %s AND position <= %s ORDER BY position LIMIT %s"
        )
        self._tie = f"INSERT INTO {schema}.chain VALUES (%s, %s, %s) ON CONFLICT DO NOTHING"

    def is_due(self, positions: list[int]) -> bool:
        """Whether it falls to the writer of these positions to close the chain: of all writers, to one in
        turn."""
        return positions[0] // INTERVAL != (positions[-1] + 1) // INTERVAL

    def close_up(self) -> None:
        """Close the chain up to the settled head."""
        read = self._connections.read
        knot = Knot(*(read(self._last) or [START])[0])
        head: int = read(self._settled)[0][0]
        while rows := read(self._links, (knot.position, head, PAGE)):
            knot = knot.tied_to(rows)
        tied = knot
        if tied.events:
            self._connections.transaction(lambda connection: connection.execute(self._tie, tied))

    def knots(self) -> Iterator[Knot]:
        """Where the chain was closed, in order."""
        return (Knot(*row) for row in self._connections.read(self._all))
