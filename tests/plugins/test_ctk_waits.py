"""Waiting for what is reserved: what is seen, and when looking again is worth while."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fleet_core.api import Fenced, Fleet, Invalid, Look
from fleet_ctk.api import CtkRelease, CtkReserve, ctk_release, ctk_reserve
from fleet_ctk.waits import until_free, until_sharable
from fleet_specialists.api import Register, register
from fleets import TestClock, opened


@pytest.fixture
def clock() -> TestClock:
    return TestClock()


@pytest.fixture
def fleet(tmp_path: Path, clock: TestClock) -> Iterator[Fleet]:
    with opened(tmp_path, "memory", clock) as fleet:
        yield fleet


@pytest.fixture
def ada(fleet: Fleet) -> int:
    return register(fleet, Register(specialist="ada")).state.token


def seconds(look: Look) -> float:
    """In how many seconds it looks again, having found nothing."""
    assert look.found is None
    assert look.again_in is not None
    return look.again_in


def test_what_is_free_is_found_at_once(fleet: Fleet) -> None:
    assert until_free(fleet, "./src//a", None).found.pattern == "src/a"


def test_what_is_reserved_is_waited_for_until_its_time_is_over(
    fleet: Fleet, clock: TestClock, ada: int
) -> None:
    ctk_reserve(fleet, CtkReserve(token=ada, paths=("src/*",), ttl=10))
    assert seconds(until_free(fleet, "src/a", None)) == 10
    clock.advance(10)
    assert seconds(until_free(fleet, "src/a", None)) == 5
    clock.advance(5)
    assert until_free(fleet, "src/a", None).found is not None


def test_what_lasts_as_long_as_a_session_is_waited_for_until_that_is_lost(
    fleet: Fleet, clock: TestClock, ada: int
) -> None:
    ctk_reserve(fleet, CtkReserve(token=ada, paths=("src/*",), ttl=0))
    for pause in (60, 5):
        assert seconds(until_free(fleet, "src/a", None)) == pause
        clock.advance(pause)
    assert until_free(fleet, "src/a", None).found is not None


def test_what_is_released_is_found(fleet: Fleet, ada: int) -> None:
    ctk_reserve(fleet, CtkReserve(token=ada, paths=("slot://build",)))
    assert until_free(fleet, "slot://build", None).found is None
    ctk_release(fleet, CtkRelease(token=ada, all=True))
    assert until_free(fleet, "slot://build", None).found is not None


def test_what_is_ones_own_is_found(fleet: Fleet, ada: int) -> None:
    (lease,) = ctk_reserve(fleet, CtkReserve(token=ada, paths=("a",))).state
    assert until_free(fleet, "a", ada).found.yours == lease.lease_id


def test_who_wants_to_share_waits_for_exclusive_ones_only(fleet: Fleet, ada: int) -> None:
    ctk_reserve(fleet, CtkReserve(token=ada, paths=("a",), shared=True))
    assert until_free(fleet, "a", None).found is None
    assert until_sharable(fleet, "a", None).found is not None


def test_waiting_under_a_session_that_is_over_is_fenced(fleet: Fleet, clock: TestClock, ada: int) -> None:
    clock.advance(61)
    with pytest.raises(Fenced):
        until_free(fleet, "a", ada)


def test_waiting_for_nothing_is_a_mistake(fleet: Fleet) -> None:
    with pytest.raises(Invalid, match="names nothing"):
        until_free(fleet, "", None)
