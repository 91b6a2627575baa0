"""Fencing: a write under a lease that is over is refused, told once, and changes nothing else."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fleet_core.api import Conflict, Exit, Fenced, Fleet, Query, Recorded
from fleet_leases.api import LEASES
from fleet_leases.operations import LeaseRelease, lease_release
from fleet_specialists.api import Heartbeat, Register, Retire, Show, heartbeat, register, retire, show
from fleets import TestTimekeeper, opened, unlike
from lease_programs import InterruptedFleet, few
from toy_claims import (
    Claim,
    Note,
    Poke,
    Release,
    Renew,
    Reserve,
    claim,
    note,
    poke,
    prolong,
    release,
    reserve,
)

Write = Callable[[Fleet, int, int], object]
"""A write under a session and a claim, by their tokens."""

WRITES: dict[str, Write] = {
    "heartbeat": lambda fleet, session, _: heartbeat(fleet, Heartbeat(token=session)),
    "note": lambda fleet, _, held: note(fleet, Note(token=held, lease_id="claim:routes")),
    "renew": lambda fleet, _, held: prolong(fleet, Renew(token=held, lease_id="claim:routes", ttl_ms=9_000)),
    "release": lambda fleet, _, held: release(fleet, Release(token=held, lease_id="claim:routes")),
    "claim": lambda fleet, session, _: claim(fleet, Claim(token=session, thing="more")),
    "reserve": lambda fleet, _, held: reserve(fleet, Reserve(token=held, part="more")),
}

ENDS: dict[str, Callable[[Fleet, TestTimekeeper], object]] = {
    "expired": lambda fleet, time_: time_.advance(66),
    "retired": lambda fleet, time_: retire(fleet, Retire(specialist="ada")),
    "forced": lambda fleet, time_: lease_release(fleet, LeaseRelease(lease="session:ada", reason="x")),
    "anew": lambda fleet, time_: register(fleet, Register(specialist="ada", anew=True)),
}


@pytest.fixture
def time_() -> TestTimekeeper:
    return TestTimekeeper()


@pytest.fixture(params=["memory", "sqlite"])
def fleet(request: pytest.FixtureRequest, tmp_path: Path, time_: TestTimekeeper) -> Iterator[Fleet]:
    with opened(
        tmp_path, request.param, timekeeper=time_, kind=InterruptedFleet, catalog=few()
    ) as opened_fleet:
        yield opened_fleet


def join(fleet: Fleet, name: str) -> int:
    return register(fleet, Register(specialist=name)).state.token


@pytest.fixture
def ada(fleet: Fleet) -> int:
    return join(fleet, "ada")


@pytest.fixture
def routes(fleet: Fleet, ada: int) -> int:
    return claim(fleet, Claim(token=ada, thing="routes")).state


def told(fleet: Fleet, after: int) -> list[Recorded]:
    return list(fleet.store.read(after=after))


def fences(fleet: Fleet) -> list[Recorded]:
    return list(fleet.store.read(Query.of(types=("write_fenced",))))


@pytest.fixture
def taken_over(fleet: Fleet, ada: int, routes: int, time_: TestTimekeeper) -> int:
    """Bo's token for what was ada's."""
    time_.advance(66)
    poke(fleet, Poke())
    time_.advance(6)
    return claim(fleet, Claim(token=join(fleet, "bo"), thing="routes")).state


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("end", ENDS)
def test_every_write_under_a_lease_that_is_over_is_fenced(
    fleet: Fleet, ada: int, routes: int, time_: TestTimekeeper, end: str, write: str
) -> None:
    ENDS[end](fleet, time_)
    with pytest.raises(Fenced):
        WRITES[write](fleet, ada, routes)


@pytest.mark.parametrize("write", WRITES)
def test_a_fenced_write_changes_nothing_but_that_it_is_told(
    fleet: Fleet, ada: int, routes: int, taken_over: int, write: str
) -> None:
    before, leases = fleet.store.head(), fleet.view(LEASES).select().items
    bo = show(fleet, Show(specialist="bo"))
    with pytest.raises(Fenced):
        WRITES[write](fleet, ada, routes)
    assert [event.type for event in told(fleet, before)] == ["write_fenced"]
    assert fleet.view(LEASES).select().items == leases
    assert show(fleet, Show(specialist="bo")) == bo
    assert not unlike(fleet)


def test_what_is_told_names_the_lease_its_holder_the_token_and_the_operation(
    fleet: Fleet, ada: int, routes: int, taken_over: int
) -> None:
    with pytest.raises(Fenced):
        WRITES["note"](fleet, ada, routes)
    [event] = fences(fleet)
    assert (event.data.lease_id, event.data.token) == ("claim:routes", routes)
    assert (event.data.holder, event.data.operation) == ("ada", "Note")
    assert event.stream_id == "claim:routes"


def test_what_is_told_is_caused_by_the_grant(fleet: Fleet, ada: int, routes: int, taken_over: int) -> None:
    with pytest.raises(Fenced):
        WRITES["note"](fleet, ada, routes)
    [event] = fences(fleet)
    [granted] = fleet.store.read(after=routes - 1, before=routes + 1)
    assert event.causation_id == granted.id


def test_the_refusal_says_when_the_lease_ended_who_holds_it_and_what_to_do(
    fleet: Fleet, ada: int, routes: int, taken_over: int
) -> None:
    [ended, *_] = [
        event.position
        for event in fleet.store.read(Query.of(types=("lease_expired",)))
        if event.data.token == routes
    ]
    with pytest.raises(Fenced) as caught:
        WRITES["note"](fleet, ada, routes)
    error = caught.value
    assert error.details == {"lease": "claim:routes", "token": routes, "ended_at": ended, "holder": "bo"}
    assert f"ended at position {ended}" in error.message
    assert "bo holds claim:routes now" in error.message
    assert "fleet prime" in error.remedy
    assert "fleet specialist register ada" in error.remedy
    assert (error.code, error.exit) == ("FENCED", Exit.FENCED)


def test_the_refusal_of_a_session_that_was_begun_anew_says_when_the_old_one_ended(
    fleet: Fleet, ada: int
) -> None:
    anew = register(fleet, Register(specialist="ada", anew=True)).state.token
    register(fleet, Register(specialist="ada", anew=True))
    for token in (ada, anew):
        [ended] = [
            event.position
            for event in fleet.store.read(Query.of(types=("lease_released",)))
            if event.data.token == token
        ]
        with pytest.raises(Fenced) as caught:
            heartbeat(fleet, Heartbeat(token=token))
        assert caught.value.details["ended_at"] == ended


def test_each_try_is_told_when_there_is_no_key(fleet: Fleet, ada: int, routes: int, taken_over: int) -> None:
    for _ in range(3):
        with pytest.raises(Fenced):
            WRITES["note"](fleet, ada, routes)
    assert len(fences(fleet)) == 3


def test_a_write_with_a_key_is_told_once_however_often_it_is_sent(
    fleet: Fleet, ada: int, routes: int, taken_over: int
) -> None:
    for _ in range(3):
        with pytest.raises(Fenced):
            note(fleet, Note(token=routes, lease_id="claim:routes", key="k"))
    assert len(fences(fleet)) == 1


def test_another_write_with_the_same_key_is_told_too(
    fleet: Fleet, ada: int, routes: int, taken_over: int
) -> None:
    with pytest.raises(Fenced):
        note(fleet, Note(token=routes, lease_id="claim:routes", key="k"))
    with pytest.raises(Fenced):
        heartbeat(fleet, Heartbeat(token=ada, key="k"))
    assert [event.data.token for event in fences(fleet)] == [routes, ada]


def test_a_write_that_was_accepted_is_answered_again_after_its_lease_is_over(
    fleet: Fleet, ada: int, routes: int, time_: TestTimekeeper
) -> None:
    request = Note(token=routes, lease_id="claim:routes", key="k")
    position = note(fleet, request)
    time_.advance(66)
    assert note(fleet, request) == position
    assert fences(fleet) == []


def test_a_grant_is_answered_again_after_it_is_over(fleet: Fleet, ada: int, time_: TestTimekeeper) -> None:
    request = Claim(token=ada, thing="routes", key="k")
    first = claim(fleet, request)
    time_.advance(66)
    again = claim(fleet, request)
    assert (again.state, again.position, again.replayed) == (first.state, first.position, True)


def test_a_lease_whose_time_is_over_is_fenced_before_anybody_has_recorded_that(
    fleet: Fleet, ada: int, time_: TestTimekeeper
) -> None:
    time_.advance(60)
    before = fleet.store.head()
    with pytest.raises(Fenced):
        heartbeat(fleet, Heartbeat(token=ada))
    assert [event.type for event in told(fleet, before)] == [
        "lease_expired",
        "specialist_lost",
        "write_fenced",
    ]


def test_a_session_covers_what_its_holder_claimed(fleet: Fleet, ada: int, routes: int) -> None:
    assert note(fleet, Note(token=ada, lease_id="claim:routes")) > routes


def test_a_claim_covers_what_was_reserved_under_it(fleet: Fleet, ada: int, routes: int) -> None:
    mine = reserve(fleet, Reserve(token=routes, part="a")).state
    assert note(fleet, Note(token=routes, lease_id="file:a")) > mine


def test_a_claim_covers_nothing_beside_it(fleet: Fleet, ada: int, routes: int) -> None:
    claim(fleet, Claim(token=ada, thing="schema"))
    reserve(fleet, Reserve(token=ada, part="a"))
    for lease_id in ("claim:schema", "file:a", "session:ada"):
        with pytest.raises(Conflict):
            note(fleet, Note(token=routes, lease_id=lease_id))


def test_nobody_s_token_covers_what_is_another_s(fleet: Fleet, ada: int, routes: int) -> None:
    bo = join(fleet, "bo")
    head = fleet.store.head()
    with pytest.raises(Conflict):
        note(fleet, Note(token=bo, lease_id="claim:routes"))
    assert fleet.store.head() == head


def test_an_older_token_of_the_same_name_covers_nothing(
    fleet: Fleet, ada: int, routes: int, time_: TestTimekeeper
) -> None:
    register(fleet, Register(specialist="ada", anew=True))
    again = claim(fleet, Claim(token=session_of(fleet, "ada"), thing="routes")).state
    for token in (ada, routes):
        with pytest.raises(Fenced):
            note(fleet, Note(token=token, lease_id="claim:routes"))
    assert note(fleet, Note(token=again, lease_id="claim:routes")) > again


def session_of(fleet: Fleet, name: str) -> int:
    token = show(fleet, Show(specialist=name)).token
    assert token is not None
    return token


@pytest.mark.parametrize("write", WRITES)
def test_a_write_that_was_decided_before_the_takeover_is_fenced_after_it(
    fleet: Fleet, ada: int, routes: int, time_: TestTimekeeper, write: str
) -> None:
    """Its process paused between its decision and its append."""
    tokens: list[int] = []

    def meanwhile() -> None:
        time_.advance(66)
        poke(fleet, Poke())
        time_.advance(6)
        tokens.append(claim(fleet, Claim(token=join(fleet, "bo"), thing="routes")).state)

    assert isinstance(fleet, InterruptedFleet)
    fleet.interruption = meanwhile
    with pytest.raises(Fenced):
        WRITES[write](fleet, ada, routes)
    lease = fleet.view(LEASES).get("claim:routes")
    assert lease is not None
    assert (lease.holder, [lease.token]) == ("bo", tokens)
    assert len(fences(fleet)) == 1


def test_fenced_writes_do_not_hold_up_the_new_holder(fleet: Fleet, ada: int, routes: int) -> None:
    """Whoever goes on writing with an old token must not have the new holder's decisions taken again."""
    anew = register(fleet, Register(specialist="ada", anew=True)).state.token
    tries: list[Any] = []

    def meanwhile() -> None:
        with pytest.raises(Fenced):
            heartbeat(fleet, Heartbeat(token=ada))

    assert isinstance(fleet, InterruptedFleet)
    fleet.interruption = meanwhile
    attempt = fleet._try
    fleet._try = lambda *args: tries.append(args) or attempt(*args)  # type: ignore[method-assign,func-returns-value]
    heartbeat(fleet, Heartbeat(token=anew))
    assert [type(request).__name__ for request, *_ in tries] == ["Heartbeat", "Heartbeat"]
    assert [request.token for request, *_ in tries] == [anew, ada]
