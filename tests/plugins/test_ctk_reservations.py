"""Reservations: who may have what, how they are renewed and end, and what the log says of it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from fleet_core.api import Conflict, Decision, Fenced, Fleet, Invalid, NotFound, Query, Recorded, Usage, Write
from fleet_ctk.api import (
    CtkCheck,
    CtkList,
    CtkRelease,
    CtkRenew,
    CtkReserve,
    Reservation,
    Taken,
    covering,
    ctk_check,
    ctk_list,
    ctk_release,
    ctk_renew,
    ctk_reserve,
    granted_under,
    reservations,
)
from fleet_ctk.requests import Listed
from fleet_leases.api import LEASES, HeldWrite, Holding, carry_out_held, grant
from fleet_leases.operations import LeaseRelease, lease_release
from fleet_specialists.api import Heartbeat, Register, Retire, heartbeat, register, retire
from fleets import TestClock, opened, unlike
from lease_history import overlapping_holders

LOST_AFTER, LOCK_DELAY = 60, 5


@pytest.fixture
def clock() -> TestClock:
    return TestClock()


@pytest.fixture(params=["memory", "sqlite"])
def fleet(request: pytest.FixtureRequest, tmp_path: Path, clock: TestClock) -> Iterator[Fleet]:
    with opened(tmp_path, request.param, clock) as fleet:
        yield fleet


@pytest.fixture
def ada(fleet: Fleet) -> int:
    return register(fleet, Register(specialist="ada")).state.token


@pytest.fixture
def bo(fleet: Fleet) -> int:
    return register(fleet, Register(specialist="bo")).state.token


def reserve(fleet: Fleet, token: int, *paths: str, **more: Any) -> list[Reservation]:
    return ctk_reserve(fleet, CtkReserve(token=token, paths=paths, **more)).state


def listed(fleet: Fleet, **which: Any) -> list[Listed]:
    return ctk_list(fleet, CtkList(**which)).items


def held(fleet: Fleet) -> list[tuple[str, str]]:
    """Who holds what, and what is barred."""
    return sorted((each.holder if each.status == "held" else "-", each.pattern) for each in listed(fleet))


def refusal(fleet: Fleet, token: int, *paths: str, **more: Any) -> Taken:
    with pytest.raises(Taken) as caught:
        reserve(fleet, token, *paths, **more)
    return caught.value


def events(fleet: Fleet, type: str) -> list[Recorded]:
    return list(fleet.store.read(Query.of(types=(type,))))


def pass_time(fleet: Fleet, clock: TestClock, seconds: float, *alive: int) -> None:
    """Let time pass, while specialists give signs of life."""
    while seconds > 0:
        clock.advance(min(seconds, LOST_AFTER / 2))
        seconds -= LOST_AFTER / 2
        for token in alive:
            heartbeat(fleet, Heartbeat(token=token))


class Claim(HeldWrite, frozen=True, kw_only=True):
    """A specialist takes a sortie on."""


def claimed(fleet: Fleet, token: int, sortie: str, ttl_ms: int | None = None) -> int:
    """Have a specialist claim a sortie; gives the claim's token."""

    def decide(decision: Decision, holding: Holding) -> None:
        grant(
            decision,
            lease_id=f"claim:{sortie}",
            kind="claim",
            holder=holding.specialist,
            under=holding.lease.token,
            ttl_ms=ttl_ms,
        )

    return carry_out_held(fleet, Claim(token=token), decide).events[0].position


# Who may have what.


def test_what_is_reserved_is_listed_with_its_holder_pattern_time_and_token(fleet: Fleet, ada: int) -> None:
    (reserved,) = reserve(fleet, ada, "src/db/**", ttl=90, reason="new schema")
    (found,) = listed(fleet)
    assert (found.holder, found.pattern, found.token) == ("ada", "src/db/**", reserved.token)
    assert (found.status, found.expires_in_ms, found.reason) == ("held", 90_000, "new schema")


def test_the_token_is_the_position_of_the_grant(fleet: Fleet, ada: int) -> None:
    (reserved,) = reserve(fleet, ada, "a")
    (event,) = fleet.store.read(after=reserved.token - 1, before=reserved.token + 1)
    assert (event.type, event.stream_id) == ("lease_granted", reserved.lease_id)


def test_a_pattern_that_overlaps_anothers_is_refused(fleet: Fleet, ada: int, bo: int) -> None:
    reserve(fleet, ada, "src/db/**", "src/settings.py")
    refusal(fleet, bo, "src/*.py")
    assert {holder for holder, _ in held(fleet)} == {"ada"}


def test_of_several_patterns_none_is_reserved_when_one_is_taken(fleet: Fleet, ada: int, bo: int) -> None:
    reserve(fleet, ada, "src/settings.py")
    refusal(fleet, bo, "src/web/ui/**", "src/*.py")
    assert held(fleet) == [("ada", "src/settings.py")]


def test_what_does_not_overlap_is_everybodys(fleet: Fleet, ada: int, bo: int) -> None:
    reserve(fleet, ada, "lib/a*.py")
    reserve(fleet, bo, "lib/b*.py")
    assert held(fleet) == [("ada", "lib/a*.py"), ("bo", "lib/b*.py")]


def test_ones_own_reservations_may_overlap(fleet: Fleet, ada: int) -> None:
    reserve(fleet, ada, "src/**")
    reserve(fleet, ada, "src/settings.py")
    assert held(fleet) == [("ada", "src/**"), ("ada", "src/settings.py")]


def test_shared_reservations_tolerate_one_another(fleet: Fleet, ada: int, bo: int) -> None:
    reserve(fleet, ada, "docs/**", shared=True)
    reserve(fleet, bo, "docs/*.md", shared=True)
    assert len(held(fleet)) == 2


def test_a_shared_reservation_bars_an_exclusive_one(fleet: Fleet, ada: int, bo: int) -> None:
    reserve(fleet, ada, "docs/**", shared=True)
    assert refusal(fleet, bo, "docs/a.md").details["shared"] is True


def test_an_exclusive_reservation_bars_a_shared_one(fleet: Fleet, ada: int, bo: int) -> None:
    reserve(fleet, ada, "docs/**")
    refusal(fleet, bo, "docs/a.md", shared=True)


def test_a_pattern_named_twice_is_reserved_once(fleet: Fleet, ada: int) -> None:
    assert [each.pattern for each in reserve(fleet, ada, "src/a", "./src//a", "src/b")] == ["src/a", "src/b"]


def test_reserving_needs_a_token(fleet: Fleet) -> None:
    with pytest.raises(Invalid, match="token"):
        ctk_reserve(fleet, CtkReserve(paths=("a",)))


def test_a_session_that_is_over_reserves_nothing(fleet: Fleet, clock: TestClock, ada: int) -> None:
    clock.advance(LOST_AFTER + 1)
    with pytest.raises(Fenced):
        reserve(fleet, ada, "a")
    assert held(fleet) == []


# Reserving again.


def test_reserving_the_same_again_renews_it(fleet: Fleet, clock: TestClock, ada: int) -> None:
    (first,) = reserve(fleet, ada, "src/a*", ttl=50)
    clock.advance(20)
    (again,) = reserve(fleet, ada, "src/a**", ttl=50)
    assert (again.lease_id, again.token) == (first.lease_id, first.token)
    assert [each.expires_in_ms for each in listed(fleet)] == [50_000]


def test_reserving_again_what_lasts_as_long_as_the_session_changes_nothing(fleet: Fleet, ada: int) -> None:
    first = reserve(fleet, ada, "a", ttl=0)
    assert reserve(fleet, ada, "a", ttl=10) == first
    assert [each.expires_in_ms for each in listed(fleet)] == [None]


def test_reserving_again_for_the_whole_session_takes_the_time_away(fleet: Fleet, ada: int) -> None:
    reserve(fleet, ada, "a", ttl=10)
    reserve(fleet, ada, "a", ttl=0)
    assert [each.expires_in_ms for each in listed(fleet)] == [None]


def test_a_shared_reservation_becomes_exclusive_when_nobody_else_shares(
    fleet: Fleet, ada: int, bo: int
) -> None:
    reserve(fleet, ada, "a", shared=True)
    (exclusive,) = reserve(fleet, ada, "a")
    assert [(each.shared, each.token) for each in listed(fleet)] == [(False, exclusive.token)]
    refusal(fleet, bo, "a", shared=True)


def test_a_shared_reservation_stays_shared_while_others_share(fleet: Fleet, ada: int, bo: int) -> None:
    reserve(fleet, ada, "a", shared=True)
    reserve(fleet, bo, "a", shared=True)
    assert refusal(fleet, ada, "a").details["holder"] == "bo"
    assert [each.shared for each in listed(fleet)] == [True, True]


def test_an_exclusive_reservation_is_not_given_up_by_asking_for_a_shared_one(fleet: Fleet, ada: int) -> None:
    reserve(fleet, ada, "a")
    (again,) = reserve(fleet, ada, "a", shared=True)
    assert again.shared is False


# Time.


def test_a_reservation_ends_with_its_time_and_is_barred_for_the_lock_delay(
    fleet: Fleet, clock: TestClock, ada: int, bo: int
) -> None:
    reserve(fleet, ada, "a", ttl=10)
    clock.advance(10)
    refused = refusal(fleet, bo, "a").details
    assert (refused["barred"], refused["seconds_left"]) == (True, LOCK_DELAY)
    clock.advance(LOCK_DELAY)
    reserve(fleet, bo, "a")
    assert held(fleet) == [("bo", "a")]


def test_the_lock_delay_does_not_bar_the_session_that_let_it_expire(
    fleet: Fleet, clock: TestClock, ada: int
) -> None:
    reserve(fleet, ada, "a", "slot://build", ttl=10)
    clock.advance(10)
    reserve(fleet, ada, "a", "slot://build")
    assert ("ada", "a") in held(fleet)
    assert ("ada", "slot://build") in held(fleet)


def test_the_lock_delay_bars_the_next_session_of_the_same_specialist(
    fleet: Fleet, clock: TestClock, ada: int
) -> None:
    reserve(fleet, ada, "a")
    clock.advance(LOST_AFTER)
    anew = register(fleet, Register(specialist="ada")).state.token
    assert refusal(fleet, anew, "a").details["barred"] is True


def test_what_is_released_is_free_at_once(fleet: Fleet, ada: int, bo: int) -> None:
    reserve(fleet, ada, "a")
    ctk_release(fleet, CtkRelease(token=ada, paths=("a",)))
    reserve(fleet, bo, "a")
    assert held(fleet) == [("bo", "a")]


def test_renewing_prolongs(fleet: Fleet, clock: TestClock, ada: int) -> None:
    reserve(fleet, ada, "a", ttl=40)
    clock.advance(30)
    ctk_renew(fleet, CtkRenew(token=ada, paths=("a",)))
    assert [each.expires_in_ms for each in listed(fleet)] == [40_000]


def test_renewing_takes_another_time_when_one_is_given(fleet: Fleet, ada: int) -> None:
    (before,) = reserve(fleet, ada, "a", ttl=40)
    (renewed,) = ctk_renew(fleet, CtkRenew(token=ada, all=True, ttl=100)).state
    assert (renewed.token, renewed.expires_in_ms) == (before.token, 100_000)


def test_renewing_what_lasts_as_long_as_the_session_renews_that(
    fleet: Fleet, clock: TestClock, ada: int
) -> None:
    reserve(fleet, ada, "a", ttl=0)
    clock.advance(LOST_AFTER - 1)
    ctk_renew(fleet, CtkRenew(token=ada, paths=("a",)))
    clock.advance(LOST_AFTER - 1)
    reserve(fleet, ada, "b")
    assert held(fleet) == [("ada", "a"), ("ada", "b")]


def test_without_a_time_given_it_is_that_of_the_settings(tmp_path: Path, clock: TestClock) -> None:
    with opened(tmp_path, "memory", clock, plugins={"ctk": {"ttl": 7}}) as fleet:
        token = register(fleet, Register(specialist="ada")).state.token
        assert [each.expires_in_ms for each in reserve(fleet, token, "a")] == [7_000]


# Ends.


def test_what_was_reserved_under_a_claim_ends_with_it(fleet: Fleet, ada: int) -> None:
    reserve(fleet, ada, "notes.md")
    claim = claimed(fleet, ada, "routes")
    reserve(fleet, claim, "src/routes.py")
    lease_release(fleet, LeaseRelease(lease="claim:routes", reason="changed plans"))
    assert held(fleet) == [("ada", "notes.md")]


def test_what_a_session_reserves_that_works_on_one_sortie_ends_with_its_claim(fleet: Fleet, ada: int) -> None:
    claimed(fleet, ada, "routes")
    reserve(fleet, ada, "src/routes.py")
    lease_release(fleet, LeaseRelease(lease="claim:routes", reason="changed plans"))
    assert held(fleet) == []


def test_what_a_session_reserves_that_works_on_several_sorties_is_its_own(fleet: Fleet, ada: int) -> None:
    claimed(fleet, ada, "routes")
    claimed(fleet, ada, "pages")
    reserve(fleet, ada, "src/routes.py")
    lease_release(fleet, LeaseRelease(lease="claim:routes", reason="changed plans"))
    assert held(fleet) == [("ada", "src/routes.py")]


def test_what_is_reserved_with_a_reservations_token_is_under_the_same_claim(fleet: Fleet, ada: int) -> None:
    claim = claimed(fleet, ada, "routes")
    (first,) = reserve(fleet, claim, "a")
    reserve(fleet, first.token, "b")
    ctk_release(fleet, CtkRelease(token=ada, paths=("a",)))
    assert held(fleet) == [("ada", "b")]


def test_a_lost_session_loses_its_reservations(fleet: Fleet, clock: TestClock, ada: int, bo: int) -> None:
    reserve(fleet, ada, "a", "slot://build")
    pass_time(fleet, clock, LOST_AFTER + 1, bo)
    assert held(fleet) == [("-", "a"), ("-", "slot://build")]


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        ("release", "explicit"),
        ("expire", "timeout"),
        ("lose", "crash"),
        ("retire", "explicit"),
        ("force", "explicit"),
    ],
)
def test_the_end_is_told_in_fleettools_words(
    fleet: Fleet, clock: TestClock, ada: int, bo: int, end: str, reason: str
) -> None:
    (lease,) = reserve(fleet, ada, "a", ttl=30 if end == "expire" else 0)
    if end == "release":
        ctk_release(fleet, CtkRelease(token=ada, all=True))
    elif end == "retire":
        retire(fleet, Retire(specialist="ada"))
    elif end == "force":
        lease_release(fleet, LeaseRelease(lease=lease.lease_id, reason="on holiday"))
    else:
        pass_time(fleet, clock, LOST_AFTER + 1, *([ada, bo] if end == "expire" else [bo]))
    (told,) = events(fleet, "ctk_released")
    assert told.data.release_reason == reason
    assert f"file:{told.stream_id}" == lease.lease_id


def test_releasing_by_the_leases_id_is_the_same(fleet: Fleet, ada: int) -> None:
    (lease, slot) = reserve(fleet, ada, "a", "slot://build")
    released = ctk_release(fleet, CtkRelease(token=ada, paths=(lease.lease_id, slot.lease_id))).state
    assert [(each.pattern, each.token) for each in released] == [
        ("a", lease.token),
        ("slot://build", slot.token),
    ]
    assert held(fleet) == []


def test_a_claims_token_releases_what_is_under_it_and_no_more(fleet: Fleet, ada: int) -> None:
    reserve(fleet, ada, "b")
    claim = claimed(fleet, ada, "routes")
    reserve(fleet, claim, "a")
    ctk_release(fleet, CtkRelease(token=claim, all=True))
    assert held(fleet) == [("ada", "b")]
    with pytest.raises(Conflict, match="another lease"):
        ctk_release(fleet, CtkRelease(token=claim, paths=("b",)))


def test_all_that_is_named_is_released_or_nothing(fleet: Fleet, ada: int) -> None:
    reserve(fleet, ada, "a")
    with pytest.raises(NotFound):
        ctk_release(fleet, CtkRelease(token=ada, paths=("a", "b")))
    assert held(fleet) == [("ada", "a")]


def test_releasing_what_one_never_had_says_what_one_has(fleet: Fleet, ada: int) -> None:
    reserve(fleet, ada, "a")
    with pytest.raises(NotFound) as caught:
        ctk_release(fleet, CtkRelease(token=ada, paths=("src/*",)))
    assert "a" in caught.value.remedy


def test_releasing_nothing_is_an_error(fleet: Fleet, ada: int) -> None:
    with pytest.raises(NotFound, match="ada has not reserved anything"):
        ctk_release(fleet, CtkRelease(token=ada, all=True))


@pytest.mark.parametrize("named", [{}, {"paths": ("a",), "all": True}])
def test_what_is_meant_must_be_said(fleet: Fleet, ada: int, named: dict[str, Any]) -> None:
    reserve(fleet, ada, "a")
    with pytest.raises(Usage):
        ctk_release(fleet, CtkRelease(token=ada, **named))


def test_nobody_releases_what_is_anothers(fleet: Fleet, ada: int, bo: int) -> None:
    (lease,) = reserve(fleet, ada, "a")
    for name in ("a", lease.lease_id):
        with pytest.raises(Conflict, match="ada holds a"):
            ctk_release(fleet, CtkRelease(token=bo, paths=(name,)))
    assert held(fleet) == [("ada", "a")]


@pytest.mark.parametrize("by_id", [True, False])
def test_renewing_what_is_over_is_fenced_and_told(
    fleet: Fleet, clock: TestClock, ada: int, by_id: bool
) -> None:
    (lease,) = reserve(fleet, ada, "a", ttl=10)
    clock.advance(10 + LOCK_DELAY)
    with pytest.raises(Fenced):
        ctk_renew(fleet, CtkRenew(token=ada, paths=(lease.lease_id if by_id else "a",)))
    (told,) = events(fleet, "write_fenced")
    assert (told.plain["token"], told.plain["operation"]) == (lease.token, "CtkRenew")


# Slots.


def test_a_slot_has_one_holder(fleet: Fleet, ada: int, bo: int) -> None:
    (slot,) = reserve(fleet, ada, "slot://build")
    assert slot.lease_id == "slot:build"
    assert refusal(fleet, bo, "slot://build").details["pattern"] == "slot://build"


def test_a_slot_and_a_path_of_the_same_name_have_nothing_to_do_with_one_another(
    fleet: Fleet, ada: int, bo: int
) -> None:
    reserve(fleet, ada, "slot://build")
    reserve(fleet, bo, "build", "slot:/build", "**/x")
    assert len(held(fleet)) == 4


def test_a_slot_can_be_had_again_after_its_release(fleet: Fleet, ada: int, bo: int) -> None:
    (first,) = reserve(fleet, ada, "slot://build")
    ctk_release(fleet, CtkRelease(token=ada, paths=("slot://build",)))
    (second,) = reserve(fleet, bo, "slot://build")
    assert second.token > first.token
    locks = [event.stream_id for event in events(fleet, "ctk_reserved")]
    assert len(set(locks)) == 2


def test_reserving_a_slot_again_renews_it(fleet: Fleet, clock: TestClock, ada: int) -> None:
    (first,) = reserve(fleet, ada, "slot://build", ttl=40)
    clock.advance(30)
    assert reserve(fleet, ada, "slot://build", ttl=40) == [first]
    assert [each.expires_in_ms for each in listed(fleet)] == [40_000]


def test_two_claims_of_one_specialist_do_not_hold_one_slot(fleet: Fleet, ada: int) -> None:
    routes, schema = claimed(fleet, ada, "routes"), claimed(fleet, ada, "schema")
    reserve(fleet, routes, "slot://build")
    assert refusal(fleet, schema, "slot://build").details["holder"] == "ada"


def test_a_slot_is_not_shared(fleet: Fleet, ada: int) -> None:
    with pytest.raises(Invalid, match="can't be shared"):
        reserve(fleet, ada, "slot://build", shared=True)


@pytest.mark.parametrize(
    "name", ["slot://", "slot://a b", "slot://*", "slot://a//b", "slot:///a", "slot://" + "x" * 201]
)
def test_not_every_word_names_a_slot(fleet: Fleet, ada: int, name: str) -> None:
    with pytest.raises(Invalid, match="names no slot"):
        reserve(fleet, ada, name)


# What is said.


NEEDED = {
    "holder",
    "pattern",
    "requested",
    "witness",
    "seconds_left",
    "barred",
    "with_session",
    "lease",
    "token",
}


@pytest.mark.parametrize("ttl", [0, 90])
def test_a_refusal_can_be_acted_on(fleet: Fleet, ada: int, bo: int, ttl: float) -> None:
    (lease,) = reserve(fleet, ada, "src/db/**", ttl=ttl)
    error = refusal(fleet, bo, "src/*/models.py").as_dict()
    assert (error["code"], Taken.exit) == ("CTK_CONFLICT", 6)
    assert error.keys() >= NEEDED | {"next", "message", "remedy", "conflicts"}
    assert (error["holder"], error["pattern"], error["requested"]) == ("ada", "src/db/**", "src/*/models.py")
    assert (error["witness"], error["lease"]) == ("src/db/models.py", lease.lease_id)
    assert error["seconds_left"] == (ttl or LOST_AFTER)
    assert error["next"] == "fleet wait --for 'ctk:src/*/models.py'"
    assert str(error["next"]) in str(error["remedy"])


def test_what_is_under_a_claim_lasts_no_longer_than_that(fleet: Fleet, ada: int, bo: int) -> None:
    reserve(fleet, claimed(fleet, ada, "routes", ttl_ms=20_000), "a", ttl=0)
    refused = refusal(fleet, bo, "a").details
    assert (refused["with_session"], refused["seconds_left"]) == (True, 20)


def test_a_refusal_names_everything_in_the_way_and_what_lasts_longest_first(
    fleet: Fleet, ada: int, bo: int
) -> None:
    cy = register(fleet, Register(specialist="cy")).state.token
    reserve(fleet, ada, "src/a", ttl=30)
    reserve(fleet, cy, "src/c", ttl=500)
    error = refusal(fleet, bo, "src", "src/a", "lib").as_dict()
    conflicts: Any = error["conflicts"]
    assert {(each["holder"], each["requested"]) for each in conflicts} == {
        ("ada", "src"),
        ("ada", "src/a"),
        ("cy", "src"),
    }
    assert all(each.keys() >= NEEDED for each in conflicts)
    assert error["holder"] == "cy"


def test_every_conflict_is_recorded_where_the_lock_is_told_of(fleet: Fleet, ada: int, bo: int) -> None:
    leases = reserve(fleet, ada, "a", "b", "slot://build")
    refusal(fleet, bo, "*", "slot://build")
    told = events(fleet, "ctk_conflict")
    assert [(each.plain["file_path"], each.plain["existing_lock_id"]) for each in told] == [
        (name, event.stream_id)
        for name, event in zip(["*", "*", "slot://build"], events(fleet, "ctk_reserved"), strict=True)
    ]
    assert {each.plain["holding_specialist"] for each in told} == {"ada"}
    assert len(told) == len(leases)


def test_a_conflict_with_what_has_expired_is_called_stale(
    fleet: Fleet, clock: TestClock, ada: int, bo: int
) -> None:
    reserve(fleet, ada, "a", ttl=10)
    refusal(fleet, bo, "a")
    clock.advance(10)
    refusal(fleet, bo, "a")
    told = events(fleet, "ctk_conflict")
    assert [each.plain["conflict_type"] for each in told] == ["concurrent_edit", "stale_lock"]


def test_a_refusal_changes_nothing_but_the_log(fleet: Fleet, ada: int, bo: int) -> None:
    reserve(fleet, ada, "a")
    before = fleet.view(LEASES).select().items
    refusal(fleet, bo, "a", "b")
    assert fleet.view(LEASES).select().items == before


def test_who_shares_waits_for_what_can_be_shared(fleet: Fleet, ada: int, bo: int) -> None:
    reserve(fleet, ada, "a")
    assert refusal(fleet, bo, "a", shared=True).details["next"] == "fleet wait --for ctk-shared:a"


def test_a_reservation_is_told_in_fleettools_words(fleet: Fleet, ada: int) -> None:
    (lease,) = reserve(fleet, ada, "./src//a.py", ttl=1.5, purpose="delete")
    (told,) = events(fleet, "ctk_reserved")
    assert f"file:{told.stream_id}" == lease.lease_id
    assert told.plain == {
        "lock_id": told.stream_id,
        "file_path": "./src//a.py",
        "normalized_path": "src/a.py",
        "specialist_id": "ada",
        "purpose": "delete",
        "timeout_ms": 1500,
    }


def test_a_renewal_tells_the_time_anew_and_keeps_the_purpose(fleet: Fleet, ada: int) -> None:
    reserve(fleet, ada, "a", ttl=10, purpose="read")
    ctk_renew(fleet, CtkRenew(token=ada, all=True, ttl=20))
    told = [(each.data.timeout_ms, each.data.purpose) for each in events(fleet, "ctk_reserved")]
    assert told == [(10_000, "read"), (20_000, "read")]


def test_every_event_of_reservations_names_its_cause(
    fleet: Fleet, clock: TestClock, ada: int, bo: int
) -> None:
    reserve(fleet, ada, "a", "slot://build", ttl=20)
    refusal(fleet, bo, "a")
    reserve(fleet, ada, "a", ttl=10)
    ctk_renew(fleet, CtkRenew(token=ada, all=True))
    ctk_release(fleet, CtkRelease(token=ada, paths=("slot://build",)))
    pass_time(fleet, clock, 60, bo)
    rooted = [event.type for event in fleet.store.read() if event.causation_id is None]
    assert set(rooted) <= {"specialist_registered", "specialist_active"}


# The rule of case.


def test_the_first_reservation_settles_the_rule_of_case_once(fleet: Fleet, ada: int) -> None:
    reserve(fleet, ada, "slot://build")
    assert events(fleet, "ctk_case_rule") == []
    reserve(fleet, ada, "a")
    reserve(fleet, ada, "b")
    assert [each.plain for each in events(fleet, "ctk_case_rule")] == [{"case_sensitive": True}]


def test_a_rule_that_is_settled_holds_whatever_this_machine_would_say(
    fleet: Fleet, ada: int, bo: int
) -> None:
    (fleet.project.root / ".git").mkdir()
    config = fleet.project.root / ".git" / "config"
    config.write_text("[core]\n\tignorecase = true\n")
    reserve(fleet, ada, "README")
    config.write_text("[core]\n\tignorecase = false\n")
    refusal(fleet, bo, "readme")
    ctk_release(fleet, CtkRelease(token=ada, paths=("Readme",)))
    assert held(fleet) == []


# Looking.


def test_checking_what_is_free_reserves_nothing(fleet: Fleet, ada: int) -> None:
    head = fleet.store.head()
    (seen,) = ctk_check(fleet, CtkCheck(paths=("./src//a",), token=ada))
    assert (seen.path, seen.pattern, seen.yours) == ("./src//a", "src/a", None)
    assert fleet.store.head() == head


def test_checking_what_is_taken_says_what_reserving_would(fleet: Fleet, ada: int, bo: int) -> None:
    reserve(fleet, ada, "src/**")
    head = fleet.store.head()
    with pytest.raises(Taken) as caught:
        ctk_check(fleet, CtkCheck(paths=("src/a",), token=bo))
    assert fleet.store.head() == head
    assert caught.value.as_dict() == refusal(fleet, bo, "src/a").as_dict()


def test_checking_says_what_is_ones_own(fleet: Fleet, ada: int) -> None:
    (lease,) = reserve(fleet, ada, "src/**")
    assert ctk_check(fleet, CtkCheck(paths=("src/a",), token=ada))[0].yours == lease.lease_id


def test_without_a_token_everything_reserved_is_somebody_elses(fleet: Fleet, ada: int) -> None:
    reserve(fleet, ada, "src/**")
    with pytest.raises(Taken):
        ctk_check(fleet, CtkCheck(paths=("src/a",)))


def test_checking_sees_what_can_be_shared(fleet: Fleet, ada: int, bo: int) -> None:
    reserve(fleet, ada, "src/**", shared=True)
    ctk_check(fleet, CtkCheck(paths=("src/a",), token=bo, shared=True))
    with pytest.raises(Taken):
        ctk_check(fleet, CtkCheck(paths=("src/a",), token=bo))


def test_checking_sees_the_end_of_the_lock_delay_before_anybody_has_recorded_it(
    fleet: Fleet, clock: TestClock, ada: int, bo: int
) -> None:
    reserve(fleet, ada, "a", ttl=10)
    clock.advance(10)
    refusal(fleet, bo, "a")
    clock.advance(LOCK_DELAY)
    head = fleet.store.head()
    assert ctk_check(fleet, CtkCheck(paths=("a",), token=bo))
    assert fleet.store.head() == head


def test_the_list_can_be_narrowed_to_a_holder(fleet: Fleet, ada: int, bo: int) -> None:
    reserve(fleet, ada, "a", "slot://build")
    reserve(fleet, bo, "b")
    assert [each.pattern for each in listed(fleet, holder="bo")] == ["b"]


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5, 6])
def test_pages_of_the_list_add_up(fleet: Fleet, ada: int, limit: int) -> None:
    reserve(fleet, ada, "a", "b", "c", "slot://x", "slot://y")
    found, after, pages = [], None, 0
    while pages == 0 or after is not None:
        page = ctk_list(fleet, CtkList(limit=limit, after=after))
        found += [each.pattern for each in page.items]
        after, pages = page.next, pages + 1
    assert sorted(found) == ["a", "b", "c", "slot://x", "slot://y"]
    assert pages == -(-5 // limit)


def test_the_past_is_listed_and_checked_as_it_was(fleet: Fleet, ada: int, bo: int) -> None:
    then = ctk_reserve(fleet, CtkReserve(token=ada, paths=("a",))).position
    ctk_release(fleet, CtkRelease(token=ada, all=True))
    assert [(each.holder, each.expires_in_ms) for each in listed(fleet, as_of=str(then))] == [("ada", None)]
    with pytest.raises(Taken) as caught:
        ctk_check(fleet, CtkCheck(paths=("a",), token=bo, as_of=str(then)))
    assert caught.value.details["seconds_left"] is None
    assert ctk_check(fleet, CtkCheck(paths=("a",), token=bo))


def test_what_covers_a_path_is_known_to_guards(fleet: Fleet, ada: int, bo: int) -> None:
    reserve(fleet, ada, "src/*.py", "slot://build")
    reserve(fleet, bo, "src/db/**")
    assert [each.lease.holder for each in covering(fleet, "src/a.py")] == ["ada"]
    assert covering(fleet, "src/x/a.py") == []
    assert len(reservations(fleet)) == 2


def test_what_a_token_covered_is_known_when_it_is_over(fleet: Fleet, ada: int) -> None:
    claim = claimed(fleet, ada, "routes")
    (lease,) = reserve(fleet, claim, "src/*.py")
    before = fleet.store.head()
    ctk_release(fleet, CtkRelease(token=ada, all=True))
    for token in (ada, claim, lease.token):
        (granted,) = granted_under(fleet, token)
        assert granted.covers("src/a.py")
        assert not granted.covers("src/x/a.py")
        assert granted.token == lease.token
        assert granted.ended is not None
        assert granted.ended.position > before


def test_another_sessions_token_covers_nothing_of_it(fleet: Fleet, ada: int, bo: int) -> None:
    reserve(fleet, ada, "a")
    assert granted_under(fleet, bo) == []


# Retries.


@pytest.mark.parametrize(
    ("operation", "request_", "other"),
    [
        (ctk_reserve, CtkReserve(paths=("src/a", "slot://x")), CtkReserve(paths=("src/b",))),
        (ctk_reserve, CtkReserve(paths=("held",)), CtkReserve(paths=("held",), shared=True)),
        (ctk_reserve, CtkReserve(paths=("forever",), ttl=3), CtkReserve(paths=("forever",))),
        (ctk_renew, CtkRenew(paths=("held", "slot://s")), CtkRenew(all=True)),
        (ctk_renew, CtkRenew(paths=("forever",)), CtkRenew(paths=("forever",), ttl=5)),
        (ctk_release, CtkRelease(all=True), CtkRelease(paths=("held",))),
    ],
)
def test_a_key_makes_a_retry_safe_and_refuses_another_request(
    fleet: Fleet, clock: TestClock, ada: int, operation: Any, request_: Write, other: Write
) -> None:
    reserve(fleet, ada, "held", "slot://s")
    reserve(fleet, ada, "forever", ttl=0)
    keyed, altered = (msgspec.structs.replace(each, key="k", token=ada) for each in (request_, other))
    first = operation(fleet, keyed)
    clock.advance(1)
    head = fleet.store.head()
    again = operation(fleet, keyed)
    assert (again.state, again.position, again.replayed) == (first.state, first.position, True)
    with pytest.raises(Conflict, match="another request"):
        operation(fleet, altered)
    assert fleet.store.head() == head


def test_a_refusal_under_a_key_is_recorded_once(fleet: Fleet, ada: int, bo: int) -> None:
    reserve(fleet, ada, "a", "b")
    for _ in range(2):
        refusal(fleet, bo, "*", key="k")
    assert len(events(fleet, "ctk_conflict")) == 2


def test_read_tables_say_what_the_log_says(fleet: Fleet, clock: TestClock, ada: int, bo: int) -> None:
    reserve(fleet, ada, "a", "slot://build", ttl=20)
    refusal(fleet, bo, "a")
    pass_time(fleet, clock, 60, bo)
    reserve(fleet, bo, "a")
    assert not unlike(fleet)
    assert not overlapping_holders(fleet)
