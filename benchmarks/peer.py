"""One more way to write to the peer, which leaves out what its users do before they save."""

from collections.abc import Sequence

from fleet_bench.peers.eventsourcing import Peer, Work
from fleet_bench.schedule import Write


class PeerSave(Peer):
    """`Application.save` alone, the events pending. At most `OPEN_STREAMS` single events at a time."""

    def ready(self, writes: Sequence[Write]) -> list[Work]:
        """Aggregates with pending events."""
        return [self.told(write) for write in writes]

    def append(self, call: Work) -> None:
        """Save an aggregate."""
        self.application.save(call)
