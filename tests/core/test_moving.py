"""A log is copied from one store to another as it is, and the copy is compared."""

from collections.abc import Sequence

import pytest

from fleet_core.errors import Conflict, Damaged
from fleet_core.events import Row
from fleet_core.moving import BATCH, copy, normal
from fleet_core.stores import Batch, EventStore, Stream
from fleet_core.testing.store_kit.base import HeldClock, kit_codec, note, notes
from fleet_memory.store import MemoryStore
from kit.file_store import FileStore


class Cut(Exception):
    """The end of a process in the middle of a copy."""


class Cuts(MemoryStore):
    """A store whose process ends in the middle of the second load."""

    cut = True
    _loads = 0

    def load(self, rows: Sequence[Row]) -> None:
        self._loads += 1
        if self.cut and self._loads == 2:
            raise Cut
        super().load(rows)


class Distorts(MemoryStore):
    """A store that takes a log in almost as it is."""

    def load(self, rows: Sequence[Row]) -> None:
        super().load([row._replace(occurred_at=1) if row.version == 7 else row for row in rows])


class Drops(MemoryStore):
    """A store that loses the last event of what it takes in."""

    def load(self, rows: Sequence[Row]) -> None:
        super().load(rows[:-1])


@pytest.fixture
def source() -> MemoryStore:
    store = MemoryStore(kit_codec(), HeldClock())
    for number in range(3):
        store.append(Batch(Stream("kit", f"s{number}"), notes(20)))
    store.append(Batch(Stream("kit", "s0"), [note(tags=("a", "b"), metadata={"n": 1}, causation_id="x")]))
    return store


def rows(store: EventStore) -> list[Row]:
    return [normal(event) for event in store.read()]


def test_a_copy_holds_the_same(source: MemoryStore) -> None:
    target = MemoryStore(kit_codec())
    copied = copy(source, target)
    assert rows(target) == rows(source)
    assert (copied.copied, copied.events, copied.streams, copied.head) == (61, 61, 3, 61)


def test_a_copy_of_an_empty_log_is_empty() -> None:
    copied = copy(MemoryStore(kit_codec()), MemoryStore(kit_codec()))
    assert (copied.copied, copied.events, copied.streams, copied.head) == (0, 0, 0, 0)


def test_a_second_copy_takes_over_what_is_new(source: MemoryStore) -> None:
    target = MemoryStore(kit_codec())
    copy(source, target)
    source.append(Batch(Stream("kit", "s1"), notes(2)))
    assert copy(source, target).copied == 2
    assert rows(target) == rows(source)


def test_a_copy_that_was_cut_goes_on_where_it_ended() -> None:
    source, target = MemoryStore(kit_codec()), Cuts(kit_codec())
    source.append(Batch(Stream("kit", "long"), notes(2 * BATCH)))
    with pytest.raises(Cut):
        copy(source, target)
    target.cut = False
    assert copy(source, target).copied == BATCH
    assert rows(target) == rows(source)


def test_a_copy_and_its_way_back_give_the_first_log(source: MemoryStore) -> None:
    there, back = MemoryStore(kit_codec()), MemoryStore(kit_codec())
    copy(source, there)
    copy(there, back)
    assert rows(back) == rows(source)


def test_a_target_with_events_of_its_own_is_refused_and_left_alone(source: MemoryStore) -> None:
    target = MemoryStore(kit_codec())
    target.append(Batch(Stream("kit", "s0"), notes(1)))
    before = rows(target)
    with pytest.raises(Conflict, match="holds other events"):
        copy(source, target)
    assert rows(target) == before


def test_a_target_that_has_gone_further_is_refused(source: MemoryStore) -> None:
    target = MemoryStore(kit_codec())
    copy(source, target)
    target.append(Batch(Stream("kit", "s0"), notes(1)))
    with pytest.raises(Conflict, match="position 62"):
        copy(source, target)


def test_a_target_that_can_not_take_in_a_log_is_refused(
    source: MemoryStore, tmp_path_factory: pytest.TempPathFactory
) -> None:
    target = FileStore(tmp_path_factory.mktemp("file") / "log", kit_codec(), HeldClock())
    with pytest.raises(Conflict, match="can't take in"):
        copy(source, target)
    target.close()


@pytest.mark.parametrize("kind", [Distorts, Drops])
def test_a_copy_that_is_not_the_same_is_noticed(source: MemoryStore, kind: type[MemoryStore]) -> None:
    with pytest.raises(Damaged, match="streams differ"):
        copy(source, kind(kit_codec()))
