"""Leases: granted, renewed, released, expired, barred, freed and forced, each by an event of its own."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fleet_core.api import Batch, Conflict, Fleet, NewEvent, NotFound, Query, Recorded, Stream
from fleet_leases.api import LEASES, Lease, settle
from fleet_leases.operations import (
    LeaseList,
    LeaseRelease,
    LeaseShow,
    LeaseShown,
    lease_list,
    lease_release,
    lease_show,
)
from fleet_specialists.api import Heartbeat, Register, Retire, heartbeat, register, retire
from fleets import TestTimekeeper, opened, unlike
from lease_programs import few
from toy_claims import Claim, Poke, Release, Renew, Reserve, claim, poke, prolong, release, reserve


@pytest.fixture
def time_() -> TestTimekeeper:
    return TestTimekeeper()


@pytest.fixture(params=["memory", "sqlite"])
def fleet(request: pytest.FixtureRequest, tmp_path: Path, time_: TestTimekeeper) -> Iterator[Fleet]:
    with opened(tmp_path, request.param, timekeeper=time_, catalog=few()) as opened_fleet:
        yield opened_fleet


def join(fleet: Fleet, name: str) -> int:
    return register(fleet, Register(specialist=name)).state.token


@pytest.fixture
def ada(fleet: Fleet) -> int:
    return join(fleet, "ada")


@pytest.fixture
def bo(fleet: Fleet) -> int:
    return join(fleet, "bo")


@pytest.fixture
def routes(fleet: Fleet, ada: int) -> int:
    """What ada has claimed, by its token."""
    return claim(fleet, Claim(token=ada, thing="routes")).state


def lease(fleet: Fleet, lease_id: str) -> Lease | None:
    return fleet.view(LEASES).get(lease_id)


def told(fleet: Fleet, after: int) -> list[tuple[str, str]]:
    """What was recorded beyond a position: types and streams."""
    return [(event.type, event.stream_id) for event in fleet.store.read(after=after)]


def only(fleet: Fleet, type_: str) -> Recorded:
    [event] = fleet.store.read(Query.of(types=(type_,)))
    return event


def alive_until(fleet: Fleet, time_: TestTimekeeper, seconds: float, *tokens: int) -> None:
    """Let time pass, with a heartbeat now and then."""
    for _ in range(int(seconds / 20)):
        time_.advance(20)
        for token in tokens:
            heartbeat(fleet, Heartbeat(token=token))
    time_.advance(seconds % 20)


def test_a_token_is_the_position_of_the_granting_event(fleet: Fleet, routes: int) -> None:
    [event] = fleet.store.read(after=routes - 1, before=routes + 1)
    assert (event.type, event.stream_id) == ("lease_granted", "claim:routes")


def test_tokens_rise_from_grant_to_grant(fleet: Fleet, ada: int, routes: int) -> None:
    release(fleet, Release(token=ada, lease_id="claim:routes"))
    assert claim(fleet, Claim(token=ada, thing="routes")).state > routes


def test_what_is_held_is_not_granted_again(fleet: Fleet, routes: int, bo: int) -> None:
    before = fleet.store.head()
    with pytest.raises(Conflict, match="held by ada"):
        claim(fleet, Claim(token=bo, thing="routes"))
    assert fleet.store.head() == before


def test_what_is_released_is_free_at_once(fleet: Fleet, ada: int, routes: int, bo: int) -> None:
    release(fleet, Release(token=routes, lease_id="claim:routes"))
    assert claim(fleet, Claim(token=bo, thing="routes")).state > routes


def test_nothing_is_due_before_its_time(fleet: Fleet, ada: int, time_: TestTimekeeper) -> None:
    time_.advance(59.999999)
    settle(fleet)
    assert lease(fleet, "session:ada") is not None
    assert fleet.store.head() == ada


WRITES: dict[str, Callable[[Fleet], object]] = {
    "no lease": lambda fleet: poke(fleet, Poke()),
    "register": lambda fleet: register(fleet, Register(specialist="bo")),
    "retire": lambda fleet: retire(fleet, Retire(specialist="bo")),
    "force": lambda fleet: lease_release(fleet, LeaseRelease(lease="session:bo", reason="x")),
    "heartbeat": lambda fleet: heartbeat(fleet, Heartbeat(token=session_of(fleet, "bo"))),
}


@pytest.mark.parametrize("write", WRITES)
def test_the_next_write_whosever_it_is_ends_what_is_due(
    fleet: Fleet, ada: int, time_: TestTimekeeper, write: str
) -> None:
    time_.advance(30)
    join(fleet, "bo")
    time_.advance(30)
    WRITES[write](fleet)
    expired = only(fleet, "lease_expired")
    assert (expired.stream_id, expired.data.token) == ("session:ada", ada)


def session_of(fleet: Fleet, name: str) -> int:
    found = lease(fleet, f"session:{name}")
    assert found is not None
    return found.token


def test_a_write_that_is_refused_ends_what_is_due_all_the_same(
    fleet: Fleet, ada: int, time_: TestTimekeeper
) -> None:
    time_.advance(60)
    with pytest.raises(NotFound):
        heartbeat(fleet, Heartbeat(token=1))
    assert only(fleet, "lease_expired").stream_id == "session:ada"


def test_readers_only_show_what_is_due(fleet: Fleet, ada: int, time_: TestTimekeeper) -> None:
    time_.advance(60)
    shown = lease_show(fleet, LeaseShow(lease="session:ada"))
    assert (shown.status, shown.expires_in_ms) == ("due", 0)
    assert lease_list(fleet, LeaseList()).items == [shown]
    assert fleet.store.head() == ada


def test_a_renewal_counts_from_when_it_was_made(
    fleet: Fleet, ada: int, routes: int, time_: TestTimekeeper
) -> None:
    mine = reserve(fleet, Reserve(token=ada, part="a", ttl_ms=10_000)).state
    time_.advance(8)
    prolong(fleet, Renew(token=mine, lease_id="file:a", ttl_ms=30_000))
    time_.advance(29.9)
    assert lease_show(fleet, LeaseShow(lease="file:a")).expires_in_ms == 100
    time_.advance(0.1)
    settle(fleet)
    assert only(fleet, "lease_expired").stream_id == "file:a"


def test_a_lease_without_a_time_of_its_own_lasts_as_long_as_the_session(
    fleet: Fleet, ada: int, routes: int, time_: TestTimekeeper
) -> None:
    alive_until(fleet, time_, 3600, ada)
    assert lease_show(fleet, LeaseShow(lease="claim:routes")).expires_in_ms is None
    time_.advance(61)
    settle(fleet)
    assert lease_show(fleet, LeaseShow(lease="claim:routes")).status == "barred"


def test_a_lease_with_a_shorter_time_expires_alone(fleet: Fleet, ada: int, time_: TestTimekeeper) -> None:
    claim(fleet, Claim(token=ada, thing="routes", ttl_ms=5_000))
    time_.advance(5)
    settle(fleet)
    assert [event.stream_id for event in fleet.store.read(Query.of(types=("lease_expired",)))] == [
        "claim:routes"
    ]
    assert lease_show(fleet, LeaseShow(lease="session:ada")).status == "held"


@pytest.fixture
def tower(fleet: Fleet, ada: int, routes: int) -> list[str]:
    """A session, a claim under it, and under each something more."""
    reserve(fleet, Reserve(token=routes, part="under-claim"))
    reserve(fleet, Reserve(token=ada, part="under-session"))
    return ["session:ada", "claim:routes", "file:under-claim", "file:under-session"]


def expire(fleet: Fleet, time_: TestTimekeeper) -> None:
    time_.advance(61)
    settle(fleet)


ENDS: dict[str, Callable[[Fleet, TestTimekeeper], object]] = {
    "expired": lambda fleet, time_: expire(fleet, time_),
    "retired": lambda fleet, time_: retire(fleet, Retire(specialist="ada")),
    "forced": lambda fleet, time_: lease_release(fleet, LeaseRelease(lease="session:ada", reason="x")),
    "released": lambda fleet, time_: register(fleet, Register(specialist="ada", anew=True)),
}


@pytest.mark.parametrize("how", ENDS)
def test_with_a_session_all_that_is_under_it_ends_however_it_ends(
    fleet: Fleet, tower: list[str], time_: TestTimekeeper, how: str
) -> None:
    before = fleet.store.head()
    ENDS[how](fleet, time_)
    kind = "lease_expired" if how == "expired" else "lease_released"
    ended = [stream for type_, stream in told(fleet, before) if type_ == kind]
    assert ended[0] == "session:ada"
    assert sorted(ended) == sorted(tower)
    assert fleet.view(LEASES).select({"status": "held", "kind": "claim"}).items == []
    assert fleet.view(LEASES).select({"status": "held", "kind": "file"}).items == []


@pytest.mark.parametrize("how", ENDS)
def test_an_end_and_what_follows_from_it_are_one_append(
    fleet: Fleet, tower: list[str], time_: TestTimekeeper, how: str
) -> None:
    before = fleet.store.head()
    appends = [0]
    append = fleet.append

    def counted(*batches: Any, **more: Any) -> Any:
        appends[0] += 1
        return append(*batches, **more)

    fleet.append = counted  # type: ignore[method-assign]
    ENDS[how](fleet, time_)
    assert appends == [1]
    assert len(told(fleet, before)) >= len(tower)


def test_with_a_claim_only_what_is_under_it_ends(fleet: Fleet, ada: int, tower: list[str]) -> None:
    release(fleet, Release(token=ada, lease_id="claim:routes"))
    left = {each.lease_id for each in fleet.view(LEASES).select().items}
    assert left == {"session:ada", "file:under-session"}


def test_each_end_is_caused_by_the_one_that_it_follows_from(
    fleet: Fleet, tower: list[str], time_: TestTimekeeper
) -> None:
    time_.advance(61)
    settle(fleet)
    expired = {event.stream_id: event for event in fleet.store.read(Query.of(types=("lease_expired",)))}
    granted = {event.stream_id: event for event in fleet.store.read(Query.of(types=("lease_granted",)))}
    assert expired["session:ada"].causation_id == granted["session:ada"].id
    assert expired["claim:routes"].causation_id == expired["session:ada"].id
    assert expired["file:under-claim"].causation_id == expired["claim:routes"].id
    assert expired["file:under-session"].causation_id == expired["session:ada"].id


def test_what_expired_is_barred_for_the_lock_delay_and_then_free(
    fleet: Fleet, ada: int, routes: int, time_: TestTimekeeper
) -> None:
    time_.advance(61)
    bo = join(fleet, "bo")
    with pytest.raises(Conflict, match="expired by ada"):
        claim(fleet, Claim(token=bo, thing="routes"))
    time_.advance(4.9)
    with pytest.raises(Conflict, match="expired by ada"):
        claim(fleet, Claim(token=bo, thing="routes"))
    time_.advance(0.1)
    assert claim(fleet, Claim(token=bo, thing="routes")).state > routes


def test_a_lock_delay_ends_by_an_event(fleet: Fleet, ada: int, routes: int, time_: TestTimekeeper) -> None:
    time_.advance(60)
    settle(fleet)
    before = fleet.store.head()
    time_.advance(5)
    settle(fleet)
    assert sorted(told(fleet, before)) == [("lease_freed", "claim:routes"), ("lease_freed", "session:ada")]
    assert fleet.view(LEASES).select().items == []


def test_the_barred_say_how_long_they_are_barred(fleet: Fleet, routes: int, time_: TestTimekeeper) -> None:
    time_.advance(60)
    settle(fleet)
    time_.advance(2)
    shown = lease_show(fleet, LeaseShow(lease="claim:routes"))
    assert (shown.status, shown.expires_in_ms) == ("barred", 3_000)


def test_a_project_may_have_no_lock_delay(tmp_path: Path, time_: TestTimekeeper) -> None:
    none = {"leases": {"lock_delay": 0}}
    with opened(tmp_path, "memory", timekeeper=time_, catalog=few(), plugins=none) as fleet:
        claim(fleet, Claim(token=join(fleet, "ada"), thing="routes"))
        time_.advance(60)
        bo = join(fleet, "bo")
        assert claim(fleet, Claim(token=bo, thing="routes")).state > 0


def test_nobody_waits_for_a_lock_delay_to_begin_a_session(
    fleet: Fleet, ada: int, time_: TestTimekeeper
) -> None:
    time_.advance(60)
    again = join(fleet, "ada")
    assert again > ada
    time_.advance(6)
    settle(fleet)
    assert lease_show(fleet, LeaseShow(lease="session:ada")).token == again


@pytest.mark.parametrize("how", ["retired", "forced", "released"])
def test_there_is_no_lock_delay_but_after_an_expiry(
    fleet: Fleet, routes: int, time_: TestTimekeeper, how: str
) -> None:
    ENDS[how](fleet, time_)
    assert claim(fleet, Claim(token=join(fleet, "bo"), thing="routes")).state > routes


def test_many_due_leases_end_before_the_next_write(fleet: Fleet, time_: TestTimekeeper) -> None:
    for number in range(130):
        register(fleet, Register(specialist=f"s{number}"))
    time_.advance(61)
    poke(fleet, Poke())
    assert fleet.view(LEASES).count_by("status") == {"expired": 130}
    time_.advance(5)
    poke(fleet, Poke())
    assert fleet.view(LEASES).select().items == []


def test_a_lease_is_taken_away_for_a_reason_that_is_told(fleet: Fleet, routes: int) -> None:
    done = lease_release(fleet, LeaseRelease(lease="claim:routes", reason="holiday", by="cy"))
    assert (done.state.how, done.state.reason, done.state.holder) == ("forced", "holiday", "ada")
    event = only(fleet, "lease_released")
    assert (event.data.by, event.data.reason, event.data.how) == ("cy", "holiday", "forced")


def test_what_nobody_holds_can_not_be_taken_away(fleet: Fleet, ada: int) -> None:
    with pytest.raises(NotFound) as caught:
        lease_release(fleet, LeaseRelease(lease="claim:nothing", reason="x"))
    assert "fleet lease list" in caught.value.remedy
    assert fleet.store.head() == ada


def test_what_has_expired_can_not_be_taken_away(fleet: Fleet, routes: int, time_: TestTimekeeper) -> None:
    time_.advance(60)
    with pytest.raises(Conflict, match="has expired already"):
        lease_release(fleet, LeaseRelease(lease="claim:routes", reason="x"))


def test_a_force_release_with_a_key_is_made_once(fleet: Fleet, routes: int) -> None:
    request = LeaseRelease(lease="claim:routes", reason="x", key="k")
    first = lease_release(fleet, request)
    head = fleet.store.head()
    again = lease_release(fleet, request)
    assert (again.state, again.position, again.replayed) == (first.state, first.position, True)
    with pytest.raises(Conflict, match="another request"):
        lease_release(fleet, LeaseRelease(lease="claim:routes", reason="y", key="k"))
    assert fleet.store.head() == head


def ids(fleet: Fleet, **criteria: Any) -> list[str]:
    return [each.lease_id for each in lease_list(fleet, LeaseList(**criteria)).items]


def test_leases_are_listed_by_kind_and_holder(fleet: Fleet, tower: list[str], bo: int) -> None:
    assert ids(fleet, kind="file") == ["file:under-claim", "file:under-session"]
    assert ids(fleet, holder="bo") == ["session:bo"]
    assert ids(fleet, holder="ada", kind="claim") == ["claim:routes"]


def test_a_limited_list_carries_the_cursor_to_the_rest(fleet: Fleet, tower: list[str]) -> None:
    seen: list[LeaseShown] = []
    cursor: str | None = None
    while True:
        page = lease_list(fleet, LeaseList(limit=3, after=cursor))
        seen += page.items
        cursor = page.next
        if cursor is None:
            break
    assert [each.lease_id for each in seen] == sorted(tower)


def test_what_was_held_then_is_shown_as_of_then(
    fleet: Fleet, ada: int, routes: int, time_: TestTimekeeper
) -> None:
    ENDS["retired"](fleet, time_)
    as_of = str(routes)
    assert ids(fleet, as_of=as_of) == ["claim:routes", "session:ada"]
    shown = lease_show(fleet, LeaseShow(lease="claim:routes", as_of=as_of))
    assert (shown.token, shown.status, shown.expires_in_ms) == (routes, "held", None)


def test_the_tables_say_what_the_log_says(
    fleet: Fleet, tower: list[str], bo: int, time_: TestTimekeeper
) -> None:
    time_.advance(30)
    heartbeat(fleet, Heartbeat(token=bo))
    time_.advance(31)
    poke(fleet, Poke())
    time_.advance(5)
    poke(fleet, Poke())
    assert not unlike(fleet)


@pytest.mark.parametrize("type_", ["lease_granted", "lease_renewed", "lease_expired", "lease_released"])
def test_foreign_data_in_a_lease_s_stream_changes_nothing(fleet: Fleet, ada: int, type_: str) -> None:
    before = lease(fleet, "session:ada")
    foreign = NewEvent(type=type_, data={"token": ada, "lease_id": "session:ada"}, schema_version=0)
    fleet.append(Batch(Stream("lease", "session:ada"), [foreign]))
    assert lease(fleet, "session:ada") == before
    assert not unlike(fleet)


def test_what_is_told_of_an_earlier_grant_changes_nothing(fleet: Fleet, ada: int) -> None:
    register(fleet, Register(specialist="ada", anew=True))
    before = lease(fleet, "session:ada")
    released = only(fleet, "lease_released")
    fleet.append(Batch(Stream("lease", "session:ada"), [released.data]))
    assert lease(fleet, "session:ada") == before
