"""Missions and sorties under any sequence of moves, against a model; and their folds under any events at all."""

from tempfile import TemporaryDirectory
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec
import pytest
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
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, rule

from fleet_core.api import Batch, Conflict, Done, Fleet, NewEvent, Stream, Write

SPECIALIST = st.sampled_from(["ada", "bo"])
OPEN = {"pending", "assigned", "in_progress", "blocked", "failed"}


class ModelSortie:
    """What a sortie should be."""

    def __init__(self, mission: str | None) -> None:
        self.mission = mission
        self.status = "pending"
        self.assignee: str | None = None
        self.progress = 0

    def belongs_to_another_than(self, who: str) -> bool:
        return self.assignee not in (None, who)


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
        self.model_missions: dict[str, str] = {}
        self.model_sorties: dict[str, ModelSortie] = {}

    def teardown(self) -> None:
        self.exits.close()

    @initialize()
    def register(self) -> None:
        for name in ("ada", "bo"):
            register(self.fleet, Register(specialist=name))

    def attempt(self, operation: Any, request: Write, *, legal: bool) -> Done[Any] | None:
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

    @rule(target=missions)
    def create_mission(self) -> str:
        done = self.attempt(mission_create, MissionCreate(title="m"), legal=True)
        assert done is not None
        self.model_missions[done.state.mission_id] = "pending"
        return str(done.state.mission_id)

    @rule(target=sorties, mission=st.one_of(st.none(), missions), assignee=st.one_of(st.none(), SPECIALIST))
    def create_sortie(self, mission: str | None, assignee: str | None) -> Any:
        legal = mission is None or self.model_missions[mission] in ("pending", "in_progress")
        request = SortieCreate(title="s", mission=mission, assign_to=assignee)
        done = self.attempt(sortie_create, request, legal=legal)
        if done is None:
            return "none"
        model = ModelSortie(mission)
        if assignee:
            model.assignee, model.status = assignee, "assigned"
        self.model_sorties[done.state.sortie_id] = model
        return done.state.sortie_id
