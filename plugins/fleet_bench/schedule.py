"""What everyone writes and reads: the same events, into the same streams, in the same order.

An event's data is about 195 bytes of JSON; it names its cause, an event that was recorded a moment ago, and
its chain, of ten events. Single appends go round a thousand streams, as many workers on many things do;
batches each make a stream of their own.
"""

import random
import uuid
from collections.abc import Iterator
from itertools import count
from typing import ClassVar, Final, NamedTuple

import msgspec

from fleet_core.api import EventType, NewEvent, Percent, Projection, Recorded, Uuid7, id_text

STREAM_LENGTH: Final = 100
"""Events in each stream that is there from the start and is read."""

CHAIN_LENGTH: Final = 10
"""Events that name the same root."""

OPEN_STREAMS: Final = 1000
"""Streams that single appends go round."""

STREAM_TYPE: Final = "benchmark"


class WorkReported(EventType, frozen=True, kw_only=True):
    """A specialist said how far it is; the typical small event of a fleet."""

    type_name: ClassVar[str] = "benchmark_work_reported"

    specialist_id: str
    sortie_id: str
    progress: Percent
    message: str
    files: tuple[str, ...]


def _report(index: int) -> WorkReported:
    return WorkReported(
        specialist_id=f"specialist-{index % 16:02}",
        sortie_id=stream_name(f"sortie {index}"),
        progress=index % 101,
        message=f"step {index % 1000:03} is done, tests pass",
        files=("src/parser/lexer.py", "tests/test_lexer.py"),
    )


def stream_name(seed: str) -> str:
    """The id of a stream: a random UUID, always the same one for a seed."""
    return str(uuid.UUID(int=random.Random(seed).getrandbits(128), version=4))


REPORTED: Final = [_report(index) for index in range(1000)]
"""Data of events, to be recorded over and over."""


class Story:
    """Events without end, each with a new cause: the id of an event that somebody else has just recorded."""

    def __init__(self) -> None:
        self._others = Uuid7()
        self._told = 0
        self._root = ""

    def next(self) -> NewEvent:
        """The next event. Its id is left to the store."""
        if self._told % CHAIN_LENGTH == 0:
            self._root = id_text(self._others())
        data = REPORTED[self._told % len(REPORTED)]
        self._told += 1
        return NewEvent(data=data, causation_id=id_text(self._others()), correlation_id=self._root)


_STORY: Final = Story()

EVENTS: Final = [_STORY.next() for _ in range(1000)]
"""Events to append over and over where many clients do: each time they are new ones."""


class Write(NamedTuple):
    """Events to append to a stream that is at version `expected`."""

    stream_id: str
    expected: int
    events: list[NewEvent]


class Schedule:
    """Who is to write what, without end. Two schedules say the same, but for causes and chains."""

    def __init__(self) -> None:
        self._story = Story()
        self._batches = 0
        self._singles = 0
        self._versions: dict[str, int] = {}
        self._claims = count()

    def batches(self, size: int, count: int) -> Iterator[Write]:
        """Appends of `size` events, each the start of a stream of its own."""
        for _ in range(count):
            self._batches += 1
            yield Write(stream_name(f"batch {self._batches}"), 0, [self._story.next() for _ in range(size)])

    def singles(self, count: int) -> Iterator[Write]:
        """Appends of one event, round all open streams."""
        for index in range(self._singles, self._singles + count):
            expected, stream = divmod(index, OPEN_STREAMS)
            yield Write(stream_name(f"open {stream}"), expected, [self._story.next()])
        self._singles += count

    def calls(self, size: int, count: int) -> list[Write]:
        """Appends of `size` events each."""
        return list(self.singles(count) if size == 1 else self.batches(size, count))

    def following(self, seed: str, count: int) -> list[Write]:
        """Appends of one event each to one stream, one after another."""
        first = self._versions.get(seed, 0)
        self._versions[seed] = first + count
        stream = stream_name(seed)
        return [Write(stream, version, [self._story.next()]) for version in range(first, first + count)]

    def claims(self, count: int) -> list[Write]:
        """First events of streams that nobody has written to, for several to try at once."""
        numbers = [next(self._claims) for _ in range(count)]
        return [Write(stream_name(f"claim {each}"), 0, [self._story.next()]) for each in numbers]


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


REPORTS: Final = Projection(
    name="benchmark_reports",
    state=Report,
    types=(WorkReported.type_name,),
    key=lambda event: event.stream_id,
    evolve=_evolve,
)
"""A state for each stream."""
