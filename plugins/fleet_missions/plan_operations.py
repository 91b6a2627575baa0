"""Planning a mission as a whole: its sorties, what they need and which files they change, in one append."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from fleet_core.api import Decision, Done, Fleet, Match, Write
from fleet_ctk.api import Pattern, known_rule, project_pattern
from fleet_leases.api import settle
from fleet_missions.events import MissionCreated, Priority, SortieCreated
from fleet_missions.ids import MissionId, new_id
from fleet_missions.mission_state import MISSIONS
from fleet_missions.mission_state import stream as mission_stream
from fleet_missions.planning import (
    Fault,
    Piece,
    PlannedSortie,
    ReadPattern,
    draft,
    refusal,
    waves_of,
)
from fleet_missions.sortie_state import SORTIES
from fleet_missions.sortie_state import stream as sortie_stream

UNNAMED: Final = "<mission>"
"""Stands for the id that a mission will be given, where nothing is recorded."""


class MissionPlan(Write, frozen=True, kw_only=True):
    """A mission with all its sorties."""

    title: Annotated[
        str, Meta(description="What is to be reached, in a few words.", min_length=1, max_length=200)
    ]
    sorties: Annotated[tuple[PlannedSortie, ...], Meta(description="What is to be done.")]
    id: Annotated[MissionId | None, Meta(description="Its id; made up when left out.")] = None
    description: Annotated[str | None, Meta(description="What a worker must know of it.")] = None
    priority: Annotated[
        Priority, Meta(description="How urgent it is, and each sortie that does not say so itself.")
    ] = "medium"
    review: Annotated[
        bool, Meta(description="A reviewer must approve each sortie that does not say so itself.")
    ] = False
    validate: Annotated[bool, Meta(description="Check the plan, and record nothing.")] = False


class PlannedPart(msgspec.Struct, frozen=True, kw_only=True):
    """A sortie of a plan as it will be known. Its files are spelled from the project's root."""

    sortie_id: str
    title: str
    needs: tuple[str, ...]
    files: tuple[str, ...]


class PlannedMission(msgspec.Struct, frozen=True, kw_only=True):
    """A plan that is sound. Once a wave is done, the next can be worked on by as many specialists as it has
    sorties; `width` is the most of them. A mission without an id that is not recorded is `<mission>`.
    """

    mission_id: str
    recorded: bool
    width: int
    waves: tuple[tuple[str, ...], ...]
    sorties: tuple[PlannedPart, ...]


def mission_plan(fleet: Fleet, request: MissionPlan) -> Done[PlannedMission]:
    """Plan a mission with all its sorties: all of it is recorded, or nothing.

    Refused, with everything that is wrong: circles of needs, files that two sorties may change at the same
    time, ids that are taken or unknown.

    Example: fleet mission plan --file plan.json --validate
    """
    checked: list[Sequence[MissionCreated | SortieCreated]] = []

    def decide(decision: Decision) -> None:
        planned = _checked(decision, request)
        checked.append(planned)
        if not request.validate:
            _record(decision, planned)

    if not request.validate:
        settle(fleet)
    outcome = fleet.carry_out(request, decide)
    told = checked[-1] if request.validate else [event.data for event in outcome.events]
    return Done(_answer(told, recorded=not request.validate), outcome.position, outcome.replayed)


def pattern_reader(fleet: Fleet) -> ReadPattern:
    """What reads the patterns of plans: they are relative to the project's root, whoever sends them."""
    rule = known_rule(fleet)
    project, root = fleet.project, fleet.project.root.resolve()

    def read(typed: str, place: str) -> Pattern:
        return project_pattern(typed, project, root, case_sensitive=rule, path=place)

    return read


def taken_ids(decision: Decision, pieces: Iterable[Piece]) -> Iterator[Fault]:
    """Of planned sorties, those whose ids are those of others already; the decision depends on it."""
    own = {sortie_stream(piece.sortie_id): piece for piece in pieces}
    if own:
        decision.depend_on(Match(streams=tuple(own)))
    sorties = decision.view(SORTIES)
    for target, piece in own.items():
        if sorties.get(target.id) is not None:
            place = f"{piece.place}.id" if piece.planned.id else piece.place
            yield Fault(place, f"there is a sortie {target.id} already; give this one another id")


def sortie_created(
    piece: Piece, *, mission: str | None, priority: Priority, review: bool, parent: str | None = None
) -> SortieCreated:
    """The event that tells of a planned sortie; `priority` and `review` are for one that says nothing of
    them.
    """
    said = piece.planned.review
    return SortieCreated(
        sortie_id=piece.sortie_id,
        mission_id=mission,
        title=piece.planned.title,
        description=piece.planned.description,
        priority=piece.planned.priority or priority,
        files=tuple(pattern.text for pattern in piece.files) or None,
        dependencies=piece.needs or None,
        review=review if said is None else said,
        parent=parent,
    )


def parts_of(told: Iterable[object]) -> tuple[PlannedPart, ...]:
    """The sorties that events tell of."""
    return tuple(
        PlannedPart(
            sortie_id=each.sortie_id,
            title=each.title,
            needs=each.dependencies or (),
            files=each.files or (),
        )
        for each in told
        if isinstance(each, SortieCreated)
    )


def _checked(decision: Decision, request: MissionPlan) -> Sequence[MissionCreated | SortieCreated]:
    """The events of a sound plan.

    Raises:
        Invalid: it is none; lists all its faults.
    """
    fleet = decision.fleet
    made_up = UNNAMED if request.validate else new_id("msn", fleet.ids)
    mission_id = request.id or made_up
    pieces, faults = draft(request.sorties, mission_id, pattern_reader(fleet), place="$.sorties")
    if decision.look(MISSIONS, mission_stream(mission_id)) is not None:
        faults = (
            Fault("$.id", f"there is a mission {mission_id} already; give this one another id"),
            *faults,
        )
    faults = (*faults, *taken_ids(decision, pieces))
    if faults:
        raise refusal("the plan", faults)
    created = MissionCreated(
        mission_id=mission_id,
        title=request.title,
        description=request.description,
        priority=request.priority,
        # What holds for the whole mission, no sortie can be left out of.
        review=request.review and all(part.review is not False for part in request.sorties),
        initial_sorties=tuple(piece.sortie_id for piece in pieces),
    )
    return [
        created,
        *(
            sortie_created(piece, mission=mission_id, priority=request.priority, review=request.review)
            for piece in pieces
        ),
    ]


def _record(decision: Decision, planned: Sequence[MissionCreated | SortieCreated]) -> None:
    cause = None
    tags: tuple[str, ...] = ()
    for event in planned:
        if isinstance(event, MissionCreated):
            target = mission_stream(event.mission_id)
            cause, tags = decision.record(target, event), (target.tag,)
        else:
            decision.record(sortie_stream(event.sortie_id), event, cause=cause, tags=tags)


def _answer(told: Sequence[object], *, recorded: bool) -> PlannedMission:
    mission = next(each for each in told if isinstance(each, MissionCreated))
    sorties = parts_of(told)
    waves, width = waves_of((each.sortie_id, each.needs) for each in sorties)
    return PlannedMission(
        mission_id=mission.mission_id, recorded=recorded, width=width, waves=waves, sorties=sorties
    )
