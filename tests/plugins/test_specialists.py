"""Specialists: they register, show that they live, and are found again."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from fleet_core.api import Batch, Conflict, Fleet, NewEvent, NotFound, Query, Stream, as_datetime
from fleet_specialists.api import (
    Heartbeat,
    ListSpecialists,
    Register,
    Show,
    heartbeat,
    list_specialists,
    register,
    show,
)
from fleets import START, TestClock, opened, unlike


@pytest.fixture
def clock() -> TestClock:
    return TestClock()


@pytest.fixture(params=["memory", "sqlite"])
def fleet(request: pytest.FixtureRequest, tmp_path: Path, clock: TestClock) -> Iterator[Fleet]:
    with opened(tmp_path, request.param, clock) as fleet:
        yield fleet


def test_a_registered_specialist_is_shown_with_what_it_said(fleet: Fleet) -> None:
    register(fleet, Register(specialist="ada", name="Ada", capabilities=("python", "sql")))
    ada = show(fleet, Show(specialist="ada"))
    assert (ada.name, ada.capabilities, ada.status) == ("Ada", ("python", "sql"), "active")
    assert ada.registered_at == ada.last_seen == as_datetime(START)


def test_a_specialist_without_a_name_is_called_by_its_id(fleet: Fleet) -> None:
    assert register(fleet, Register(specialist="ada")).state.name == "ada"


def test_registering_again_with_the_same_data_records_nothing(fleet: Fleet) -> None:
    first = register(fleet, Register(specialist="ada", capabilities=("python",)))
    again = register(fleet, Register(specialist="ada", capabilities=("python",)))
    assert again.state == first.state
    assert fleet.store.head() == first.position


def test_registering_again_with_other_data_changes_it_and_keeps_the_first_date(
    fleet: Fleet, clock: TestClock
) -> None:
    register(fleet, Register(specialist="ada", capabilities=("python",)))
    clock.advance(60)
    ada = register(fleet, Register(specialist="ada", name="Ada L.")).state
    assert (ada.name, ada.capabilities) == ("Ada L.", ())
    assert ada.registered_at == as_datetime(START)
    assert ada.last_seen == as_datetime(START + 60_000_000)


def test_a_heartbeat_says_when_it_was_last_seen_and_what_it_does(fleet: Fleet, clock: TestClock) -> None:
    register(fleet, Register(specialist="ada"))
    clock.advance(30)
    ada = heartbeat(fleet, Heartbeat(specialist="ada", status="busy", current_sortie="srt-1")).state
    assert (ada.status, ada.current_sortie) == ("busy", "srt-1")
    assert ada.last_seen == as_datetime(START + 30_000_000)


@pytest.mark.parametrize(
    ("operation", "request_"), [(heartbeat, Heartbeat(specialist="eve")), (show, Show(specialist="eve"))]
)
def test_an_unknown_specialist_is_an_error_that_says_what_to_do(
    fleet: Fleet, operation: Callable[..., object], request_: object
) -> None:
    with pytest.raises(NotFound) as caught:
        operation(fleet, request_)
    assert "eve" in caught.value.message
    assert "fleet specialist register eve" in caught.value.remedy
    assert fleet.store.head() == 0


def test_the_list_can_be_filtered_by_status(fleet: Fleet) -> None:
    for name in ("ada", "bo", "cy"):
        register(fleet, Register(specialist=name))
    heartbeat(fleet, Heartbeat(specialist="bo", status="busy"))
    found = list_specialists(fleet, ListSpecialists(status="busy")).items
    assert [each.specialist_id for each in found] == ["bo"]


def test_a_limited_list_carries_the_cursor_to_the_rest(fleet: Fleet) -> None:
    for name in ("ada", "bo", "cy"):
        register(fleet, Register(specialist=name))
    first = list_specialists(fleet, ListSpecialists(limit=2))
    rest = list_specialists(fleet, ListSpecialists(limit=2, after=first.next))
    assert [each.specialist_id for each in first.items + rest.items] == ["ada", "bo", "cy"]
    assert rest.next is None


def test_the_past_can_be_shown_and_listed(fleet: Fleet, clock: TestClock) -> None:
    before = register(fleet, Register(specialist="ada"))
    clock.advance(3600)
    heartbeat(fleet, Heartbeat(specialist="ada", status="idle"))
    register(fleet, Register(specialist="bo"))
    assert show(fleet, Show(specialist="ada", as_of=str(before.position))) == before.state
    assert list_specialists(fleet, ListSpecialists(as_of="30m")).items == [before.state]


@pytest.mark.parametrize(
    ("operation", "request_", "other"),
    [
        (
            register,
            Register(specialist="ada", key="k", name="A"),
            Register(specialist="ada", key="k", name="B"),
        ),
        (heartbeat, Heartbeat(specialist="bo", key="k"), Heartbeat(specialist="bo", key="k", status="idle")),
    ],
)
def test_a_key_makes_a_retry_safe_and_refuses_another_request(
    fleet: Fleet, operation: Callable[..., Any], request_: object, other: object
) -> None:
    register(fleet, Register(specialist="bo"))
    first = operation(fleet, request_)
    heartbeat(fleet, Heartbeat(specialist="bo", status="busy"))
    head = fleet.store.head()
    again = operation(fleet, request_)
    assert (again.state, again.position, again.replayed) == (first.state, first.position, True)
    with pytest.raises(Conflict, match="another request"):
        operation(fleet, other)
    assert fleet.store.head() == head


def test_imported_history_in_mailbox_streams_registers_nobody(fleet: Fleet) -> None:
    foreign = NewEvent(type="specialist_registered", data={"specialist_id": "x"}, schema_version=0)
    fleet.append(Batch(Stream("squawk", "x"), [foreign]))
    assert list_specialists(fleet, ListSpecialists()).items == []


def test_foreign_data_in_a_specialists_own_stream_changes_nothing(fleet: Fleet) -> None:
    ada = register(fleet, Register(specialist="ada")).state
    foreign = NewEvent(type="specialist_active", data=["status", "dancing"], schema_version=0)
    fleet.append(Batch(Stream("specialist", "ada"), [foreign]))
    assert show(fleet, Show(specialist="ada")) == ada
    assert not unlike(fleet)


def test_a_later_registration_is_explained_by_what_was_known(fleet: Fleet) -> None:
    first = register(fleet, Register(specialist="ada")).state
    changed = register(fleet, Register(specialist="ada", name="Ada")).state
    (event,) = fleet.store.read(Query.of(ids=(changed.last_event,)))
    assert event.causation_id == first.last_event


def test_ids_that_no_command_line_can_give_are_refused_at_the_door() -> None:
    for bad in ("", "a b", "a/b", "x" * 101):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert({"specialist": bad}, Register)
