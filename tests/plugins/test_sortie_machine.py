"""Missions and sorties under any sequence of moves, against a model; their folds under any events at all."""

from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule

from fleet_core.api import Batch, Conflict, Done, Fleet, NewEvent, Stream, Write
from fleet_missions.api import (
    MISSIONS,
    SORTIES,
    MissionCancel,
    MissionComplete,
    MissionCreate,
    MissionStart,
    SortieAssign,
    SortieBlock,
    SortieCancel,
    SortieComplete,
    SortieCreate,
    SortieReport,
    SortieStart,
    SortieUnblock,
    mission_cancel,
    mission_complete,
    mission_create,
    mission_start,
    sortie_assign,
    sortie_block,
    sortie_cancel,
    sortie_complete,
    sortie_create,
    sortie_progress,
    sortie_start,
    sortie_unblock,
)
from fleet_missions.moves import MISSION_MOVES, SORTIE_MOVES
from fleet_specialists.api import SPECIALISTS, Register, register
from fleets import TestClock, opened, unlike

SPECIALIST = st.sampled_from(["ada", "bo"])
OPEN = {"pending", "assigned", "in_progress", "blocked", "failed"}


class ModelSortie:
    """What a sortie should be."""

    def __init__(self, mission: str | None, assignee: str | None) -> None:
        self.mission = mission
        self.assignee = assignee
        self.status = "assigned" if assignee else "pending"
        self.progress = 0

    def may(self, who: str, *states: str) -> bool:
        return self.assignee in (None, who) and self.status in states


class Missions(RuleBasedStateMachine):
    """Every rule does what the model says, or is refused and changes nothing."""

    backend = "memory"
    missions = Bundle("missions")
    sorties = Bundle("sorties")

    def __init__(self) -> None:
        super().__init__()
        self.exits = ExitStack()
        folder = Path(self.exits.enter_context(TemporaryDirectory()))
        self.clock = TestClock()
        self.fleet: Fleet = self.exits.enter_context(opened(folder, self.backend, self.clock))
        self.planned: dict[str, str] = {}
        self.work: dict[str, ModelSortie] = {}

    def teardown(self) -> None:
        self.exits.close()

    def attempt(self, operation: Any, request: Write, legal: bool) -> Done[Any] | None:
        """Run an operation that must succeed, or must be refused without a trace."""
        self.clock.advance(1)
        if legal:
            done: Done[Any] = operation(self.fleet, request)
            return done
        head = self.fleet.store.head()
        with pytest.raises(Conflict):
            operation(self.fleet, request)
        assert self.fleet.store.head() == head
        return None

    def work_of(self, mission: str) -> list[ModelSortie]:
        return [each for each in self.work.values() if each.mission == mission]

    @initialize()
    def register(self) -> None:
        for name in ("ada", "bo"):
            register(self.fleet, Register(specialist=name))

    @initialize(target=missions)
    def first_mission(self) -> Any:
        return self.create_mission()

    @initialize(target=sorties)
    def first_sortie(self) -> Any:
        return self.create_sortie(None, None)

    @rule(target=missions)
    def create_mission(self) -> str:
        mission_id: str = mission_create(self.fleet, MissionCreate(title="m")).state.mission_id
        self.planned[mission_id] = "pending"
        return mission_id

    @rule(mission=missions)
    def start_mission(self, mission: str) -> None:
        if self.attempt(mission_start, MissionStart(mission=mission), self.planned[mission] == "pending"):
            self.planned[mission] = "in_progress"

    @rule(mission=missions)
    def complete_mission(self, mission: str) -> None:
        over = all(each.status in ("completed", "cancelled") for each in self.work_of(mission))
        legal = self.planned[mission] == "in_progress" and over
        if self.attempt(mission_complete, MissionComplete(mission=mission), legal):
            self.planned[mission] = "completed"

    @rule(mission=missions)
    def cancel_mission(self, mission: str) -> None:
        legal = self.planned[mission] in ("pending", "in_progress")
        if self.attempt(mission_cancel, MissionCancel(mission=mission), legal):
            self.planned[mission] = "cancelled"
            for each in self.work_of(mission):
                each.status = "cancelled" if each.status in OPEN else each.status

    @rule(target=sorties, mission=st.none() | missions, assignee=st.none() | SPECIALIST)
    def create_sortie(self, mission: str | None, assignee: str | None) -> Any:
        legal = mission is None or self.planned[mission] in ("pending", "in_progress")
        request = SortieCreate(title="s", mission=mission, assign_to=assignee)
        done = self.attempt(sortie_create, request, legal)
        if done is None:
            return multiple()
        self.work[done.state.sortie_id] = ModelSortie(mission, assignee)
        return done.state.sortie_id

    @rule(sortie=sorties, who=SPECIALIST)
    def assign(self, sortie: str, who: str) -> None:
        model = self.work[sortie]
        done = self.attempt(sortie_assign, SortieAssign(sortie=sortie, specialist=who), model.status in OPEN)
        if done and (model.assignee != who or model.status in ("pending", "failed")):
            model.assignee, model.status = who, "assigned"

    @rule(sortie=sorties, who=SPECIALIST)
    def start(self, sortie: str, who: str) -> None:
        model = self.work[sortie]
        legal = model.may(who, "pending", "assigned")
        if self.attempt(sortie_start, SortieStart(sortie=sortie, specialist=who), legal):
            model.assignee, model.status = who, "in_progress"

    @rule(sortie=sorties, who=SPECIALIST, percent=st.integers(0, 100))
    def report(self, sortie: str, who: str, percent: int) -> None:
        model = self.work[sortie]
        request = SortieReport(sortie=sortie, specialist=who, percent=percent)
        if self.attempt(sortie_progress, request, model.may(who, "in_progress")):
            model.progress = percent

    @rule(sortie=sorties, who=SPECIALIST)
    def block(self, sortie: str, who: str) -> None:
        model = self.work[sortie]
        request = SortieBlock(sortie=sortie, specialist=who, reason="x")
        if self.attempt(sortie_block, request, model.may(who, "in_progress")):
            model.status = "blocked"

    @rule(sortie=sorties)
    def unblock(self, sortie: str) -> None:
        model = self.work[sortie]
        if self.attempt(sortie_unblock, SortieUnblock(sortie=sortie), model.status == "blocked"):
            model.status = "in_progress"

    @rule(sortie=sorties, who=SPECIALIST, failed=st.booleans())
    def complete(self, sortie: str, who: str, failed: bool) -> None:
        model = self.work[sortie]
        request = SortieComplete(sortie=sortie, specialist=who, failed=failed)
        if self.attempt(sortie_complete, request, model.may(who, "in_progress")):
            model.status = "failed" if failed else "completed"
            model.progress = model.progress if failed else 100

    @rule(sortie=sorties)
    def cancel(self, sortie: str) -> None:
        model = self.work[sortie]
        if self.attempt(sortie_cancel, SortieCancel(sortie=sortie), model.status in OPEN):
            model.status = "cancelled"

    @invariant()
    def sorties_are_what_the_model_says(self) -> None:
        shown = {
            each.sortie_id: (each.mission_id, each.assigned_to, each.status, each.progress)
            for each in self.fleet.view(SORTIES).select().items
        }
        assert shown == {
            name: (each.mission, each.assignee, each.status, each.progress)
            for name, each in self.work.items()
        }

    @invariant()
    def missions_are_what_the_model_says(self) -> None:
        shown = {
            each.mission_id: (each.status, each.sorties_total, each.sorties_completed, each.sorties_cancelled)
            for each in self.fleet.view(MISSIONS).select().items
        }
        assert shown == {name: (status, *self.counts_of(name)) for name, status in self.planned.items()}

    def counts_of(self, mission: str) -> tuple[int, int, int]:
        states = [each.status for each in self.work_of(mission)]
        return len(states), states.count("completed"), states.count("cancelled")

    @invariant()
    def read_tables_are_what_the_log_says(self) -> None:
        assert not unlike(self.fleet)


class MissionsInSqlite(Missions):
    """The same, on disk."""

    backend = "sqlite"


TestMissions = Missions.TestCase
TestMissions.settings = settings(max_examples=50, stateful_step_count=40, deadline=None)
TestMissionsInSqlite = MissionsInSqlite.TestCase
TestMissionsInSqlite.settings = settings(max_examples=8, stateful_step_count=25, deadline=None)


@pytest.mark.parametrize("moves", [MISSION_MOVES, SORTIE_MOVES], ids=["mission", "sortie"])
def test_what_is_over_stays_over(moves: Any) -> None:
    targets = {move.target for move in moves.values()}
    sources = {source for move in moves.values() for source in move.sources}
    assert targets - sources == {"completed", "cancelled"}


TYPES = sorted({*MISSIONS.types, *SORTIES.types, *SPECIALISTS.types})
TEXT = st.text("aé☃ ", max_size=3)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
FULL = {
    "mission_id": "a",
    "sortie_id": "a",
    "specialist_id": "ada",
    "title": "t",
    "name": "n",
    "started_at": "2026-01-02T10:00:04Z",
    "completed_at": "2026-01-02T10:00:04Z",
    "cancelled_at": "2026-01-02T10:00:04Z",
    "blocked_at": "2026-01-02T10:00:04Z",
    "closed_at": "2026-01-02T10:00:04Z",
    "close_reason": "cancelled",
    "closed_by": "x",
    "cancelled_by": "x",
    "changed_by": "x",
    "reason": "r",
    "blocker_type": "external",
    "previous_status": "pending",
    "new_status": "review",
    "changes": {"title": "u", "assigned_to": "bo"},
    "progress": 7,
    "initial_sorties": [],
    "duration_ms": 1,
    "result": {"success": True, "sorties_completed": 0, "sorties_failed": 0},
}
"""Data that fits every type, since each ignores what it does not know."""

ANY_EVENT = st.builds(
    lambda name, data, version, tags: NewEvent(type=name, data=data, schema_version=version, tags=tags),
    st.sampled_from(TYPES),
    st.just(FULL) | JSON,
    st.sampled_from([0, 9]),
    st.sampled_from([(), ("mission:a",), ("mission:b",)]),
) | st.builds(
    lambda name, tags: NewEvent(type=name, data=FULL, tags=tags),
    st.sampled_from(TYPES),
    st.sampled_from([(), ("mission:a",), ("mission:b",)]),
)
ANY_STREAM = st.builds(
    Stream, st.sampled_from(["mission", "sortie", "specialist", "squawk"]), st.sampled_from(["a", "b"])
)


@given(st.lists(st.tuples(ANY_STREAM, ANY_EVENT), max_size=30))
@settings(max_examples=150, deadline=None)
def test_any_events_in_any_order_fold_into_states_that_fit_their_types(
    events: list[tuple[Stream, NewEvent]],
) -> None:
    with TemporaryDirectory() as folder, opened(Path(folder), "memory") as fleet:
        for stream, event in events:
            fleet.append(Batch(stream, [event]))
        assert not unlike(fleet)
        for projection in (MISSIONS, SORTIES, SPECIALISTS):
            for key, state in fleet.views.rows(projection.name):
                assert key in ("a", "b")
                assert msgspec.convert(msgspec.to_builtins(state), projection.state) == state
