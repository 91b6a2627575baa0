"""Specialists: they register, show that they live, are lost or retire, and are found again."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from fleet_core.api import (
    Batch,
    Conflict,
    Fenced,
    Fleet,
    Invalid,
    NewEvent,
    NotFound,
    Query,
    Recorded,
    Stream,
    as_datetime,
)
from fleet_leases.api import LEASES, settle
from fleet_leases.operations import LeaseRelease, lease_release
from fleet_specialists.api import (
    Heartbeat,
    ListSpecialists,
    Register,
    Retire,
    Session,
    Show,
    heartbeat,
    list_specialists,
    register,
    retire,
    show,
)
from fleets import START, TestClock, opened, unlike
from lease_programs import few
from toy_claims import Claim, Note, Poke, claim, note, poke


@pytest.fixture
def clock() -> TestClock:
    return TestClock()


@pytest.fixture(params=["memory", "sqlite"])
def fleet(request: pytest.FixtureRequest, tmp_path: Path, clock: TestClock) -> Iterator[Fleet]:
    with opened(tmp_path, request.param, clock, catalog=few()) as fleet:
        yield fleet


def join(fleet: Fleet, who: str = "ada", **said: Any) -> Session:
    return register(fleet, Register(specialist=who, **said)).state


def listed(fleet: Fleet, **criteria: Any) -> list[str]:
    return [each.specialist_id for each in list_specialists(fleet, ListSpecialists(**criteria)).items]


def status(fleet: Fleet, name: str = "ada") -> str:
    return show(fleet, Show(specialist=name)).status


def losses(fleet: Fleet) -> list[Recorded]:
    return list(fleet.store.read(Query.of(types=("specialist_lost",))))


def test_a_registered_specialist_is_shown_with_what_it_said(fleet: Fleet) -> None:
    said = {"name": "Ada", "role": "builder", "program": "claude-code", "model": "opus"}
    session = join(fleet, capabilities=("python", "sql"), **said)
    ada = show(fleet, Show(specialist="ada"))
    assert (ada.name, ada.role, ada.program, ada.model) == tuple(said.values())
    assert (ada.capabilities, ada.status, ada.token) == (("python", "sql"), "active", session.token)
    assert ada.registered_at == ada.last_seen == as_datetime(START)


def test_a_specialist_without_a_name_is_called_by_its_id(fleet: Fleet) -> None:
    assert join(fleet).name == "ada"


def test_who_registers_is_told_its_token_and_its_time(fleet: Fleet) -> None:
    session = join(fleet)
    [granted] = fleet.store.read(Query.of(types=("lease_granted",)))
    assert (session.token, session.expires_in_ms) == (granted.position, 60_000)


def test_the_time_of_a_session_is_a_setting(tmp_path: Path, clock: TestClock) -> None:
    plugins = {"specialists": {"lost_after": 2.5}}
    with opened(tmp_path, "memory", clock, catalog=few(), plugins=plugins) as fleet:
        assert join(fleet).expires_in_ms == 2_500
        clock.advance(2.5)
        assert status(fleet) == "late"


def test_registering_again_during_the_session_gives_the_same_token(fleet: Fleet, clock: TestClock) -> None:
    first = join(fleet, capabilities=("python",))
    clock.advance(30)
    assert join(fleet, capabilities=("python",)) == first
    clock.advance(59)
    assert heartbeat(fleet, Heartbeat(token=first.token)).state.status == "active"


def test_registering_again_with_the_same_data_says_nothing_new_of_it(fleet: Fleet) -> None:
    join(fleet, capabilities=("python",))
    join(fleet, capabilities=("python",))
    assert len(list(fleet.store.read(Query.of(types=("specialist_registered",))))) == 1


def test_registering_again_with_other_data_changes_it_and_keeps_the_first_date(
    fleet: Fleet, clock: TestClock
) -> None:
    first = join(fleet, capabilities=("python",))
    clock.advance(50)
    assert join(fleet, name="Ada L.").token == first.token
    ada = show(fleet, Show(specialist="ada"))
    assert (ada.name, ada.capabilities) == ("Ada L.", ())
    assert ada.registered_at == as_datetime(START)
    assert ada.last_seen == as_datetime(START + 50_000_000)


def test_beginning_anew_gives_another_token_and_fences_the_first(fleet: Fleet) -> None:
    first = join(fleet)
    again = join(fleet, anew=True)
    assert again.token > first.token
    with pytest.raises(Fenced):
        heartbeat(fleet, Heartbeat(token=first.token))
    assert heartbeat(fleet, Heartbeat(token=again.token)).state.token == again.token


def test_after_its_session_a_specialist_gets_another_token(fleet: Fleet, clock: TestClock) -> None:
    first = join(fleet)
    clock.advance(60)
    again = join(fleet)
    assert again.token > first.token
    assert status(fleet) == "active"


def test_a_heartbeat_says_when_it_was_last_seen_and_what_it_does(fleet: Fleet, clock: TestClock) -> None:
    token = join(fleet).token
    clock.advance(30)
    ada = heartbeat(fleet, Heartbeat(token=token, status="busy", current_sortie="srt-1")).state
    assert (ada.specialist_id, ada.status, ada.current_sortie) == ("ada", "busy", "srt-1")
    assert ada.last_seen == as_datetime(START + 30_000_000)


def test_heartbeats_keep_a_session_alive(fleet: Fleet, clock: TestClock) -> None:
    token = join(fleet).token
    for _ in range(10):
        clock.advance(59)
        heartbeat(fleet, Heartbeat(token=token))
    assert losses(fleet) == []


def test_any_other_write_is_a_sign_of_life(fleet: Fleet, clock: TestClock) -> None:
    token = join(fleet).token
    claim(fleet, Claim(token=token, thing="routes"))
    for _ in range(10):
        clock.advance(50)
        note(fleet, Note(token=token, lease_id="claim:routes"))
    assert losses(fleet) == []
    assert show(fleet, Show(specialist="ada")).last_seen == as_datetime(clock.now)


def test_many_writes_renew_a_session_once_in_a_twelfth_of_its_time(fleet: Fleet, clock: TestClock) -> None:
    token = join(fleet).token
    claim(fleet, Claim(token=token, thing="routes"))
    for _ in range(100):
        clock.advance(0.5)
        note(fleet, Note(token=token, lease_id="claim:routes"))
    renewals = list(fleet.store.read(Query.of(types=("lease_renewed",))))
    assert 8 <= len(renewals) <= 10


def test_who_is_silent_is_late_until_somebody_writes_and_lost_then(fleet: Fleet, clock: TestClock) -> None:
    join(fleet)
    clock.advance(59.9)
    assert status(fleet) == "active"
    clock.advance(0.1)
    assert status(fleet) == "late"
    assert [each.status for each in list_specialists(fleet, ListSpecialists()).items] == ["late"]
    poke(fleet, Poke())
    assert status(fleet) == "lost"


def test_the_list_of_the_late_has_them(fleet: Fleet, clock: TestClock) -> None:
    join(fleet)
    clock.advance(30)
    join(fleet, "bo")
    clock.advance(30)
    assert listed(fleet, status="late") == ["ada"]
    assert listed(fleet, status="active") == ["bo"]


def test_the_late_are_listed_page_by_page_and_by_role(fleet: Fleet, clock: TestClock) -> None:
    for name in ("ada", "bo", "cy"):
        join(fleet, name, role="reviewer" if name == "cy" else None)
    clock.advance(60)
    first = list_specialists(fleet, ListSpecialists(status="late", limit=2))
    assert [each.specialist_id for each in first.items] == ["ada", "bo"]
    assert listed(fleet, status="late", after=first.next) == ["cy"]
    assert listed(fleet, status="late", role="reviewer") == ["cy"]


def test_a_loss_says_when_the_specialist_was_last_seen_and_follows_from_the_expiry(
    fleet: Fleet, clock: TestClock
) -> None:
    token = join(fleet).token
    clock.advance(20)
    heartbeat(fleet, Heartbeat(token=token))
    clock.advance(100)
    settle(fleet)
    [lost] = losses(fleet)
    [expired] = fleet.store.read(Query.of(types=("lease_expired",)))
    assert lost.causation_id == expired.id
    assert lost.data.last_seen == as_datetime(START + 20_000_000)
    assert lost.position > expired.position


def test_who_is_lost_is_lost_once(fleet: Fleet, clock: TestClock) -> None:
    join(fleet)
    for _ in range(3):
        clock.advance(60)
        settle(fleet)
    assert len(losses(fleet)) == 1


def test_whose_session_is_taken_away_is_lost_for_that_reason(fleet: Fleet) -> None:
    join(fleet)
    lease_release(fleet, LeaseRelease(lease="session:ada", reason="the machine is sold"))
    assert [event.data.reason for event in losses(fleet)] == ["the machine is sold"]
    assert status(fleet) == "lost"


def test_who_begins_anew_or_retires_is_not_lost(fleet: Fleet) -> None:
    join(fleet)
    join(fleet, anew=True)
    retire(fleet, Retire(specialist="ada"))
    assert losses(fleet) == []


def test_a_retired_specialist_holds_nothing_and_writes_nothing(fleet: Fleet) -> None:
    token = join(fleet).token
    claim(fleet, Claim(token=token, thing="routes"))
    done = retire(fleet, Retire(specialist="ada", summary="all merged"))
    assert done.state.status == "retired"
    assert fleet.view(LEASES).select().items == []
    with pytest.raises(Fenced):
        heartbeat(fleet, Heartbeat(token=token))
    assert status(fleet) == "retired"


def test_who_is_retired_can_not_retire_again_and_can_come_back(fleet: Fleet) -> None:
    join(fleet)
    retire(fleet, Retire(specialist="ada"))
    head = fleet.store.head()
    with pytest.raises(Conflict, match="retired already") as caught:
        retire(fleet, Retire(specialist="ada"))
    assert "fleet specialist register ada" in caught.value.remedy
    assert fleet.store.head() == head
    join(fleet)
    assert status(fleet) == "active"


def test_who_is_lost_can_be_retired(fleet: Fleet, clock: TestClock) -> None:
    join(fleet)
    clock.advance(60)
    assert retire(fleet, Retire(specialist="ada", by="cy")).state.status == "retired"


@pytest.mark.parametrize(
    ("operation", "request_"), [(show, Show(specialist="eve")), (retire, Retire(specialist="eve"))]
)
def test_an_unknown_specialist_is_an_error_that_says_what_to_do(
    fleet: Fleet, operation: Callable[..., object], request_: object
) -> None:
    with pytest.raises(NotFound) as caught:
        operation(fleet, request_)
    assert "eve" in caught.value.message
    assert "fleet specialist register eve" in caught.value.remedy
    assert fleet.store.head() == 0


def test_a_write_without_a_token_says_how_to_get_one(fleet: Fleet) -> None:
    with pytest.raises(Invalid) as caught:
        heartbeat(fleet, Heartbeat())
    assert "FLEET_TOKEN" in caught.value.remedy
    assert "fleet specialist register" in caught.value.remedy


@pytest.mark.parametrize("token", [1, 3, 99, 2**63, 2**80, 0, -5])
def test_a_token_that_nobody_was_granted_is_not_found(fleet: Fleet, token: int) -> None:
    join(fleet)
    poke(fleet, Poke())
    with pytest.raises(NotFound, match="no lease's token"):
        heartbeat(fleet, Heartbeat(token=token))
    assert fleet.store.head() == 3


def test_the_list_can_be_filtered_by_status_and_role(fleet: Fleet) -> None:
    for name in ("ada", "bo", "cy"):
        join(fleet, name, role="reviewer" if name == "cy" else None)
    bo = show(fleet, Show(specialist="bo")).token
    heartbeat(fleet, Heartbeat(token=bo, status="busy"))
    assert listed(fleet, status="busy") == ["bo"]
    assert listed(fleet, role="reviewer") == ["cy"]


def test_a_limited_list_carries_the_cursor_to_the_rest(fleet: Fleet) -> None:
    for name in ("ada", "bo", "cy"):
        join(fleet, name)
    first = list_specialists(fleet, ListSpecialists(limit=2))
    rest = list_specialists(fleet, ListSpecialists(limit=2, after=first.next))
    assert [each.specialist_id for each in first.items + rest.items] == ["ada", "bo", "cy"]
    assert rest.next is None


def test_the_past_can_be_shown_and_listed(fleet: Fleet, clock: TestClock) -> None:
    before = register(fleet, Register(specialist="ada"))
    then = show(fleet, Show(specialist="ada"))
    clock.advance(3600)
    join(fleet, "bo")
    assert status(fleet) == "lost"
    assert show(fleet, Show(specialist="ada", as_of=str(before.position))) == then
    assert list_specialists(fleet, ListSpecialists(as_of="30m")).items == [then]


def keyed(**said: Any) -> dict[str, Any]:
    return {"key": "k", **said}


VERBS: dict[str, tuple[Callable[..., Any], Callable[[int], Any], Callable[[int], Any]]] = {
    "register": (
        register,
        lambda token: Register(specialist="ada", **keyed()),
        lambda token: Register(specialist="ada", **keyed(name="A")),
    ),
    "register again": (
        register,
        lambda token: Register(specialist="bo", **keyed()),
        lambda token: Register(specialist="bo", **keyed(role="x")),
    ),
    "begin anew": (
        register,
        lambda token: Register(specialist="bo", **keyed(anew=True)),
        lambda token: Register(specialist="bo", **keyed()),
    ),
    "heartbeat": (
        heartbeat,
        lambda token: Heartbeat(token=token, **keyed()),
        lambda token: Heartbeat(token=token, **keyed(status="idle")),
    ),
    "retire": (
        retire,
        lambda token: Retire(specialist="bo", **keyed()),
        lambda token: Retire(specialist="bo", **keyed(summary="x")),
    ),
}


@pytest.mark.parametrize("verb", VERBS)
def test_a_key_makes_a_retry_safe_and_refuses_another_request(
    fleet: Fleet, clock: TestClock, verb: str
) -> None:
    operation, request_, other = VERBS[verb]
    token = join(fleet, "bo", role="builder").token
    clock.advance(20)
    first = operation(fleet, request_(token))
    clock.advance(1)
    join(fleet, "bo", name="Bo")
    head = fleet.store.head()
    again = operation(fleet, request_(token))
    assert (again.state, again.position, again.replayed) == (first.state, first.position, True)
    with pytest.raises(Conflict, match="another request"):
        operation(fleet, other(token))
    assert fleet.store.head() == head


def test_imported_history_in_mailbox_streams_registers_nobody(fleet: Fleet) -> None:
    foreign = NewEvent(type="specialist_registered", data={"specialist_id": "x"}, schema_version=0)
    fleet.append(Batch(Stream("squawk", "x"), [foreign]))
    assert list_specialists(fleet, ListSpecialists()).items == []


def test_foreign_data_in_a_specialists_own_stream_changes_nothing(fleet: Fleet) -> None:
    join(fleet)
    ada = show(fleet, Show(specialist="ada"))
    foreign = NewEvent(type="specialist_active", data=["status", "dancing"], schema_version=0)
    fleet.append(Batch(Stream("specialist", "ada"), [foreign]))
    assert show(fleet, Show(specialist="ada")) == ada
    assert not unlike(fleet)


def test_a_later_registration_is_explained_by_what_was_known(fleet: Fleet) -> None:
    join(fleet)
    first = show(fleet, Show(specialist="ada"))
    join(fleet, name="Ada")
    changed = show(fleet, Show(specialist="ada"))
    (event,) = fleet.store.read(Query.of(ids=(changed.last_event,)))
    assert event.causation_id == first.last_event


def test_ids_that_no_command_line_can_give_are_refused_at_the_door() -> None:
    for bad in ("", "a b", "a/b", "@ada", "x" * 101):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert({"specialist": bad}, Register)
