"""Moving a log from one store to another: copied event for event, then compared.

A copy that was interrupted goes on where it ended. The source is only ever read, until it is sealed.
"""

from collections.abc import Callable, Iterator
from hashlib import blake2b
from itertools import islice
from typing import Final, NamedTuple

import msgspec

from fleet_core.errors import Conflict, Damaged
from fleet_core.events import Recorded, Row
from fleet_core.stores import EventStore, Movable, Stream

BATCH: Final = 5000
"""Events taken over in one transaction."""

_pack = msgspec.msgpack.Encoder().encode

Progress = Callable[[int], None]


class Tally(NamedTuple):
    """The events of one stream: how many, and a hash that runs over all of them."""

    events: int = 0
    digest: bytes = b""


class Copied(msgspec.Struct, frozen=True):
    """What a copy did: events taken over this time, and what both stores hold now."""

    copied: int
    events: int
    streams: int
    head: int


def copy(source: EventStore, target: EventStore, progress: Progress = lambda position: None) -> Copied:
    """Bring a store up to the head of another, and make sure that both hold the same.

    Raises:
        Conflict: the target can't take in a log, or holds events that the source does not.
        Damaged: the stores differ after all.
    """
    if not isinstance(target, Movable):
        raise Conflict(
            "the target store can't take in another's log", remedy="copy to a store with the ability Movable"
        )
    head = source.head()
    start = target.head()
    _check_beginning(source, target, start)
    copied = 0
    for batch in _batches(source.read(after=start, before=head + 1)):
        target.load(batch)
        copied += len(batch)
        progress(batch[-1].position)
    tallies = verify(source, target, head)
    return Copied(copied, sum(each.events for each in tallies.values()), len(tallies), head)


def verify(source: EventStore, target: EventStore, head: int) -> dict[Stream, Tally]:
    """Compare two logs up to a position, stream for stream, by count and running hash.

    Raises:
        Damaged: they differ; the message names a stream.
    """
    ours, theirs = tally(source, head), tally(target, head)
    differing = [stream for stream in ours.keys() | theirs.keys() if ours.get(stream) != theirs.get(stream)]
    if differing:
        raise Damaged(
            f"{len(differing)} streams differ between the stores, {min(differing)} among them",
            remedy="verify both stores, empty the target and copy again",
            streams=[str(stream) for stream in sorted(differing)[:20]],
        )
    return ours


def tally(store: EventStore, head: int) -> dict[Stream, Tally]:
    """Count and hash each stream of a log up to a position."""
    tallies: dict[Stream, Tally] = {}
    for event in store.read(before=head + 1):
        stream = Stream(event.stream_type, event.stream_id)
        before = tallies.get(stream, Tally())
        digest = blake2b(before.digest + _pack(normal(event)), digest_size=16).digest()
        tallies[stream] = Tally(before.events + 1, digest)
    return tallies


def normal(event: Recorded) -> Row:
    """An event's row, with nothing said twice: stores may leave out what follows from the rest, or not."""
    row = Row(*event.row)
    return row._replace(
        correlation_id=None if row.correlation_id == row.id else row.correlation_id,
        occurred_at=None if row.occurred_at == row.recorded_at else row.occurred_at,
    )


def _check_beginning(source: EventStore, target: EventStore, start: int) -> None:
    """Refuse to add to a target that is no earlier copy; the whole is compared at the end."""
    if start == 0:
        return
    last = _at(source, start)
    if last is None or last != _at(target, start):
        raise Conflict(
            f"the target holds other events: its last one, at position {start}, is not the source's",
            remedy="copy to an empty store",
            position=start,
        )


def _at(store: EventStore, position: int) -> Row | None:
    return next((normal(event) for event in store.read(after=position - 1, before=position + 1)), None)


def _batches(events: Iterator[Recorded]) -> Iterator[list[Row]]:
    while batch := [normal(event) for event in islice(events, BATCH)]:
        yield batch
