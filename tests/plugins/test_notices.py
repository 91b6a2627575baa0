"""What `fleet status` says that wants attention."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fleet_core.catalog import Entry
from fleet_core.fleet import Fleet
from fleet_core.notices import notices
from fleet_missions.api import (
    SortieBlock,
    SortieClaim,
    SortieComplete,
    SortieCreate,
    sortie_block,
    sortie_claim,
    sortie_complete,
    sortie_create,
)
from fleet_specialists.api import Register, register
from fleet_squawk.api import Send, send
from fleets import TestClock, opened


@pytest.fixture
def clock() -> TestClock:
    return TestClock()


@pytest.fixture
def fleet(tmp_path: Path, clock: TestClock) -> Iterator[Fleet]:
    with opened(tmp_path, "sqlite", clock) as fleet:
        yield fleet


def said(fleet: Fleet) -> list[str]:
    return [notice.what for notice in notices(fleet)]


def test_a_quiet_fleet_wants_no_attention(fleet: Fleet) -> None:
    register(fleet, Register(specialist="ada"))
    assert said(fleet) == []


def test_who_is_late_is_named_and_nothing_is_recorded(fleet: Fleet, clock: TestClock) -> None:
    register(fleet, Register(specialist="ada"))
    head = fleet.store.head()
    clock.advance(61)
    assert said(fleet) == ["ada is late: nothing was heard of it in its time."]
    assert fleet.store.head() == head


def test_sorties_that_are_blocked_or_wait_for_a_review_are_named(fleet: Fleet) -> None:
    token = register(fleet, Register(specialist="ada")).state.token
    for name in ("s1", "s2"):
        sortie_create(fleet, SortieCreate(title="x", id=name, review=True))
        sortie_claim(fleet, SortieClaim(token=token))
    sortie_block(fleet, SortieBlock(token=token, sortie="s1", reason="no access"))
    sortie_complete(fleet, SortieComplete(token=token, sortie="s2"))
    assert said(fleet) == ["Blocked: s1.", "Waiting for a review: s2."]


def test_confirmations_that_are_overdue_are_named(fleet: Fleet, clock: TestClock) -> None:
    token = register(fleet, Register(specialist="ada")).state.token
    register(fleet, Register(specialist="bo"))
    send(fleet, Send(token=token, to="bo", subject="read me", ack_required=True))
    clock.advance(86_400)
    assert "bo has not confirmed 'read me', a message of ada." in said(fleet)


def test_one_that_fails_is_reported_and_the_others_are_heard(fleet: Fleet, clock: TestClock) -> None:
    register(fleet, Register(specialist="ada"))
    clock.advance(61)
    broken = Entry("fleet.notices", "absent", "toy_endings:absent", "toys", "1")
    fleet.plugins.catalog.entries.insert(0, broken)
    assert said(fleet) == ["ada is late: nothing was heard of it in its time."]
    assert [fault.entry.name for fault in fleet.plugins.faults] == ["absent"]
