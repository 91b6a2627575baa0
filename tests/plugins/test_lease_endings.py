"""What follows from the end of a lease: plugins join in, and a bad one harms nobody but itself."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fleet_core.api import Decision, Fleet, Query, Unavailable
from fleet_leases.api import LEASES, Ending, Lease, settle
from fleet_specialists.api import Register, Retire, register, retire
from fleets import TestTimekeeper, opened
from lease_judge import Judge
from toy_claims import Claim, Poke, claim, poke
from toy_endings import AWAY_ONCE, BAD, DONE_AFTERWARDS, find_the_store_away, mourn, with_endings

Join = Callable[[Decision, Lease, Ending], None]


@pytest.fixture
def time_() -> TestTimekeeper:
    return TestTimekeeper()


@pytest.fixture(params=["memory", "sqlite"])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@contextmanager
def crew(
    folder: Path, backend: str, time_: TestTimekeeper, *joins: Join, said: list[str] | None = None
) -> Iterator[Fleet]:
    """Ada, who has claimed something, and bo, a minute younger; plugins join in."""
    warn = (said if said is not None else []).append
    with opened(folder, backend, timekeeper=time_, catalog=with_endings(*joins), warn=warn) as fleet:
        token = register(fleet, Register(specialist="ada")).state.token
        claim(fleet, Claim(token=token, thing="routes"))
        time_.advance(59)
        register(fleet, Register(specialist="bo"))
        time_.advance(1)
        yield fleet


def mourned(fleet: Fleet) -> list[str]:
    return [event.plain["lease_id"] for event in fleet.store.read(Query.of(types=("toy_mourned",)))]


def statuses(fleet: Fleet) -> dict[str, str]:
    return {lease.lease_id: lease.status for lease in fleet.view(LEASES).select().items}


def test_plugins_join_in_at_the_end_of_each_lease(
    tmp_path: Path, backend: str, time_: TestTimekeeper
) -> None:
    with crew(tmp_path, backend, time_, mourn) as fleet:
        settle(fleet)
        assert mourned(fleet) == ["session:ada", "claim:routes"]


def test_what_they_say_is_caused_by_the_end_and_recorded_with_it(
    tmp_path: Path, backend: str, time_: TestTimekeeper
) -> None:
    with crew(tmp_path, backend, time_, mourn) as fleet:
        before = fleet.store.head()
        settle(fleet)
        events = {event.id: event for event in fleet.store.read(after=before)}
        told = [event for event in events.values() if event.type == "toy_mourned"]
        assert [events[str(event.causation_id)].type for event in told] == ["lease_expired"] * 2


@pytest.mark.parametrize("bad", BAD)
def test_one_that_fails_keeps_no_lease_alive_and_nobody_from_writing(
    tmp_path: Path, backend: str, time_: TestTimekeeper, bad: Join
) -> None:
    with crew(tmp_path, backend, time_, bad) as fleet:
        poke(fleet, Poke())
        assert statuses(fleet) == {
            "session:ada": "expired",
            "claim:routes": "expired",
            "session:bo": "held",
        }


@pytest.mark.parametrize("bad", BAD)
def test_nothing_that_it_said_is_recorded(
    tmp_path: Path, backend: str, time_: TestTimekeeper, bad: Join
) -> None:
    DONE_AFTERWARDS.clear()
    with crew(tmp_path, backend, time_, bad) as fleet:
        before = fleet.store.head()
        settle(fleet)
        assert sorted(event.type for event in fleet.store.read(after=before)) == [
            "lease_expired",
            "lease_expired",
            "specialist_lost",
        ]
        assert DONE_AFTERWARDS == []


@pytest.mark.parametrize("bad", BAD)
def test_the_others_are_heard_all_the_same(
    tmp_path: Path, backend: str, time_: TestTimekeeper, bad: Join
) -> None:
    with crew(tmp_path, backend, time_, bad, mourn) as fleet:
        settle(fleet)
        assert mourned(fleet) == ["session:ada", "claim:routes"]
        judge = Judge().tell(fleet.store.read())
        judge.check_whole(fleet.store.head())
        assert judge.breaches == []


@pytest.mark.parametrize("bad", BAD)
def test_it_is_reported_once_with_the_name_of_whose_it_is(
    tmp_path: Path, backend: str, time_: TestTimekeeper, bad: Join
) -> None:
    said: list[str] = []
    with crew(tmp_path, backend, time_, bad, said=said) as fleet:
        settle(fleet)
        retire(fleet, Retire(specialist="bo"))
    assert len(set(said)) == len(said) >= 1
    assert all(f"{bad.__name__!r}" in text and "toys 1.0" in text for text in said)


def test_a_store_that_is_away_refuses_the_write_and_loses_no_consequence(
    tmp_path: Path, backend: str, time_: TestTimekeeper
) -> None:
    AWAY_ONCE.clear()
    with crew(tmp_path, backend, time_, find_the_store_away) as fleet:
        before = fleet.store.head()
        with pytest.raises(Unavailable):
            poke(fleet, Poke())
        assert fleet.store.head() == before
        poke(fleet, Poke())
        assert mourned(fleet) == ["session:ada", "claim:routes"]
