"""The figures of a mission, on a history whose every second is known."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet_checkpoints.events import FleetRecovered
from fleet_core.api import Batch, Conflict, Fenced, Fleet, NotFound, Stream, as_datetime, timestamp
from fleet_ctk.api import CtkRenew, CtkReserve, ctk_renew, ctk_reserve
from fleet_missions.api import (
    MissionCreate,
    MissionFigures,
    MissionPlan,
    MissionStats,
    PlannedSortie,
    ReviewComplete,
    SortieBlock,
    SortieComplete,
    SortieReport,
    SortieStart,
    SortieUnblock,
    Spread,
    mission_create,
    mission_plan,
    mission_stats,
    review_complete,
    sortie_block,
    sortie_complete,
    sortie_progress,
    sortie_start,
    sortie_unblock,
)
from fleet_missions.statistics import spread
from fleet_specialists.api import Heartbeat, Register, heartbeat, register
from fleets import START, TestClock, opened


class Story:
    """A history, told second by second."""

    def __init__(self, fleet: Fleet, clock: TestClock) -> None:
        self.fleet, self.clock = fleet, clock
        self.sessions: dict[str, int] = {}
        self.claims: dict[str, int] = {}

    def at(self, second: float) -> None:
        """Time passes until then."""
        assert START + second * 1_000_000 >= self.clock.now
        self.clock.now = START + int(second * 1_000_000)

    def join(self, *names: str) -> None:
        for name in names:
            self.sessions[name] = register(self.fleet, Register(specialist=name)).state.token

    def start(self, name: str, sortie: str) -> None:
        started = sortie_start(self.fleet, SortieStart(sortie=sortie, token=self.sessions[name]))
        self.claims[sortie] = started.state.token

    def complete(self, name: str, sortie: str) -> None:
        sortie_complete(self.fleet, SortieComplete(sortie=sortie, token=self.sessions[name]))

    def review(self, name: str, sortie: str, verdict: Any) -> None:
        token = self.sessions[name]
        review_complete(self.fleet, ReviewComplete(sortie=sortie, verdict=verdict, token=token))

    def beat(self, *names: str) -> None:
        for name in names:
            heartbeat(self.fleet, Heartbeat(token=self.sessions[name]))


class Told(NamedTuple):
    """A fleet whose history was told, and the position at half-time."""

    fleet: Fleet
    half: int


@pytest.fixture(params=["memory", "sqlite"])
def told(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Told]:
    clock = TestClock()
    with opened(tmp_path, request.param, clock) as fleet:
        story = Story(fleet, clock)
        begin(story)
        half = fleet.store.head()
        lose_ada(story)
        finish(story)
        yield Told(fleet, half)


def begin(story: Story) -> None:
    """Until second 30: a is ada's, b is done by bo, and cy works for another mission."""
    story.join("ada", "bo", "cy", "rey")
    parts = (
        PlannedSortie(title="a", id="a", review=True),
        PlannedSortie(title="b", id="b"),
        PlannedSortie(title="c", id="c", needs=("a",)),
    )
    mission_plan(story.fleet, MissionPlan(title="m", id="m", sorties=parts))
    other = (PlannedSortie(title="o", id="o"),)
    mission_plan(story.fleet, MissionPlan(title="other", id="other", sorties=other))
    story.at(10)
    story.start("ada", "a")
    story.start("bo", "b")
    story.start("cy", "o")
    story.at(12)
    ctk_reserve(story.fleet, CtkReserve(paths=("src/**",), token=story.claims["a"]))
    for name in ("bo", "cy"):  # bo's conflict is of this mission, cy's is not
        with pytest.raises(Conflict):
            ctk_reserve(story.fleet, CtkReserve(paths=("src/x",), token=story.sessions[name]))
    story.at(15)
    sortie_block(story.fleet, SortieBlock(sortie="b", reason="no access", token=story.sessions["bo"]))
    story.at(20)
    sortie_unblock(story.fleet, SortieUnblock(sortie="b", token=story.sessions["bo"]))
    story.at(30)
    story.complete("bo", "b")


def lose_ada(story: Story) -> None:
    """Until second 73: ada, who was renewed in second 10, is found lost in second 72, and comes back late."""
    (granted,) = (
        event
        for event in story.fleet.store.read()
        if event.type == "lease_granted" and event.data.kind == "file"
    )
    story.at(50)
    story.beat("bo", "cy", "rey")
    story.at(72)
    story.beat("bo")
    story.at(73)
    for token in (story.claims["a"], story.sessions["ada"]):
        with pytest.raises(Fenced):
            sortie_progress(story.fleet, SortieReport(sortie="a", percent=80, token=token))
    with pytest.raises(Fenced):
        ctk_renew(story.fleet, CtkRenew(token=story.claims["a"]))
    with pytest.raises(Fenced):
        heartbeat(story.fleet, Heartbeat(token=granted.position))
    old = story.sessions["cy"]  # whose work was for the other mission
    register(story.fleet, Register(specialist="cy", anew=True))
    with pytest.raises(Fenced):
        heartbeat(story.fleet, Heartbeat(token=old))


def finish(story: Story) -> None:
    """Until second 125: bo takes a over, a review finds fault once, and c is blocked since second 115."""
    story.at(80)
    story.start("bo", "a")
    recovered = FleetRecovered(
        checkpoint_id="5f0c8f0e-7a1c-4a3e-9b0a-3a5b0a1d2c3e",
        specialist_id="bo",
        recovered_at=as_datetime(story.clock.now),
        context_restored=True,
        sorties_resumed=("a",),
    )
    story.fleet.append(Batch(Stream("checkpoint", "k"), [recovered]))
    story.at(90)
    story.complete("bo", "a")
    story.at(95)
    story.review("rey", "a", "needs_changes")
    story.at(100)
    story.start("bo", "a")
    story.at(105)
    story.complete("bo", "a")
    story.at(110)
    story.review("rey", "a", "approved")
    story.at(112)
    story.start("bo", "c")
    story.at(115)
    sortie_block(story.fleet, SortieBlock(sortie="c", reason="no access", token=story.sessions["bo"]))
    story.at(125)


def stats(fleet: Fleet, as_of: str | None = None) -> MissionFigures:
    return mission_stats(fleet, MissionStats(mission="m", as_of=as_of))


def time(second: int) -> str:
    """A second of the history, as `as_of` takes it."""
    return timestamp(START + second * 1_000_000)


def of(figures: MissionFigures, name: str) -> dict[str, int]:
    """What is not zero of a specialist's figures."""
    (found,) = (each for each in figures.specialists if each.specialist == name)
    return {
        field: getattr(found, field)
        for field in found.__struct_fields__
        if field != "specialist" and getattr(found, field)
    }


def test_the_figures_of_a_mission_are_right(told: Told) -> None:
    found = stats(told.fleet)
    assert (found.mission_id, found.status, found.progress, found.duration_ms) == ("m", "pending", 66, None)
    assert found.sorties == {"blocked": 1, "completed": 2}
    assert (found.claims, found.claims_lost) == (5, 1)
    assert (found.conflicts, found.fenced_writes, found.recoveries) == (1, 4, 1)
    assert (found.reviews, found.review_strikes) == (2, 1)
    assert found.lead_time == Spread(count=2, median_ms=30_000, p90_ms=110_000)
    assert found.cycle_time == Spread(count=2, median_ms=20_000, p90_ms=100_000)
    assert found.blocked_ms == 5_000 + 10_000


def test_the_figures_of_each_specialist_are_right(told: Told) -> None:
    found = stats(told.fleet)
    assert [each.specialist for each in found.specialists] == ["ada", "bo", "rey"]
    assert of(found, "ada") == {"claims": 1, "claims_lost": 1, "fenced_writes": 4, "held_ms": 62_000}
    assert of(found, "bo") == {
        "claims": 4,
        "completed": 2,
        "strikes": 1,
        "conflicts": 1,
        "recoveries": 1,
        "held_ms": 20_000 + 10_000 + 5_000 + 13_000,
    }
    assert of(found, "rey") == {"reviews": 2}


def test_another_missions_figures_are_its_own(told: Told) -> None:
    found = mission_stats(told.fleet, MissionStats(mission="other"))
    assert (found.claims, found.claims_lost, found.conflicts, found.fenced_writes) == (1, 0, 1, 0)
    assert [each.specialist for each in found.specialists] == ["cy"]


def test_the_figures_of_the_past_are_those_that_were_asked_for_then(told: Told) -> None:
    found = stats(told.fleet, str(told.half))
    assert found.sorties == {"pending": 1, "in_progress": 1, "completed": 1}
    assert (found.claims, found.claims_lost, found.conflicts, found.fenced_writes) == (2, 0, 1, 0)
    assert found.lead_time == Spread(count=1, median_ms=30_000, p90_ms=30_000)
    assert of(found, "ada") == {"claims": 1, "held_ms": 20_000}
    assert stats(told.fleet, time(30)) == found


def test_what_lasts_lasts_until_the_moment_asked_about(told: Told) -> None:
    found = stats(told.fleet, time(17))
    assert found.blocked_ms == 2_000
    assert of(found, "bo")["held_ms"] == 7_000
    assert stats(told.fleet, time(22)).blocked_ms == 5_000


def test_a_mission_without_history_has_figures_too(told: Told) -> None:
    mission_create(told.fleet, MissionCreate(title="new", id="new"))
    found = mission_stats(told.fleet, MissionStats(mission="new"))
    assert (found.sorties, found.claims, found.lead_time, found.specialists) == ({}, 0, None, ())


def test_there_are_no_figures_of_a_mission_that_there_is_not(told: Told) -> None:
    with pytest.raises(NotFound, match="no mission 'm9'"):
        mission_stats(told.fleet, MissionStats(mission="m9"))
    with pytest.raises(NotFound):
        stats(told.fleet, "1")


def test_figures_are_read_without_an_effect(told: Told) -> None:
    head = told.fleet.store.head()
    stats(told.fleet)
    assert told.fleet.store.head() == head


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=40))
def test_at_least_half_and_nine_tenths_took_no_longer(times: list[int]) -> None:
    found = spread(times)
    assert found is not None
    for value, percent in ((found.median_ms, 50), (found.p90_ms, 90)):
        assert value in {each // 1000 for each in times}
        assert sum(each // 1000 <= value for each in times) * 100 >= percent * len(times)
        assert sum(each // 1000 < value for each in times) * 100 < percent * len(times)
