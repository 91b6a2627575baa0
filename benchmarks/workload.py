"""What everyone writes and reads: the same events, into the same streams, in the same order.

An event's data is about 195 bytes of JSON; it names its cause and its chain. Single appends go round a
thousand streams, as many workers on many things do; batches each make a stream of their own.
"""

import random
import uuid
from collections.abc import Iterator
from typing import ClassVar, NamedTuple

import msgspec

from fleet_core.events import EventType, NewEvent, Recorded
from fleet_core.fields import Percent
from fleet_core.projections import Projection

STREAM_LENGTH = 100
"""Events in each stream that is there from the start and is read."""

OPEN_STREAMS = 1000
"""Streams that single appends go round."""

STREAM_TYPE = "benchmark"


class WorkReported(EventType, frozen=True, kw_only=True):
    """A specialist said how far it is; the typical small event of a fleet."""

    type_name: ClassVar[str] = "benchmark_work_reported"

    specialist_id: str
    sortie_id: str
    progress: Percent
    message: str
    files: tuple[str, ...]


def _event(index: int, chance: random.Random) -> NewEvent:
    def identity() -> str:
        return str(uuid.UUID(int=chance.getrandbits(128), version=4))

    data = WorkReported(
        specialist_id=f"specialist-{index % 16:02}",
        sortie_id=identity(),
        progress=index % 101,
        message=f"step {index % 1000:03} is done, tests pass",
        files=("src/parser/lexer.py", "tests/test_lexer.py"),
    )
    return NewEvent(data=data, causation_id=identity(), correlation_id=identity())


EVENTS = [_event(index, random.Random(index)) for index in range(1000)]
"""Events without ids, to be appended over and over: each time they are new ones."""


class Write(NamedTuple):
    """Events to append to a stream that is at version `expected`."""

    stream_id: str
    expected: int
    events: list[NewEvent]


class Schedule:
    """Who is to write what, without end. Two schedules say the same."""

    def __init__(self) -> None:
        self._batches = 0
        self._singles = 0

    def batches(self, size: int, count: int) -> Iterator[Write]:
        """Appends of `size` events, each the start of a stream of its own."""
        for _ in range(count):
            self._batches += 1
            yield Write(
                stream_name(f"batch {self._batches}"),
                0,
                [EVENTS[index % len(EVENTS)] for index in range(size)],
            )

    def singles(self, count: int) -> Iterator[Write]:
        """Appends of one event, round all open streams."""
        for index in range(self._singles, self._singles + count):
            expected, stream = divmod(index, OPEN_STREAMS)
            yield Write(stream_name(f"open {stream}"), expected, [EVENTS[index % len(EVENTS)]])
        self._singles += count

    def calls(self, size: int, count: int) -> list[Write]:
        """Appends of `size` events each."""
        return list(self.singles(count) if size == 1 else self.batches(size, count))


def stream_name(seed: str) -> str:
    """The id of a stream: a random UUID, always the same one for a seed."""
    return str(uuid.UUID(int=random.Random(seed).getrandbits(128), version=4))


def initial_streams(events: int) -> list[str]:
    """The streams that hold `events` events before anything is measured."""
    return [stream_name(f"batch {number}") for number in range(1, events // STREAM_LENGTH + 1)]


class Report(msgspec.Struct, frozen=True):
    """How far a sortie is."""

    sortie_id: str
    progress: Percent
    reports: int


def _evolve(state: Report | None, event: Recorded) -> Report:
    data = event.data
    return Report(data.sortie_id, data.progress, 1 if state is None else state.reports + 1)


REPORTS = Projection(
    name="benchmark_reports",
    state=Report,
    types=(WorkReported.type_name,),
    key=lambda event: event.stream_id,
    evolve=_evolve,
)
"""A state for each stream."""
