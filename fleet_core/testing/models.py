"""A hypothesis state machine: any store against the contract written as a list.

The model is the whole theory of a store in sixty lines: it knows no locks, no files and no codecs. A run uses
streams and ids of its own beyond the head it starts from, so that many runs share one place.
"""

from collections.abc import Callable, Sequence
from itertools import count
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from fleet_core.errors import ConditionFailed, FleetError, IdReused, VersionConflict
from fleet_core.events import NewEvent
from fleet_core.stores import Batch, Condition, EventStore, Expected, Match, Query, Stream
from fleet_core.testing.store_kit.base import StoreKit

TYPES = ("joined", "left")
TAGS = ("red", "blue")
STREAMS = ("a", "b", "c", "d")


class Fact(NamedTuple):
    """An event as the model knows it."""

    stream: str
    type: str
    tags: tuple[str, ...]
    data: int
    id: str | None


class Write(NamedTuple):
    """A batch as the model knows it; an expected version is counted from the stream's actual one."""

    stream: str
    facts: tuple[Fact, ...]
    expected: Expected | int


class Wanted(NamedTuple):
    """An item of a query as the model knows it."""

    streams: tuple[str, ...]
    types: tuple[str, ...]
    tags: tuple[str, ...]

    def accepts(self, fact: Fact) -> bool:
        """Every criterion given is fulfilled; tags must all be there."""
        return (
            (not self.streams or fact.stream in self.streams)
            and (not self.types or fact.type in self.types)
            and set(self.tags) <= set(fact.tags)
        )


def is_wanted(items: Sequence[Wanted], fact: Fact) -> bool:
    """Whether any item accepts it; without items, all are meant."""
    return not items or any(item.accepts(fact) for item in items)


class LogModel:
    """The contract as a list of facts. Their index stands for their position."""

    def __init__(self) -> None:
        self.facts: list[Fact] = []

    def version(self, stream: str) -> int:
        """How many events a stream has."""
        return sum(fact.stream == stream for fact in self.facts)

    def replay(self, facts: Sequence[Fact]) -> list[int] | None:
        """Where these facts are recorded, when all of them are, as they are."""
        if not facts or any(fact.id is None or fact not in self.facts for fact in facts):
            return None
        return [self.facts.index(fact) for fact in facts]

    def refusals(
        self, writes: Sequence[Write], items: Sequence[Wanted] | None, after: int
    ) -> set[type[FleetError]]:
        """Every reason to refuse an append; a store may name any of them."""
        found: set[type[FleetError]] = set()
        ids = [fact.id for write in writes for fact in write.facts if fact.id is not None]
        if len(set(ids)) < len(ids):
            return {IdReused}
        if self.replay([fact for write in writes for fact in write.facts]) is not None:
            return set()
        if {fact.id for fact in self.facts}.intersection(ids):
            found.add(IdReused)
        if not all(is_as_expected(write.expected, self.version(write.stream)) for write in writes):
            found.add(VersionConflict)
        if items is not None and any(is_wanted(items, fact) for fact in self.facts[after:]):
            found.add(ConditionFailed)
        return found


def is_as_expected(expected: Expected | int, version: int) -> bool:
    """Whether a stream at this version is what the writer believes."""
    if isinstance(expected, int):
        return expected == version
    return {Expected.ANY: True, Expected.NO_STREAM: version == 0, Expected.EXISTS: version > 0}[expected]


HISTORY = [
    Write("a", (Fact("a", "joined", ("blue", "red"), 1, "1"), Fact("a", "left", (), 2, "2")), Expected.ANY),
    Write("b", (Fact("b", "joined", ("red",), 3, "3"),), Expected.ANY),
    Write("c", (Fact("c", "left", ("red",), 4, "4"), Fact("c", "joined", ("blue",), 5, "5")), Expected.ANY),
]
"""What each run begins with, so that there is something to meet from the first step; `d` is not there yet."""

ITEMS = st.lists(
    st.builds(
        Wanted,
        st.lists(st.sampled_from(STREAMS), max_size=2, unique=True).map(tuple),
        st.lists(st.sampled_from(TYPES), max_size=2, unique=True).map(tuple),
        st.lists(st.sampled_from(TAGS), max_size=2, unique=True).map(tuple),
    ),
    max_size=2,
)
FACT = st.tuples(
    st.sampled_from(TYPES),
    st.lists(st.sampled_from(TAGS), max_size=2, unique=True).map(lambda tags: tuple(sorted(tags))),
    st.integers(0, 2),
    st.integers(-40, 40).map(lambda number: str(number) if number > 0 else None),
)
WRITES = st.lists(
    st.tuples(
        st.sampled_from(STREAMS),
        st.lists(FACT, min_size=1, max_size=3) | st.lists(FACT, max_size=3),
        st.sampled_from([Expected.ANY, 0, Expected.ANY, 0, Expected.EXISTS, Expected.NO_STREAM, -1, 1]),
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda write: write[0],
)
NAMELESS = st.lists(FACT.map(lambda fact: (*fact[:-1], None)), min_size=1, max_size=4)
PLACE = st.integers(0, 50)
"""A place in the log, counted round and round."""


def _elsewhere(write: Write) -> Write:
    stream = STREAMS[STREAMS.index(write.stream) - 1]
    return write._replace(stream=stream, facts=tuple(fact._replace(stream=stream) for fact in write.facts))


class StoreMachine(RuleBasedStateMachine):
    """Does the same to a store and to the model, and compares."""

    def __init__(self, open_store: Callable[[], EventStore], is_durable: bool, run: int) -> None:
        super().__init__()
        self._open = open_store
        self._is_durable = is_durable
        self._run = run
        self._store = open_store()
        self._base = self._store.head()
        self._model = LogModel()
        self._positions: list[int] = []
        self._last = HISTORY
        self._append(HISTORY, None, 0)

    @rule(stream=st.sampled_from(STREAMS), facts=NAMELESS)
    def go_on(self, stream: str, facts: list[Any]) -> None:
        """New events that nothing speaks against, so that the log grows."""
        self._append([self._write(stream, facts, Expected.ANY)], None, 0)

    @rule(stream=st.sampled_from(STREAMS), facts=NAMELESS, items=ITEMS, after=PLACE)
    def decide(self, stream: str, facts: list[Any], items: list[Wanted], after: int) -> None:
        """New events under a condition."""
        self._append([self._write(stream, facts, Expected.ANY)], items, self._index(after))

    @rule(drawn=WRITES, items=st.none() | ITEMS, after=PLACE)
    def append(self, drawn: list[Any], items: list[Wanted] | None, after: int) -> None:
        """New events for several streams, with ids, expectations and perhaps a condition."""
        self._last = [self._write(*parts) for parts in drawn]
        self._append(self._last, items, self._index(after))

    def _index(self, place: int) -> int:
        return place % (len(self._positions) + 1)

    def _write(self, stream: str, facts: list[tuple[Any, ...]], expected: Expected | int) -> Write:
        if isinstance(expected, int):
            expected = max(self._model.version(stream) + expected, 0)
        return Write(stream, tuple(Fact(stream, *fact) for fact in facts), expected)

    @rule(
        expected=st.sampled_from([Expected.ANY, Expected.NO_STREAM, 0]),
        goes_elsewhere=st.sampled_from([False, False, True]),
    )
    def send_again(self, expected: Expected | int, goes_elsewhere: bool) -> None:
        """The last append once more, whatever came of it, with another expectation or to other streams."""
        again = [write._replace(expected=expected) for write in self._last]
        self._append([_elsewhere(write) for write in again] if goes_elsewhere else again, None, 0)

    def _append(self, writes: list[Write], items: list[Wanted] | None, after: int) -> None:
        facts = [fact for write in writes for fact in write.facts]
        refusals = self._model.refusals(writes, items, after)
        condition = None if items is None else Condition(self._query(items), self._position(after))
        batches = [self._batch(write) for write in writes]
        if refusals:
            with pytest.raises(tuple(refusals)):
                self._store.append(*batches, condition=condition)
            return
        answer = self._store.append(*batches, condition=condition)
        before = self._model.replay(facts)
        assert answer.replayed == (before is not None)
        if before is None:
            before = list(range(len(self._positions), len(self._positions) + len(facts)))
            self._model.facts += facts
            self._positions += answer.positions
        assert list(answer.positions) == [self._positions[index] for index in before]
        assert list(answer.versions) == [self._version(index) for index in before]
        assert self._positions == sorted(set(self._positions))

    def _version(self, index: int) -> int:
        stream = self._model.facts[index].stream
        return sum(fact.stream == stream for fact in self._model.facts[: index + 1])

    def _batch(self, write: Write) -> Batch:
        return Batch(self._stream(write.stream), [self._event(fact) for fact in write.facts], write.expected)

    def _stream(self, name: str) -> Stream:
        return Stream(f"model-{self._run}", name)

    def _event(self, fact: Fact) -> NewEvent:
        id = None if fact.id is None else f"{self._run}-{fact.id}"
        return NewEvent(data=fact.data, type=fact.type, tags=fact.tags, id=id)

    def _query(self, items: Sequence[Wanted]) -> Query:
        return Query(
            tuple(
                Match(
                    streams=tuple(self._stream(name) for name in item.streams),
                    types=item.types,
                    tags=item.tags,
                )
                for item in items
            )
        )

    def _position(self, length: int) -> int:
        """The position of the last of so many events."""
        return self._positions[length - 1] if length else self._base

    @rule(
        items=ITEMS,
        after=PLACE,
        before=st.none() | PLACE,
        limit=st.none() | st.integers(0, 5),
        backwards=st.booleans(),
    )
    def read(
        self, items: list[Wanted], after: int, before: int | None, limit: int | None, backwards: bool
    ) -> None:
        """Any query, between any bounds, in both directions."""
        length = len(self._positions)
        start = self._index(after)
        end = length if before is None else self._index(before)
        found = [index for index in range(start, end) if is_wanted(items, self._model.facts[index])]
        events = self._store.read(
            self._query(items),
            after=self._position(start),
            before=None if end == length else self._positions[end],
            limit=limit,
            backwards=backwards,
        )
        expected = (found[::-1] if backwards else found)[:limit]
        assert [event.position for event in events] == [self._positions[index] for index in expected]

    @precondition(lambda self: self._is_durable)
    @rule()
    def reopen(self) -> None:
        """Close the store and open it again."""
        self._store.close()
        self._store = self._open()

    def teardown(self) -> None:
        """The whole log is that of the model."""
        try:
            events = list(self._store.read(after=self._base))
            found = [(e.position, e.version, e.stream_id, e.type, e.tags, e.plain) for e in events]
            facts = zip(self._positions, self._model.facts, strict=True)
            assert found == [
                (position, self._version(index), fact.stream, fact.type, fact.tags, fact.data)
                for index, (position, fact) in enumerate(facts)
            ]
            assert self._store.head() == (self._positions[-1] if self._positions else self._base)
        finally:
            self._store.close()


class ModelKit(StoreKit):
    """Whatever is done to a store, it answers as the model does."""

    def test_whatever_is_done_to_it_it_answers_as_the_model_does(
        self, opened: Callable[[], EventStore]
    ) -> None:
        runs = count()
        run_state_machine_as_test(
            lambda: StoreMachine(opened, "durability" not in self.lacks, next(runs)),  # type: ignore[arg-type]
            settings=settings(
                max_examples=60,
                stateful_step_count=25,
                deadline=None,
                database=None,
                phases=(Phase.generate, Phase.shrink),  # explaining takes minutes and adds little
                suppress_health_check=list(HealthCheck),
            ),
        )
