"""Many processes reserve what overlaps, at once: at no position of the log do two hold the same.

`FLEET_RESERVATIONS` says how many processes and rounds; short here.
"""

import os
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from claimants import Place
from fleet_core.api import Query
from fleet_ctk.api import CtkList, CtkRelease, CtkReserve, ctk_list, ctk_release, ctk_reserve
from fleet_specialists.api import Register, register
from fleets import unlike
from forking import processes
from lease_history import overlapping_holders
from postgres_servers import SharedServer
from reservers import Score, meet_at, scramble, take

RACERS, ROUNDS = map(int, os.environ.get("FLEET_RESERVATIONS", "8x25").split("x"))

OVERLAPPING = [
    "src/**",
    "src/a*.py",
    "src/*z.py",
    "**/a_to_z.py",
    "src",
    "{src,lib}/*.py",
    "src/a_to_z.py",
    "*/?*",
]
"""All of them cover src/a_to_z.py."""


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """An empty store."""
    if request.param == "sqlite":
        return Place(tmp_path, "sqlite", {})
    server: SharedServer = request.getfixturevalue("postgres")
    return Place(tmp_path, "postgres", {"dsn": server.dsn, "schema": server.schema()})


def crowd(members: int) -> ProcessPoolExecutor:
    """So many processes, which meet before they begin."""
    context = processes()
    meeting = (context.Barrier(members),)
    return ProcessPoolExecutor(members, mp_context=context, initializer=meet_at, initargs=meeting)


def test_of_overlapping_patterns_wanted_at_once_one_is_granted(place: Place) -> None:
    members = len(OVERLAPPING)
    with place.open(), crowd(members) as pool:
        names = [f"s{number}" for number in range(members)]
        granted = list(pool.map(take, [place] * members, names, OVERLAPPING))
    assert granted.count(True) == 1
    with place.open() as fleet:
        assert len(list(fleet.store.read(Query.of(types=("ctk_conflict",))))) == members - 1
        assert len(list(fleet.store.read(Query.of(types=("ctk_case_rule",))))) == 1


def test_at_no_position_of_the_log_two_sessions_hold_the_same(place: Place) -> None:
    with place.open(), crowd(RACERS) as pool:
        names = [f"s{number}" for number in range(RACERS)]
        scores: list[Score] = list(pool.map(scramble, [place] * RACERS, names, [ROUNDS] * RACERS))
    assert sum(score.granted for score in scores) > RACERS
    assert sum(score.refused for score in scores) > RACERS
    with place.open() as fleet:
        assert overlapping_holders(fleet) == []
        assert not unlike(fleet)


def test_the_judge_sees_an_overlap_when_there_is_one(tmp_path: Path) -> None:
    """Two stores' worth of truth in one log: what nobody would grant."""
    from fleet_core.api import Batch, Stream
    from fleet_leases.api import LeaseGranted, Mark

    with Place(tmp_path, "memory", {}).open() as fleet:
        for name, pattern in (("ada", "src/a*"), ("bo", "src/*z")):
            register(fleet, Register(specialist=name))
            granted = LeaseGranted(
                lease_id=f"file:{name}", kind="file", holder=name, resources=(pattern,), at=Mark(1)
            )
            fleet.append(Batch(Stream("lease", granted.lease_id), [granted]))
        (clash,) = overlapping_holders(fleet)
        assert (clash.one.lease.holder, clash.other.lease.holder, clash.witness) == ("bo", "ada", "src/az")


def test_the_judge_knows_that_what_is_released_is_free(tmp_path: Path) -> None:
    with Place(tmp_path, "memory", {}).open() as fleet:
        for name in ("ada", "bo"):
            token = register(fleet, Register(specialist=name)).state.token
            ctk_reserve(fleet, CtkReserve(token=token, paths=("a",)))
            ctk_release(fleet, CtkRelease(token=token, all=True))
        assert overlapping_holders(fleet) == []
        assert ctk_list(fleet, CtkList()).items == []
