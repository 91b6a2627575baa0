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

from fleet_core.api import (
    Batch,
    Conflict,
    Done,
    Fenced,
    Fleet,
    NewEvent,
    NothingReady,
    Stream,
    Write,
)
from fleet_leases.api import LEASES, session_id
from fleet_leases.operations import LeaseRelease, lease_release
from fleet_missions.api import (
    MISSIONS,
    OPEN_SORTIES,
    REVIEWS,
    SORTIES,
    MissionCancel,
    MissionComplete,
    MissionCreate,
    MissionStart,
    ReviewComplete,
    ReviewStart,
    SortieAssign,
    SortieBlock,
    SortieCancel,
    SortieClaim,
    SortieComplete,
    SortieCreate,
    SortieFail,
    SortieRelease,
    SortieReport,
    SortieStart,
    SortieUnblock,
    claim_id,
    mission_cancel,
    mission_complete,
    mission_create,
    mission_start,
    review_complete,
    review_start,
    sortie_assign,
    sortie_block,
    sortie_cancel,
    sortie_claim,
    sortie_complete,
    sortie_create,
    sortie_fail,
    sortie_progress,
    sortie_release,
    sortie_start,
    sortie_unblock,
)
from fleet_missions.moves import MISSION_MOVES, RETURNS, SORTIE_MOVES, SORTIE_OPEN
from fleet_specialists.api import SPECIALISTS, Register, Retire, register, retire
from fleets import TestClock, opened, unlike

CREW = ["ada", "bo"]
SPECIALIST = st.sampled_from(CREW)
URGENCY = {"critical": 0, "high": 1, "medium": 2, "low": 3}
MOVABLE = {"pending", "assigned", "in_progress", "blocked", "failed"}


class ModelSortie:
    """What a sortie should be."""

    def __init__(
        self, mission: str | None, assignee: str | None, needs: tuple[str, ...], priority: str, review: bool
    ) -> None:
        self.mission, self.assignee, self.needs = mission, assignee, needs
        self.priority, self.review = priority, review
        self.status = "assigned" if assignee else "pending"
        self.progress = self.strikes = 0
        self.claimed = False
        self.reviewer: str | None = None

    def may(self, who: str, *states: str) -> bool:
        """Who works on it may do what these states allow."""
        return self.claimed and self.assignee == who and self.status in states

    def go(self, status: str, *, to: str | None) -> None:
        """On to a state, without the claim on it."""
        self.status, self.assignee, self.claimed, self.reviewer = status, to, False, None


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
        self.tokens: dict[str, int] = {}

    def teardown(self) -> None:
        self.exits.close()

    def attempt(self, operation: Any, request: Write, legal: bool) -> Done[Any] | None:
        """Run an operation that must succeed, or must be refused without a trace but that of being fenced."""
        self.clock.advance(0.5)
        if legal:
            done: Done[Any] = operation(self.fleet, request)
            return done
        head = self.fleet.store.head()
        with pytest.raises((Conflict, NothingReady, Fenced)) as caught:
            operation(self.fleet, request)
        fenced = ["write_fenced"] if isinstance(caught.value, Fenced) else []
        assert [event.type for event in self.fleet.store.read(after=head)] == fenced
        return None

    def move(self, name: str, operation: Any, request: Any, legal: bool) -> Done[Any] | None:
        """The same, with a sortie: what follows is what the table of moves allows."""
        source = self.status_of(request.sortie)
        done = self.attempt(operation, request, legal)
        moves = SORTIE_MOVES[name]
        assert done is None or source in moves.sources
        assert done is None or self.status_of(request.sortie) in moves.targets | {source}
        return done

    def status_of(self, sortie: str) -> str:
        state = self.fleet.view(SORTIES).get(sortie)
        assert state is not None
        return state.status

    def work_of(self, mission: str) -> list[ModelSortie]:
        return [each for each in self.work.values() if each.mission == mission]

    def is_met(self, sortie: str) -> bool:
        return all(self.work[needed].status == "completed" for needed in self.work[sortie].needs)

    def can_start(self, sortie: str, who: str) -> bool:
        model = self.work[sortie]
        mine = model.assignee in (None, who) and model.status in ("pending", "assigned")
        return mine and self.is_met(sortie)

    @initialize()
    def register_all(self) -> None:
        for name in CREW:
            self.tokens[name] = register(self.fleet, Register(specialist=name)).state.token

    @initialize(target=missions)
    def first_mission(self) -> Any:
        return self.create_mission()

    @initialize(target=sorties)
    def first_sortie(self) -> Any:
        return self.create_sortie(None, None, None, "medium", False)

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
                if each.status in SORTIE_OPEN:
                    each.go("cancelled", to=each.assignee)

    @rule(
        target=sorties,
        mission=st.none() | missions,
        assignee=st.none() | SPECIALIST,
        needed=st.none() | sorties,
        priority=st.sampled_from(sorted(URGENCY)),
        review=st.booleans(),
    )
    def create_sortie(
        self, mission: str | None, assignee: str | None, needed: str | None, priority: Any, review: bool
    ) -> Any:
        needs = () if needed is None else (needed,)
        legal = mission is None or self.planned[mission] in ("pending", "in_progress")
        fits = all(
            self.work[each].mission == mission and self.work[each].status != "cancelled" for each in needs
        )
        request = SortieCreate(
            title="s", mission=mission, assign_to=assignee, needs=needs, priority=priority, review=review
        )
        done = self.attempt(sortie_create, request, legal and fits)
        if done is None:
            return multiple()
        self.work[done.state.sortie_id] = ModelSortie(mission, assignee, needs, priority, review)
        return done.state.sortie_id

    @rule(sortie=sorties, who=SPECIALIST)
    def assign(self, sortie: str, who: str) -> None:
        model = self.work[sortie]
        request = SortieAssign(sortie=sortie, specialist=who)
        done = self.move("assign", sortie_assign, request, model.status in MOVABLE)
        if done and not (model.assignee == who and (model.claimed or model.status == "assigned")):
            model.go("assigned", to=who)

    @rule(sortie=sorties, who=SPECIALIST)
    def start(self, sortie: str, who: str) -> None:
        request = SortieStart(sortie=sortie, token=self.tokens[who])
        if self.move("start", sortie_start, request, self.can_start(sortie, who)):
            self.claims(sortie, who)

    @rule(who=SPECIALIST)
    def claim(self, who: str) -> None:
        ready = [sortie for sortie in self.work if self.can_start(sortie, who)]
        done = self.attempt(sortie_claim, SortieClaim(token=self.tokens[who]), bool(ready))
        if done:
            first = min(ready, key=lambda sortie: URGENCY[self.work[sortie].priority])
            assert done.state.sortie == first
            self.claims(first, who)

    def claims(self, sortie: str, who: str) -> None:
        self.work[sortie].go("in_progress", to=who)
        self.work[sortie].claimed = True

    @rule(sortie=sorties, who=SPECIALIST, percent=st.integers(0, 100))
    def report(self, sortie: str, who: str, percent: int) -> None:
        model = self.work[sortie]
        request = SortieReport(sortie=sortie, token=self.tokens[who], percent=percent)
        if self.move("progress", sortie_progress, request, model.may(who, "in_progress")):
            model.progress = percent

    @rule(sortie=sorties, who=SPECIALIST)
    def block(self, sortie: str, who: str) -> None:
        model = self.work[sortie]
        request = SortieBlock(sortie=sortie, token=self.tokens[who], reason="x")
        if self.move("block", sortie_block, request, model.may(who, "in_progress")):
            model.status = "blocked"

    @rule(sortie=sorties, who=SPECIALIST)
    def unblock(self, sortie: str, who: str) -> None:
        model = self.work[sortie]
        request = SortieUnblock(sortie=sortie, token=self.tokens[who])
        if self.move("unblock", sortie_unblock, request, model.status == "blocked"):
            if model.claimed:
                model.status = "in_progress"
            else:
                model.go("pending", to=None)

    @rule(sortie=sorties, who=SPECIALIST)
    def release(self, sortie: str, who: str) -> None:
        model = self.work[sortie]
        request = SortieRelease(sortie=sortie, token=self.tokens[who])
        if self.move("release", sortie_release, request, model.may(who, "in_progress", "blocked")):
            model.go(RETURNS[model.status], to=None)

    @rule(sortie=sorties, who=SPECIALIST)
    def complete(self, sortie: str, who: str) -> None:
        model = self.work[sortie]
        request = SortieComplete(sortie=sortie, token=self.tokens[who])
        if self.move("complete", sortie_complete, request, model.may(who, "in_progress")):
            model.go("review" if model.review else "completed", to=who)
            model.progress = 100

    @rule(sortie=sorties, who=SPECIALIST)
    def fail(self, sortie: str, who: str) -> None:
        model = self.work[sortie]
        request = SortieFail(sortie=sortie, token=self.tokens[who], reason="x")
        if self.move("fail", sortie_fail, request, model.may(who, "in_progress")):
            model.go("failed", to=who)

    @rule(sortie=sorties)
    def cancel(self, sortie: str) -> None:
        model = self.work[sortie]
        request = SortieCancel(sortie=sortie)
        if self.move("cancel", sortie_cancel, request, model.status in SORTIE_OPEN):
            model.go("cancelled", to=model.assignee)

    def can_review(self, model: ModelSortie, who: str) -> bool:
        return model.status == "review" and model.assignee != who and model.reviewer in (None, who)

    @rule(sortie=sorties, who=SPECIALIST)
    def begin_review(self, sortie: str, who: str) -> None:
        model = self.work[sortie]
        request = ReviewStart(sortie=sortie, token=self.tokens[who])
        if self.move("review start", review_start, request, self.can_review(model, who)):
            model.reviewer = who

    @rule(sortie=sorties, who=SPECIALIST, verdict=st.sampled_from(["approved", "rejected", "needs_changes"]))
    def end_review(self, sortie: str, who: str, verdict: Any) -> None:
        model = self.work[sortie]
        request = ReviewComplete(sortie=sortie, token=self.tokens[who], verdict=verdict)
        if self.move("review complete", review_complete, request, self.can_review(model, who)):
            model.strikes += verdict != "approved"
            model.go(
                "completed" if verdict == "approved" else "blocked" if model.strikes >= 3 else "assigned",
                to=model.assignee,
            )

    @rule(who=SPECIALIST, how=st.sampled_from(["retires", "is taken for dead", "begins anew"]))
    def leave(self, who: str, how: str) -> None:
        """And come back, with another session."""
        self.clock.advance(0.5)
        before = {sortie: self.status_of(sortie) for sortie in self.work}
        if how == "retires":
            retire(self.fleet, Retire(specialist=who))
        elif how == "is taken for dead":
            lease_release(self.fleet, LeaseRelease(lease=session_id(who), reason="x"))
        again = Register(specialist=who, anew=how == "begins anew")
        self.tokens[who] = register(self.fleet, again).state.token
        for sortie, model in self.work.items():
            self.loses(model, who, gone=how != "begins anew")
            assert self.status_of(sortie) in (before[sortie], RETURNS.get(before[sortie]))

    def loses(self, model: ModelSortie, who: str, *, gone: bool) -> None:
        works_on_it = model.claimed and model.assignee == who
        expected = gone and model.status == "assigned" and model.assignee == who
        if works_on_it or expected:
            model.go(RETURNS[model.status], to=None)
        if gone and model.reviewer == who:
            model.reviewer = None

    @invariant()
    def sorties_are_what_the_model_says(self) -> None:
        shown = {
            each.sortie_id: (
                each.mission_id,
                each.assigned_to,
                each.status,
                each.progress,
                each.reviewer,
                each.strikes,
            )
            for each in self.fleet.view(SORTIES).select().items
        }
        assert shown == {
            name: (each.mission, each.assignee, each.status, each.progress, each.reviewer, each.strikes)
            for name, each in self.work.items()
        }

    @invariant()
    def claims_are_what_the_model_says(self) -> None:
        held = self.fleet.view(LEASES).select({"kind": "claim"}).items
        assert {lease.lease_id: lease.holder for lease in held} == {
            claim_id(name): each.assignee for name, each in self.work.items() if each.claimed
        }

    @invariant()
    def the_queue_holds_what_is_open(self) -> None:
        shown = {
            each.sortie_id: (each.status, each.assigned_to, each.reviewer)
            for each in self.fleet.view(OPEN_SORTIES).select().items
        }
        assert shown == {
            name: (each.status, each.assignee, each.reviewer)
            for name, each in self.work.items()
            if each.status in SORTIE_OPEN
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
    targets = set().union(*(move.targets for move in moves.values()))
    sources = {source for move in moves.values() for source in move.sources}
    assert targets - sources == {"completed", "cancelled"}


TYPES = sorted({*MISSIONS.types, *SORTIES.types, *OPEN_SORTIES.types, *REVIEWS.types, *SPECIALISTS.types})
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
    "lost_at": "2026-01-02T10:00:04Z",
    "completed_at": "2026-01-02T10:00:04Z",
    "cancelled_at": "2026-01-02T10:00:04Z",
    "blocked_at": "2026-01-02T10:00:04Z",
    "closed_at": "2026-01-02T10:00:04Z",
    "close_reason": "cancelled",
    "closed_by": "x",
    "cancelled_by": "x",
    "changed_by": "x",
    "reason": "success",
    "blocker_type": "external",
    "previous_status": "pending",
    "new_status": "review",
    "changes": {"title": "u", "assigned_to": "bo", "priority": "high", "dependencies": ["b"]},
    "review_id": "6a1f4a39-67a5-44c9-8e0c-6a3f27f0d9aa",
    "reviewer_id": "bo",
    "review_type": "code",
    "verdict": "rejected",
    "lease_id": "session:a",
    "kind": "session",
    "holder": "a",
    "token": 1,
    "ttl_ms": 1000,
    "at": {"steady": 1},
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
        for projection in (MISSIONS, SORTIES, OPEN_SORTIES, REVIEWS, SPECIALISTS):
            for key, state in fleet.views.rows(projection.name):
                assert key in ("a", "b", FULL["review_id"])
                assert msgspec.convert(msgspec.to_builtins(state), projection.state) == state
