"""Power cuts: the store works on a recorded disk, and is opened on what each cut could have left of it."""

import random
from collections import Counter
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory
from typing import Final, Literal, NamedTuple

import pytest

from fleet_core.api import Batch, EventCodec, FleetError, Stream, fold, id_text
from fleet_msgspec.codecs import JsonCodec
from fleet_sqlite import witness
from fleet_sqlite.appending import Request
from fleet_sqlite.settings import Settings
from fleet_sqlite.store import SqliteStore
from power_cuts import Disk, Op, Recorder, connect
from sqlite_stores import ONE, batch, open_sqlite, tally

VARIANTS: Final = 2
"""Random states of the disk at each cut, besides the two extremes."""

WITNESS: Final = "events.head"

CALM: Final = Settings(unsafe_synchronous="off")
"""For looking at what a cut left: what is looked at is thrown away."""

Durability = Literal["normal", "off"] | None
Verdict = Literal["whole", "lost", "lost unnoticed", "damaged"]


class History(NamedTuple):
    """What was done to the disk, and the events of each transaction, in order."""

    ops: list[Op]
    transactions: list[set[str]]


class State(NamedTuple):
    """What a cut could have left: files, the events that were acknowledged before, and whether the head
    witness is the last one that was written."""

    files: dict[str, bytes]
    told: frozenset[str]
    is_witnessed: bool

    @property
    def digest(self) -> bytes:
        """Tells it from others; for one history the number of events tells which they are."""
        digest = blake2b(str((len(self.told), self.is_witnessed)).encode())
        for name, content in sorted(self.files.items()):
            digest.update(f"{name} {len(content)} ".encode() + content)
        return digest.digest()


def history(directory: Path, settings: Settings, seed: int, appends: int) -> History:
    """Work with a store on a recorded disk; everything acknowledged is noted when it is."""
    recorder = Recorder()
    work = _Work(directory, settings, recorder.ops, random.Random(seed))
    for _ in range(2):
        work.open()
        for _ in range(appends // 2 - 1):
            work.append()
        work.commit_group()
        work.store.close()
    recorder.unregister()
    return History(recorder.ops, work.transactions)


class _Work:
    def __init__(self, directory: Path, settings: Settings, ops: list[Op], chance: random.Random) -> None:
        self._directory = directory
        self._settings = settings
        self._ops = ops
        self._chance = chance
        self.transactions: list[set[str]] = []
        self.store: SqliteStore

    def open(self) -> None:
        self.store = open_sqlite(self._directory, self._settings, connect=connect)
        self.store.define([tally()])

    def append(self) -> None:
        self._tell(self.store.append(self._batch(), self._batch()).ids)

    def commit_group(self) -> None:
        """Three appends in one transaction, of which the second is refused."""
        codec = EventCodec(JsonCodec())
        refused = batch("refused", stream=ONE)._replace(expected=99)
        requests = [Request([each], None, codec) for each in (self._batch(), refused, self._batch())]
        self.store._commit(requests)
        assert requests[1].error is not None
        self._tell([id_text(id) for request in requests[::2] for id in request.outcome().stored_ids])

    def _batch(self) -> Batch:
        said = ["x" * self._chance.choice([10, 200, 1500]) for _ in range(self._chance.randint(1, 4))]
        return batch(*said, stream=Stream("stream", str(self._chance.randrange(4))))

    def _tell(self, ids: list[str]) -> None:
        seen = (self._directory / WITNESS).read_bytes()
        self._ops.append(Op("write", WITNESS, data=seen, acknowledged=tuple(ids)))
        self.transactions.append(set(ids))


def states(ops: list[Op], chance: random.Random) -> Iterator[State]:
    """What a cut after each thing that was done could have left."""
    disk, told, witnessed = Disk(), frozenset[str](), b""
    for op in ops:
        told |= set(op.acknowledged)
        if op.file == WITNESS:
            witnessed = op.data
        disk.play(op)
        for files in disk.images(chance, VARIANTS):
            yield State(files, told, files.get(WITNESS) == witnessed)


def verdicts(history: History, directory: Path, seed: int) -> Counter[Verdict]:
    """Cut the power after each thing that was done, and judge what each cut could have left."""
    found: Counter[Verdict] = Counter()
    seen: set[bytes] = set()
    for state in states(history.ops, random.Random(seed)):
        if state.digest not in seen:
            seen.add(state.digest)
            found[judge(directory, state, history.transactions)] += 1
    return found


def judge(directory: Path, state: State, transactions: list[set[str]]) -> Verdict:
    """Open what was found as after a reboot."""
    rmtree(directory, ignore_errors=True)
    directory.mkdir()
    for name, content in state.files.items():
        (directory / name).write_bytes(content)
    try:
        store = open_sqlite(directory, CALM)
    except FleetError:
        return "damaged"
    try:
        recorded = {event.id for event in store.read()}
        if not state.told <= recorded:
            noticed = store.verify().findings or not state.is_witnessed
            return "lost" if noticed else "lost unnoticed"
        halved = any(each & recorded and not each <= recorded for each in transactions)
        return "damaged" if halved or not is_sound(store) else "whole"
    except FleetError:
        return "damaged"
    finally:
        store.close()


def is_sound(store: SqliteStore) -> bool:
    """Whether the log has no gap, its hashes and read tables are right, and it takes in more."""
    store.define([tally()])
    events = list(store.read())
    return (
        not store.verify().findings
        and [event.position for event in events] == list(range(1, len(events) + 1))
        and dict(store.rows("tallies")) == fold(tally(), events)
        and store.append(batch("on we go")).positions == [len(events) + 1]
    )


@pytest.fixture(autouse=True)
def eager_witness(monkeypatch: pytest.MonkeyPatch) -> None:
    """The witness is written with every commit, so that it can run ahead if anything lets it."""
    monkeypatch.setattr(witness, "_PAUSE", 0)


def cut(directory: Path, durability: Durability, seed: int, appends: int) -> Counter[Verdict]:
    """A whole campaign with one setting of durability."""
    settings = Settings(unsafe_synchronous=durability, wal_autocheckpoint=15)
    return verdicts(history(directory, settings, seed, appends), directory / "found", seed)


@pytest.fixture
def directory() -> Iterator[Path]:
    """On a disk in memory: thousands of states are looked at."""
    with TemporaryDirectory(dir="/dev/shm") as path:
        yield Path(path)


@pytest.mark.parametrize("seed", [1, 2])
def test_what_is_acknowledged_survives_a_power_cut_at_any_moment(directory: Path, seed: int) -> None:
    assert set(cut(directory, None, seed, appends=8)) == {"whole"}


def test_without_waiting_for_the_disk_the_tail_may_be_lost_and_that_is_noticed(directory: Path) -> None:
    assert set(cut(directory, "normal", seed=4, appends=6)) == {"whole", "lost"}


def test_without_any_sync_acknowledged_events_are_lost(directory: Path) -> None:
    assert cut(directory, "off", seed=5, appends=2)["lost"] > 0
