"""The day itself, scene by scene: four specialists, a mission, a conflict, a crash, a recovery."""

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any, Final

import msgspec

from fleet_core.api import Fenced, Fleet, Maintenance, ProblemsFound, Project, Query, Recorded
from fleet_demo.crew import at_work
from fleet_demo.specialist import Said
from fleet_demo.stage import opened
from fleet_leases.api import LeaseRelease, lease_release, session_id
from fleet_missions.api import (
    MissionComplete,
    MissionCreate,
    MissionStart,
    SortieBlock,
    SortieClaim,
    SortieComplete,
    SortieCreate,
    SortieList,
    SortieReport,
    SortieShow,
    SortieStart,
    SortieUnblock,
    mission_complete,
    mission_create,
    mission_start,
    sortie_block,
    sortie_claim,
    sortie_complete,
    sortie_create,
    sortie_list,
    sortie_progress,
    sortie_show,
    sortie_start,
    sortie_unblock,
)
from fleet_specialists.api import ListSpecialists, Register, list_specialists, register

CREW: Final = {"ada": ("python",), "bo": ("python", "sql"), "cy": ("html",), "di": ("tests",)}
MISSION: Final = "oauth-login"
SORTIES: Final = {
    "schema": "Database schema",
    "tokens": "Token service",
    "pages": "Login pages",
    "tests": "Tests",
}
CONTESTED: Final = "tokens"
KILLED_AT: Final = 40
"""The percentage at which the process is killed, as soon as it is acknowledged."""

SORTIE_COLUMNS: Final = ("sortie_id", "title", "status", "assigned_to", "progress")


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the day as it is told: sentences, a table for people, and facts for programs."""

    heading: str
    lines: list[str]
    rows: list[Any] = []
    columns: tuple[str, ...] = ()
    facts: dict[str, Any] = {}


Tokens = Mapping[str, int]
"""The token of each specialist's session."""


class Crash(msgspec.Struct, frozen=True, kw_only=True):
    """Who won the contested sortie and was killed at work, and what had been acknowledged until then."""

    killed: str
    other: str
    acknowledged: list[Said]
    position: int


def play(project: Project) -> Iterator[Scene]:
    """Play the day in a project; each scene has happened when it is told."""
    with opened(project) as fleet:
        tokens = {name: _join(fleet, name) for name in CREW}
        yield _muster(fleet)
        yield _plan(fleet, tokens)
        scenes, crash = _conflict_and_crash(project, tokens)
        yield from scenes
    with opened(project) as fleet:
        yield _recovery(fleet, crash, tokens)
        yield _evening(fleet, crash, tokens)
        yield _time_travel(fleet, crash)
        yield _why(fleet)


def _join(fleet: Fleet, name: str) -> int:
    return register(fleet, Register(specialist=name, capabilities=CREW[name])).state.token


def _muster(fleet: Fleet) -> Scene:
    return Scene(
        heading="Morning: four specialists join",
        lines=[],
        rows=list_specialists(fleet, ListSpecialists()).items,
        columns=("specialist_id", "status", "capabilities"),
        facts={"specialists": list(CREW)},
    )


def _plan(fleet: Fleet, tokens: Tokens) -> Scene:
    mission_create(fleet, MissionCreate(title="Log in with OAuth", id=MISSION, priority="high"))
    for sortie, title in SORTIES.items():
        sortie_create(fleet, SortieCreate(title=title, id=sortie, mission=MISSION))
    mission_start(fleet, MissionStart(mission=MISSION))
    sortie_start(fleet, SortieStart(sortie="schema", token=tokens["di"]))
    sortie_complete(fleet, SortieComplete(sortie="schema", token=tokens["di"], summary="two tables"))
    sortie_start(fleet, SortieStart(sortie="pages", token=tokens["cy"]))
    sortie_block(fleet, SortieBlock(sortie="pages", token=tokens["cy"], reason="needs the token service"))
    return Scene(
        heading=f"A mission, {MISSION}, is planned, and the first sorties begin",
        lines=[],
        rows=_sorties(fleet),
        columns=SORTIE_COLUMNS,
        facts={"mission": MISSION, "sorties": list(SORTIES)},
    )


def _sorties(fleet: Fleet, as_of: str | None = None) -> list[Any]:
    return sortie_list(fleet, SortieList(mission=MISSION, as_of=as_of)).items


def _conflict_and_crash(project: Project, tokens: Tokens) -> tuple[list[Scene], Crash]:
    rivals = {name: tokens[name] for name in ("ada", "bo")}
    with at_work(project.root, rivals, CONTESTED) as processes:
        for process in processes:
            process.go()
        answers = [process.listen() for process in processes]
        winner, loser = sorted(range(2), key=lambda each: bool(answers[each].refused))
        acknowledged = [answers[winner]]
        while acknowledged[-1].progress < KILLED_AT:
            acknowledged.append(processes[winner].listen())
        processes[winner].kill()
        acknowledged.extend(processes[winner].rest())
    crash = Crash(
        killed=processes[winner].name,
        other=processes[loser].name,
        acknowledged=acknowledged,
        position=acknowledged[-1].position,
    )
    return [_conflict(crash, answers[loser]), _crash(crash)], crash


def _conflict(crash: Crash, refusal: Said) -> Scene:
    return Scene(
        heading=f"A conflict: ada and bo start sortie '{CONTESTED}' at the same moment, in two processes",
        lines=[
            f"{crash.killed} was first and has it. {crash.other} was told:",
            f"  {refusal.refused}",
            f"  {refusal.remedy}",
        ],
        facts={"winner": crash.killed, "refused": crash.other, "message": refusal.refused},
    )


def _crash(crash: Crash) -> Scene:
    count, percent = len(crash.acknowledged), crash.acknowledged[-1].progress
    return Scene(
        heading=f"A crash: the process of {crash.killed} is killed (SIGKILL) in the middle of its work",
        lines=[f"{count} of its events had been acknowledged, the last one at {percent} %."],
        facts={"killed": crash.killed, "acknowledged": [said.event for said in crash.acknowledged]},
    )


def _recovery(fleet: Fleet, crash: Crash, tokens: Tokens) -> Scene:
    promised = [said.event for said in crash.acknowledged]
    found = {event.id for event in fleet.store.read(Query.of(ids=tuple(promised)))}
    lost = [event for event in promised if event not in found]
    verified = _verified(fleet)
    if lost:
        raise ProblemsFound(
            f"{len(lost)} acknowledged events are lost", remedy="please report this", lost=lost
        )
    session = session_id(crash.killed)
    lease_release(fleet, LeaseRelease(lease=session, reason="its process was killed"))
    goes_on = sortie_claim(fleet, SortieClaim(mission=MISSION, token=tokens[crash.other])).state
    return Scene(
        heading="A recovery: the store is opened again",
        lines=[
            f"All {len(promised)} acknowledged events are there.",
            verified,
            f"The session of {crash.killed} is taken away, so that sortie '{goes_on.sortie}' is ready again.",
            f"{crash.other} claims it, and goes on at {goes_on.progress} %. Should {crash.killed} be alive:",
            f"  {_late_word(fleet, tokens[crash.killed])}",
        ],
        facts={"lost": lost, "goes_on": crash.other, "at": goes_on.progress},
    )


def _late_word(fleet: Fleet, token: int) -> str:
    """What somebody hears who wakes up and writes on what another has by now."""
    try:
        sortie_progress(fleet, SortieReport(sortie=CONTESTED, token=token, percent=100))
    except Fenced as refusal:
        return refusal.message
    raise ProblemsFound("a stale write was accepted", remedy="please report this")


def _verified(fleet: Fleet) -> str:
    if not isinstance(fleet.store, Maintenance):
        return "This store has no hashes to check."
    verification = fleet.store.verify()
    if verification.findings:
        raise ProblemsFound(
            f"the store is damaged: {verification.findings[0].what}", remedy="please report this"
        )
    return f"The hash chain over all {verification.events} events is sound."


def _evening(fleet: Fleet, crash: Crash, tokens: Tokens) -> Scene:
    cy, di = tokens["cy"], tokens["di"]
    sortie_complete(fleet, SortieComplete(sortie=CONTESTED, token=tokens[crash.other], summary="merged"))
    sortie_unblock(fleet, SortieUnblock(sortie="pages", token=cy, reason="the token service is there"))
    sortie_complete(fleet, SortieComplete(sortie="pages", token=cy))
    sortie_start(fleet, SortieStart(sortie="tests", token=di))
    sortie_complete(fleet, SortieComplete(sortie="tests", token=di, summary="212 passed"))
    done = mission_complete(fleet, MissionComplete(mission=MISSION, summary="users log in")).state
    return Scene(
        heading="Evening: everything is done",
        lines=[],
        rows=[done],
        columns=("mission_id", "title", "status", "sorties_total", "sorties_completed", "summary"),
        facts={"mission": done},
    )


def _time_travel(fleet: Fleet, crash: Crash) -> Scene:
    as_of = str(crash.position)
    return Scene(
        heading=f"Time travel: fleet sortie list --as-of {as_of} shows the moment before the crash",
        lines=[],
        rows=_sorties(fleet, as_of),
        columns=SORTIE_COLUMNS,
        facts={"as_of": crash.position},
    )


def _why(fleet: Fleet) -> Scene:
    """How the contested sortie came to its end."""
    ended = sortie_show(fleet, SortieShow(sortie=CONTESTED)).last_event
    causes = list(_causes(fleet, ended))
    return Scene(
        heading=f"fleet why {causes[-1].position}: how sortie '{CONTESTED}' came to its end",
        lines=list(_as_tree(causes)),
        facts={"chain": [{"position": event.position, "type": event.type} for event in causes]},
    )


def _causes(fleet: Fleet, event_id: str | None) -> list[Recorded]:
    """An event and what led to it, the root first."""
    chain: list[Recorded] = []
    while event_id is not None:
        event = next(fleet.store.read(Query.of(ids=(event_id,))))
        chain.insert(0, event)
        event_id = event.causation_id
    return chain


def _as_tree(chain: list[Recorded]) -> Iterator[str]:
    """A line for each event; those of one type in a row share one."""
    for type_name, alike in groupby(chain, key=lambda event: event.type):
        events = list(alike)
        first, last = events[0].position, events[-1].position
        places = f"at {first}" if first == last else f"at {first} to {last}, {len(events)} times"
        arrow = "" if events[0] is chain[0] else "-> "
        yield f"{arrow}{type_name} {places}{_said_by(events[-1])}"


def _said_by(event: Recorded) -> str:
    who = getattr(event.data, "specialist_id", None) or getattr(event.data, "changed_by", None)
    return f" by {who}" if who else ""
