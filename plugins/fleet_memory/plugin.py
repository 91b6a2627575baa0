"""What this plugin offers: the store `memory`."""

from fleet_core.api import Clock, EventCodec, EventStore, hookimpl


@hookimpl
def fleet_open_store(codec: EventCodec, clock: Clock) -> EventStore:
    """Open an empty store; it ends with its process."""
    from fleet_memory.store import MemoryStore

    return MemoryStore(codec, clock)
