"""The judge of `test_lease_interleavings` has eyes: each fault breaks the property that is named with it."""

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, find, settings

import toy_claims
from fleet_core.api import AtMost
from fleet_core.operations import Decision
from fleet_leases import clock, ending, holding, operations, settling
from fleet_leases.api import LEASES, Holding, Mark, fence, found, session_id, under
from fleet_leases.settings import Settings
from fleet_specialists import operations as specialists
from lease_judge import ALL_UNDER_IT, LOCK_DELAY, LOST_ONCE, NEVER_BACK, NO_STALE_WRITE, NOT_EARLY, ONE_HOLDER
from lease_programs import FENCED_ONCE, PROGRAMS, SETTLED, InterruptedFleet, Program, Step, fresh_world

Patch = pytest.MonkeyPatch

ENOUGH = settings(
    max_examples=3000, phases=[Phase.generate], database=None, suppress_health_check=list(HealthCheck)
)


def fencing_compares_names(patch: Patch) -> None:
    def held(decision: Decision, token: int | None) -> Holding:
        granted = holding.granting(decision.fleet, token)
        lease = found(decision, granted.stream_id)
        if lease is None or lease.holder != granted.data.holder or lease.status != "held":
            fence(decision, granted)
        session = found(decision, session_id(lease.holder))
        if session is None or session.status != "held":
            fence(decision, granted)
        return Holding(lease, session)

    patch.setattr(holding, "held", held)


def expiry_forgets_what_is_under_it(patch: Patch) -> None:
    patch.setattr(ending, "under", lambda decision, lease: [])


def nobody_settles(patch: Patch) -> None:
    for module in (holding, operations, specialists, toy_claims):
        patch.setattr(module, "settle", lambda fleet: None)


def time_is_the_walls(patch: Patch) -> None:
    patch.setattr(clock, "_read", lambda now, known: Mark(now.wall, now.boot, now.ticks, now.wall))


def a_run_begins_with_the_wall(patch: Patch) -> None:
    read = clock._read

    def begins_anew(instant: Any, known: Any) -> Mark:
        return read(instant, known if known is not None and known.boot == instant.boot else None)

    patch.setattr(clock, "_read", begins_anew)


def two_may_begin_a_run(patch: Patch) -> None:
    patch.setattr(clock, "_goes_on", lambda instant, known: True)


def decisions_depend_on_nothing_they_saw(patch: Patch) -> None:
    patch.setattr(Decision, "look", lambda self, projection, stream: self.view(projection).get(stream.id))


def an_end_overlooks_what_is_just_granted(patch: Patch) -> None:
    class Careless:
        """A decision that does not care for what comes after it."""

        def __init__(self, decision: Decision) -> None:
            self._decision = decision

        def depend_on(self, events: object) -> None:
            pass

        def __getattr__(self, name: str) -> Any:
            return getattr(self._decision, name)

    patch.setattr(ending, "under", lambda decision, lease: under(Careless(decision), lease))  # type: ignore[arg-type]


def there_is_no_lock_delay(patch: Patch) -> None:
    patch.setattr(ending, "settings_of", lambda fleet: Settings(lock_delay=0))


def the_barred_are_free(patch: Patch) -> None:
    def look(decision: Decision, lease_id: str) -> Any:
        lease = found(decision, lease_id)
        return None if lease is not None and lease.status == "expired" else lease

    patch.setattr(toy_claims, "found", look)


def fences_are_not_recorded(patch: Patch) -> None:
    patch.setattr(InterruptedFleet, "_record_refusal", lambda self, batches: None)


def the_first_due_is_settled_alone(patch: Patch) -> None:
    def settle_one(fleet: Any) -> None:
        fleet.carry_out(settling.Settle(), decide)

    def decide(decision: Decision) -> None:
        due = decision.view(LEASES).select({"due_at": AtMost(clock.now(decision).steady)}, limit=1)
        for lease in due.items:
            settling._settle_one(decision, lease)

    for module in (holding, operations, specialists, toy_claims):
        patch.setattr(module, "settle", settle_one)


def nobody_is_told_of_a_loss(patch: Patch) -> None:
    patch.setattr(Decision, "invite", lambda decision, group, *what: None)


BY_CHANCE: list[tuple[Callable[[Patch], None], str]] = [
    (fencing_compares_names, NO_STALE_WRITE),
    (expiry_forgets_what_is_under_it, ALL_UNDER_IT),
    (nobody_settles, SETTLED),
    (the_first_due_is_settled_alone, SETTLED),
    (time_is_the_walls, NOT_EARLY),
    (a_run_begins_with_the_wall, NEVER_BACK),
    (decisions_depend_on_nothing_they_saw, ONE_HOLDER),
    (an_end_overlooks_what_is_just_granted, ALL_UNDER_IT),
    (there_is_no_lock_delay, LOCK_DELAY),
    (the_barred_are_free, LOCK_DELAY),
    (fences_are_not_recorded, FENCED_ONCE),
    (nobody_is_told_of_a_loss, LOST_ONCE),
]

TOLD_WHILE_DECIDING = [Step("claim"), Step("note", meanwhile=(Step("force"),))]
STARTED_AT_ONCE = [
    Step("reboot", seconds=4.0),
    Step("heartbeat", who=0, meanwhile=(Step("set_wall", what=1, seconds=0.5), Step("heartbeat", who=1))),
]

BY_DESIGN: list[tuple[Callable[[Patch], None], str, Program]] = [
    (decisions_depend_on_nothing_they_saw, NO_STALE_WRITE, TOLD_WHILE_DECIDING),
    (two_may_begin_a_run, NEVER_BACK, STARTED_AT_ONCE),
]


@pytest.mark.parametrize(("mutant", "broken"), BY_CHANCE)
def test_a_fault_is_seen_by_the_property_it_breaks(
    tmp_path: Path, monkeypatch: Patch, mutant: Callable[[Patch], None], broken: str
) -> None:
    mutant(monkeypatch)

    def is_seen(program: Program) -> bool:
        return broken in what_breaks(tmp_path, program)

    assert find(PROGRAMS, is_seen, settings=ENOUGH, random=Random(0))


@pytest.mark.parametrize(("mutant", "broken", "program"), BY_DESIGN)
def test_a_rare_fault_is_seen_in_the_program_that_provokes_it(
    tmp_path: Path, monkeypatch: Patch, mutant: Callable[[Patch], None], broken: str, program: Program
) -> None:
    assert what_breaks(tmp_path, program) == set()
    mutant(monkeypatch)
    assert broken in what_breaks(tmp_path, program)


def what_breaks(folder: Path, program: Program) -> set[str]:
    with fresh_world(folder) as world:
        return {breach.property for breach in world.run(program)}
